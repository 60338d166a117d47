"""The scheduled sending (E4): bounded, safe to run twice at once, and slowed down by no single endpoint.

Every endpoint with something due is a lane: one thread works on it, oldest first and page after page, for its share of
the time. Where nothing is sent any more, what is due is cancelled in the time that the others leave. A delivery is
claimed by putting its due time ahead, further than any request lives; so two runs never send the same one at once, and
one whose sender died is sent again later, under the same webhook-id (at least once).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.aws import db, transport
from chalicelib.core import clock, log, settings
from chalicelib.core.errors import ShopError
from chalicelib.webhooks import sender, signatures, store
from chalicelib.webhooks.models import Delivery, DeliveryAttempt, DeliveryState, DisabledReason, Webhook, succeeded
from chalicelib.webhooks.signatures import Secrets

_THREADS = 8
_PAGE = 100  # deliveries of an endpoint that are read at a time
_LEASE = timedelta(minutes=2)  # longer than the function that sends lives
_DELETED_FOR = timedelta(days=2)  # by then every delivery that was waiting has come due
_BY_THE_SHOP = "shop"
_OUTCOMES = ("delivered", "retried", "failed", "cancelled", "taken", "broken")
_FAULTS = (ShopError, db.Stale, transport.RequestError, msgspec.ValidationError)


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The first page of what is due to one endpoint, and where the next begins; `webhook` is None if it was deleted."""

    webhook_id: str
    webhook: Webhook | None
    due: list[Delivery]
    after: str | None = None
    is_broken: bool = False

    @property
    def sends(self) -> bool:
        """Is what is due sent, rather than cancelled?"""
        return _is_sent_to(self.webhook)


def run(*, seconds: float) -> dict[str, int]:
    """Send what is due, for at most about that many seconds; gives how many deliveries ended how."""
    until = clock.monotonic() + seconds
    store.prepare()
    live, deleted = store.get_all(), store.list_deleted()
    named = [(each.webhook_id, each) for each in live] + [(each.webhook_id, None) for each in deleted]
    with ThreadPoolExecutor(_THREADS) as threads:
        lanes = list(threads.map(lambda each: _lane(*each), named))
        busy = sorted((lane for lane in lanes if lane.due or lane.after), key=lambda lane: not lane.sends)
        sending = sum(lane.sends for lane in busy)
        share = seconds / max(1, math.ceil(sending / _THREADS)) - sender.SECONDS
        work = [_in_context(lambda lane=lane: _work(lane, until, share)) for lane in busy]  # type: ignore[misc]
        done = sum(threads.map(lambda each: each(), work), Counter[str]())
    done["broken"] += sum(lane.is_broken for lane in lanes)
    _forget({each.webhook_id: each for each in deleted}, lanes)
    return _told(done)


def _is_sent_to(webhook: Webhook | None) -> bool:
    return webhook is not None and webhook.is_active


def _in_context(work: Callable[[], Counter[str]]) -> Callable[[], Counter[str]]:
    """The work with the log's fields, which another thread does not know by itself."""
    context = copy_context()
    return lambda: context.run(work)


def _lane(webhook_id: str, webhook: Webhook | None) -> Lane:
    try:
        due, after = store.list_due(webhook_id, limit=_PAGE)
        return Lane(webhook_id=webhook_id, webhook=webhook, due=due, after=after)
    except _FAULTS as error:
        log.error("WEBHOOK_LANE_FAILED", webhookId=webhook_id, error=type(error).__name__)
        return Lane(webhook_id=webhook_id, webhook=webhook, due=[], is_broken=True)


def _work(lane: Lane, until: float, share: float) -> Counter[str]:
    """Bring a lane forward: at least one delivery, and others while its share of the time lasts."""
    done: Counter[str] = Counter()
    end = min(until, clock.monotonic() + share) if lane.sends else until
    webhook, due, after = lane.webhook, lane.due, lane.after
    try:
        while True:
            secrets = store.get_secrets(lane.webhook_id) if lane.sends else None  # none if it was deleted meanwhile
            for delivery in due:
                if clock.monotonic() > (end if done else until):
                    return done
                outcome, webhook = _one(delivery, webhook, secrets)
                done[outcome] += 1
            if after is None or clock.monotonic() > end or _is_sent_to(webhook) is not lane.sends:
                return done
            due, after = store.list_due(lane.webhook_id, limit=_PAGE, after=after)
    except _FAULTS as error:
        log.error("WEBHOOK_LANE_FAILED", webhookId=lane.webhook_id, error=type(error).__name__)
        done["broken"] += 1
    return done


def _one(delivery: Delivery, webhook: Webhook | None, secrets: Secrets | None) -> tuple[str, Webhook | None]:
    """What became of one delivery, and of its endpoint by that."""
    try:
        if webhook is None or not webhook.is_active or secrets is None:
            db.commit(store.update_delivery(delivery, delivery.cancelled()))
            return "cancelled", webhook
        leased = delivery.leased(_LEASE)
        db.commit(store.update_delivery(delivery, leased))
    except db.Stale:
        return "taken", webhook  # by another run, or begun anew by an admin
    attempt = _send(leased, webhook, secrets)
    after = leased.attempted(attempt)
    try:
        db.commit(store.update_delivery(leased, after))
    except db.Stale:
        log.warning("WEBHOOK_RESULT_UNWANTED", deliveryId=delivery.delivery_id)
    return _name(after), _judged(webhook, attempt)


def _send(delivery: Delivery, webhook: Webhook, secrets: Secrets) -> DeliveryAttempt:
    body = delivery.payload.encode()
    headers = signatures.headers(delivery.event_id, body, at=clock.epoch(), by=secrets.signing)
    attempt = sender.send(webhook.url, body, headers, near=settings.current().is_local)
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


def _name(after: Delivery) -> str:
    return "retried" if after.state is DeliveryState.PENDING else after.state.value


def _judged(webhook: Webhook, attempt: DeliveryAttempt) -> Webhook:
    """The endpoint after an attempt: working, failing since some time, or switched off."""
    try:
        if succeeded(attempt):
            return _working(webhook)
        reason = webhook.verdict(attempt)
        return _switched_off(webhook, reason) if reason else _failing(webhook, attempt)
    except db.Stale:  # changed or deleted by an admin meanwhile, which the next run sees
        return webhook


def _working(webhook: Webhook) -> Webhook:
    if webhook.failing_since is None:
        return webhook
    db.commit(store.record_success(webhook))
    return msgspec.structs.replace(webhook, failing_since=None)


def _failing(webhook: Webhook, attempt: DeliveryAttempt) -> Webhook:
    if webhook.failing_since is not None:
        return webhook
    db.commit(store.record_failure(webhook, attempt.at))
    return msgspec.structs.replace(webhook, failing_since=attempt.at)


def _switched_off(webhook: Webhook, reason: DisabledReason) -> Webhook:
    """The endpoint is sent nothing any more; the change of its item is on the table's stream for all to see."""
    after = webhook.disabled_by_shop(reason)
    db.commit(store.update(webhook, after, actor=_BY_THE_SHOP))
    log.warning("WEBHOOK_SWITCHED_OFF", webhookId=webhook.webhook_id, reason=reason)
    log.metric("WebhookSwitchedOff")
    return after


def _forget(deleted: dict[str, store.DeletedWebhook], lanes: list[Lane]) -> None:
    """Stop looking for deliveries of endpoints that were deleted days ago and have none left."""
    before = clock.ago(_DELETED_FOR)
    for lane in lanes:
        gone = deleted.get(lane.webhook_id)
        if gone and not (lane.due or lane.after or lane.is_broken) and gone.deleted_at < before:
            db.commit(store.forget(lane.webhook_id))


def _told(done: Counter[str]) -> dict[str, int]:
    counts: dict[str, Any] = {name: done[name] for name in _OUTCOMES}
    log.info("WEBHOOKS_DELIVERED", **counts)
    if counts["delivered"]:
        log.metric("WebhookDelivered", counts["delivered"])
    if counts["retried"] + counts["failed"]:
        log.metric("WebhookFailed", counts["retried"] + counts["failed"])
    return counts
