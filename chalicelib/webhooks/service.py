"""What can be done with webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.api.idempotency import Claim
from chalicelib.aws import db
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.cached import Cached
from chalicelib.core.errors import FieldError, Invalid
from chalicelib.core.events import EVENT_TYPES, Event
from chalicelib.core.principal import Principal
from chalicelib.webhooks import dispatch, guard, store
from chalicelib.webhooks.models import (
    TEST_EVENT,
    Delivery,
    Issued,
    NoSuchDelivery,
    NoSuchWebhook,
    Webhook,
    unmatched,
)
from chalicelib.webhooks.schemas import NewWebhook, WebhookChange
from chalicelib.webhooks.signatures import Secrets
from chalicelib.webhooks.views import DeliveryView, WebhookView, delivery_view, webhook_view

_CACHE_SECONDS = 30

# All endpoints, as they were within the last half minute; one query when that is not known.
_endpoints = Cached(store.list_all, seconds=_CACHE_SECONDS)


def create(new: NewWebhook, *, actor: Principal, claim: Claim) -> Issued:
    """Register an endpoint. The record of the request's key holds the endpoint without its secret."""
    _require_sound(new)
    webhook, secrets = Webhook.create(new), Secrets.create()
    db.commit(*store.create(webhook, secrets, actor=actor.user_id), *claim.record(webhook_view(webhook)))
    forget()
    log.info("WEBHOOK_CREATED", webhookId=webhook.webhook_id)
    return Issued(webhook=webhook, secret=secrets.newest)


def get(webhook_id: str) -> Webhook:
    """An endpoint, or `NoSuchWebhook`."""
    webhook = store.get(webhook_id)
    if webhook is None:
        raise NoSuchWebhook("There is no such webhook.")
    return webhook


def list_page(*, limit: int, after: str | None) -> tuple[list[WebhookView], str | None]:
    """Endpoints, newest first."""
    webhooks, following = store.list_page(limit=limit, after=after)
    return [webhook_view(webhook) for webhook in webhooks], following


def update(webhook_id: str, wanted: WebhookChange, *, actor: Principal, if_match: str | None) -> Webhook:
    """Change an endpoint; switching it on again, or another URL, forgets how it failed before."""
    _require_sound(wanted)

    def changed(before: Webhook) -> Webhook:
        before.require_match(if_match)
        return before.changed(wanted)

    webhook = db.change(
        lambda: get(webhook_id), changed, lambda before, after: [store.update(before, after, actor=actor.user_id)]
    )
    forget()
    log.info("WEBHOOK_CHANGED", webhookId=webhook_id)
    return webhook


def delete(webhook_id: str, *, if_match: str | None) -> None:
    """Delete an endpoint with its secrets and its log; what is still to be sent to it will not be."""

    def attempt() -> None:
        before = get(webhook_id)
        before.require_match(if_match)
        db.commit(*store.delete(before))

    db.retry_on_conflict(attempt)
    forget()
    log.info("WEBHOOK_DELETED", webhookId=webhook_id)


def rotate_secret(webhook_id: str, *, claim: Claim) -> Issued:
    """Give an endpoint a new secret; the old one signs beside it for a day.

    The record of the request's key does not hold the secret. Raises `TooManySecrets`.
    """

    def attempt() -> Issued:
        webhook, before = get(webhook_id), store.get_secrets(webhook_id)
        if before is None:
            raise NoSuchWebhook("There is no such webhook.")
        after = before.rotated()
        db.commit(store.rotate_secret(webhook_id, before, after), *claim.record(webhook_view(webhook)))
        return Issued(webhook=webhook, secret=after.newest)

    issued = db.retry_on_conflict(attempt)
    log.info("WEBHOOK_SECRET_ROTATED", webhookId=webhook_id)
    return issued


def send_test(webhook_id: str, *, claim: Claim) -> DeliveryView:
    """Queue an event that says nothing but hello, whatever the endpoint's filters."""
    webhook = get(webhook_id)
    webhook.require_active()
    data = {"webhookId": webhook_id, "message": "Webhooks reach this endpoint."}
    event = Event(
        id=ids.new("evt"),
        type=TEST_EVENT,
        timestamp=clock.timestamp(),
        data=data,
        correlation_id=log.correlation_id(),
    )
    delivery = Delivery.create(event, webhook)
    view = delivery_view(delivery)
    db.commit(store.create_delivery(delivery), *claim.record(view))
    return view


def list_deliveries(webhook_id: str, *, limit: int, after: str | None) -> tuple[list[DeliveryView], str | None]:
    """The deliveries to an endpoint, newest first."""
    get(webhook_id)
    found, following = store.list_deliveries(webhook_id, limit=limit, after=after)
    return [delivery_view(delivery) for delivery in found], following


def retry_delivery(webhook_id: str, delivery_id: str, *, claim: Claim) -> DeliveryView:
    """Send a delivery again, whatever became of it, with the whole schedule of retries before it."""
    get(webhook_id).require_active()
    before = store.get_delivery(webhook_id, delivery_id)
    if before is None:
        raise NoSuchDelivery("There is no such delivery.")
    after = before.again()
    view = delivery_view(after)
    db.commit(store.restart_delivery(before, after), *claim.record(view))
    log.info("WEBHOOK_RETRIED", webhookId=webhook_id, deliveryId=delivery_id)
    return view


def queue(event: Event) -> list[db.Write]:
    """The writes that queue an event for every active endpoint that wants it, under ids that follow from both.

    Whoever commits them again starts the deliveries anew, so they belong into one transaction with the mark that
    the event was handled. An endpoint that was made or changed is heeded within half a minute.
    """
    wanting = [webhook for webhook in _endpoints.get() if webhook.is_active and webhook.wants(event.type)]
    return [store.create_delivery(Delivery.create(event, webhook)) for webhook in wanting]


def deliver(*, seconds: float, threads: int = dispatch.THREADS, page_size: int = dispatch.PAGE_SIZE) -> dict[str, int]:
    """Send what is due, for at most about that many seconds; gives how many deliveries ended how."""
    return dispatch.run(seconds=seconds, threads=threads, page_size=page_size)


def forget() -> None:
    """Drop the cached endpoints, so that the next event reads them."""
    _endpoints.forget()


def _require_sound(wanted: NewWebhook | WebhookChange) -> None:
    """Raise `Invalid` for a URL that the shop would never send to, and for filters that nothing would ever match."""
    errors = [
        *(_faults_of_url(wanted.url) if isinstance(wanted.url, str) else ()),
        *(_faults_of_events(wanted.events) if isinstance(wanted.events, tuple) else ()),
    ]
    if errors:
        raise Invalid(errors[0].detail, errors=tuple(errors))


def _faults_of_url(url: str) -> Iterator[FieldError]:
    try:
        guard.parse_url(url, near=settings.current().has_near_receivers)
    except guard.UrlRefused as refused:
        yield FieldError("url", refused.code, refused.detail)


def _faults_of_events(events: tuple[str, ...]) -> Iterator[FieldError]:
    known = ", ".join(EVENT_TYPES)
    for place in unmatched(events):
        detail = f"Matches no event. The types are {known}; a beginning is written order.*, and all are *."
        yield FieldError(f"events[{place}]", "unknown_event_type", detail)
