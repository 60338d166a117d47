"""The scheduled sending (E4): bounded, safe to run twice at once, and slowed down by no single endpoint.

Every endpoint with something due is a lane: one thread works on it, oldest first and page after page, for its share of
the time. Where nothing is sent any more, what is due is cancelled in the time that the others leave. A delivery is
claimed by putting its due time ahead, further than any request lives; so two runs never send the same one at once, and
one whose sender died is sent again later, under the same webhook-id (at least once).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.aws import db, transport
from chalicelib.core import clock, log, settings
from chalicelib.core.deadline import Deadline
from chalicelib.core.errors import ShopError
from chalicelib.webhooks import sender, signatures, store
from chalicelib.webhooks.models import Delivery, DeliveryAttempt, DeliveryState, DisabledReason, Webhook, succeeded
from chalicelib.webhooks.signatures import Secrets

THREADS = 8
PAGE_SIZE = 100  # deliveries of an endpoint that are read at a time
LEASE = timedelta(minutes=2)  # longer than the function that sends lives
BEHIND_AFTER = timedelta(minutes=5)  # what came due so long ago was passed over by several runs
_DELETED_FOR = timedelta(days=2)  # by then every delivery that was waiting has come due
_BY_THE_SHOP = "shop"
_OUTCOMES = ("delivered", "retried", "failed", "cancelled", "taken", "broken")
_FAULTS = (ShopError, db.Stale, transport.RequestError, msgspec.ValidationError)


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The first page of what is due to one endpoint, and where the next begins; `webhook` is None if it was deleted."""

    webhook_id: str
    webhook: Webhook | None
    due: list[Delivery] = []
    after: str | None = None
    page_size: int
    is_broken: bool = False

    @property
    def is_busy(self) -> bool:
        """Is anything due?"""
        return bool(self.due) or self.after is not None

    @property
    def is_sending(self) -> bool:
        """Is what is due sent, rather than cancelled?"""
        return _is_sent_to(self.webhook)

    @property
    def waiting(self) -> float:
        """For how many seconds the oldest delivery that is to be sent has been due."""
        if not (self.is_sending and self.due):
            return 0.0
        due_at = min(delivery.next_at for delivery in self.due if delivery.next_at)
        return (clock.now() - clock.parse(due_at)).total_seconds()

    def pages(self) -> Iterator[list[Delivery]]:
        """Everything that is due, oldest first, each further page read when it is asked for."""
        yield self.due
        if self.after is not None:
            yield from db.pages(
                lambda after: store.list_due(self.webhook_id, limit=self.page_size, after=after), after=self.after
            )


def run(*, seconds: float, threads: int = THREADS, page_size: int = PAGE_SIZE) -> dict[str, int]:
    """Send what is due, for at most about that many seconds; gives how many deliveries ended how."""
    deadline = Deadline(seconds)
    store.prepare()
    deleted = {each.webhook_id: each for each in store.list_deleted()}
    endpoints = {each.webhook_id: each for each in store.list_all()} | dict.fromkeys(deleted)
    with ThreadPoolExecutor(threads) as pool:
        lanes = list(pool.map(lambda each: _open_lane(*each, page_size=page_size), endpoints.items()))
        _report_waiting(lanes)
        busy = sorted((lane for lane in lanes if lane.is_busy), key=lambda lane: not lane.is_sending)
        share = share_of_time(seconds, sum(lane.is_sending for lane in busy), threads)
        outcomes = sum(_map_in_context(pool, lambda lane: _work(lane, deadline, share), busy), Counter[str]())
    outcomes["broken"] += sum(lane.is_broken for lane in lanes)
    _forget_finished(deleted, lanes)
    return _report(outcomes)


def _is_sent_to(webhook: Webhook | None) -> bool:
    return webhook is not None and webhook.is_active


def _open_lane(webhook_id: str, webhook: Webhook | None, *, page_size: int) -> Lane:
    try:
        due, after = store.list_due(webhook_id, limit=page_size)
        return Lane(webhook_id=webhook_id, webhook=webhook, due=due, after=after, page_size=page_size)
    except _FAULTS as error:
        log.error("WEBHOOK_LANE_FAILED", webhookId=webhook_id, error=type(error).__name__)
        return Lane(webhook_id=webhook_id, webhook=webhook, page_size=page_size, is_broken=True)


def share_of_time(seconds: float, sending: int, threads: int) -> float:
    """How long a lane may go on sending so that all have their turn, its last delivery included."""
    return seconds / max(1, math.ceil(sending / threads)) - sender.SECONDS


def _map_in_context(
    pool: ThreadPoolExecutor, work: Callable[[Lane], Counter[str]], lanes: list[Lane]
) -> Iterator[Counter[str]]:
    """The work on each lane with the log's fields, which another thread does not know by itself."""
    contexts = [copy_context() for _ in lanes]
    return pool.map(lambda context, lane: context.run(work, lane), contexts, lanes)


def _work(lane: Lane, deadline: Deadline, share: float) -> Counter[str]:
    """Bring a lane forward: at least one delivery, and others while its share of the time lasts."""
    outcomes: Counter[str] = Counter()
    webhook, turn = lane.webhook, deadline.within(share) if lane.is_sending else deadline
    try:
        for page in lane.pages():
            secrets = store.get_secrets(lane.webhook_id) if lane.is_sending else None  # none if deleted meanwhile
            for delivery in page:
                if (turn if outcomes else deadline).is_over:
                    return outcomes
                outcome, webhook = _deliver(delivery, webhook, secrets)
                outcomes[outcome] += 1
            if turn.is_over or _is_sent_to(webhook) is not lane.is_sending:
                return outcomes
    except _FAULTS as error:
        log.error("WEBHOOK_LANE_FAILED", webhookId=lane.webhook_id, error=type(error).__name__)
        outcomes["broken"] += 1
    return outcomes


def _deliver(delivery: Delivery, webhook: Webhook | None, secrets: Secrets | None) -> tuple[str, Webhook | None]:
    """What became of one delivery, and of its endpoint by that."""
    if webhook is None or not webhook.is_active or secrets is None:
        return "cancelled" if _commit(delivery, delivery.cancelled()) else "taken", webhook
    leased = delivery.leased(LEASE)
    if not _commit(delivery, leased):
        return "taken", webhook
    attempt = _send(leased, webhook, secrets)
    after = leased.attempted(attempt)
    if not _commit(leased, after):
        log.warning("WEBHOOK_RESULT_UNWANTED", deliveryId=delivery.delivery_id)
    outcome = "retried" if after.state is DeliveryState.PENDING else after.state.value
    return outcome, _record_result(webhook, attempt)


def _commit(before: Delivery, after: Delivery) -> bool:
    """Write a delivery's next state; False when it has another by now: of another run, or of an admin's retry."""
    try:
        db.commit(store.update_delivery(before, after))
    except db.Stale:
        return False
    return True


def _send(delivery: Delivery, webhook: Webhook, secrets: Secrets) -> DeliveryAttempt:
    body = delivery.payload.encode()
    headers = signatures.headers(delivery.event_id, body, at=clock.epoch(), by=secrets.signing)
    attempt = sender.send(webhook.url, body, headers, near=settings.current().has_near_receivers)
    log.info(
        "WEBHOOK_SENT",
        webhookId=webhook.webhook_id,
        deliveryId=delivery.delivery_id,
        eventId=delivery.event_id,
        status=attempt.status,
        error=attempt.error,
        duration=attempt.milliseconds,
    )
    return attempt


def _record_result(webhook: Webhook, attempt: DeliveryAttempt) -> Webhook:
    """The endpoint after an attempt: working, failing since some time, or disabled."""
    try:
        if succeeded(attempt):
            return _record_success(webhook)
        reason = webhook.verdict(attempt)
        return _disable(webhook, reason) if reason else _record_failure(webhook, attempt)
    except db.Stale:  # changed or deleted by an admin meanwhile, which the next run sees
        return webhook


def _record_success(webhook: Webhook) -> Webhook:
    if webhook.failing_since is None:
        return webhook
    db.commit(store.record_success(webhook))
    return msgspec.structs.replace(webhook, failing_since=None)


def _record_failure(webhook: Webhook, attempt: DeliveryAttempt) -> Webhook:
    if webhook.failing_since is not None:
        return webhook
    db.commit(store.record_failure(webhook, attempt.at))
    return msgspec.structs.replace(webhook, failing_since=attempt.at)


def _disable(webhook: Webhook, reason: DisabledReason) -> Webhook:
    """The endpoint is sent nothing any more; the change of its item is on the table's stream for all to see."""
    after = webhook.disabled_by_shop(reason)
    db.commit(store.update(webhook, after, actor=_BY_THE_SHOP))
    log.warning("WEBHOOK_SWITCHED_OFF", webhookId=webhook.webhook_id, reason=reason)
    log.metric("WebhookSwitchedOff")
    return after


def _forget_finished(deleted: dict[str, store.DeletedWebhook], lanes: list[Lane]) -> None:
    """Stop looking for deliveries of endpoints that were deleted days ago and have none left."""
    before = clock.ago(_DELETED_FOR)
    for lane in lanes:
        gone = deleted.get(lane.webhook_id)
        if gone and not (lane.is_busy or lane.is_broken) and gone.deleted_at < before:
            db.commit(store.forget(lane.webhook_id))


def _report_waiting(lanes: list[Lane]) -> None:
    """Tell how many endpoints are behind, those included whose deliveries cannot be read, and how far; zeros too."""
    behind = [lane for lane in lanes if lane.is_broken or lane.waiting > BEHIND_AFTER.total_seconds()]
    log.metric("WebhooksBehind", len(behind))
    log.metric("WebhooksBehindAge", max((lane.waiting for lane in lanes), default=0), "Seconds")


def _report(outcomes: Counter[str]) -> dict[str, int]:
    counts: dict[str, Any] = {name: outcomes[name] for name in _OUTCOMES}
    log.info("WEBHOOKS_DELIVERED", **counts)
    if counts["delivered"]:
        log.metric("WebhookDelivered", counts["delivered"])
    if counts["retried"] + counts["failed"]:
        log.metric("WebhookFailed", counts["retried"] + counts["failed"])
    return counts
