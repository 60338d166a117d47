"""Webhooks as values: endpoints and what they want to hear, and deliveries with their attempts."""

from __future__ import annotations

import random
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from chalicelib.core import clock, ids
from chalicelib.core.errors import Conflict, NotFound, PreconditionFailed, Unprocessable
from chalicelib.core.events import EVENT_TYPES, Event
from chalicelib.core.versioned import Versioned
from chalicelib.webhooks.schemas import NewWebhook, WebhookChange

TEST_EVENT = "webhook.test.v1"
GONE = 410
_SUCCESS = range(200, 300)
_PATIENCE = timedelta(days=5)  # with an endpoint that only fails
_KEPT_DAYS = 30
_KEPT_ATTEMPTS = 10
_DELAYS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
_JITTER = 0.1  # of the delay at most, and later only, so that what failed together does not come back together


class WebhookStatus(StrEnum):
    """Whether an endpoint is sent anything: `paused` by an admin, `disabled` by the shop itself."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why the shop itself switched an endpoint off."""

    GONE = "gone"  # it answered 410
    FAILING = "failing"  # nothing but failures for days


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One time that a delivery was sent: the status that came back, or what stood in the way."""

    at: str
    status: int | None = None
    milliseconds: int
    error: str | None = None


class NoSuchWebhook(NotFound):
    """No endpoint has that id."""

    code = "webhook_not_found"


class NoSuchDelivery(NotFound):
    """The endpoint's log holds no delivery with that id."""

    code = "delivery_not_found"


class WebhookChanged(PreconditionFailed):
    """The endpoint is not what the caller's If-Match says."""

    code = "webhook_changed"


class TooManyWebhooks(Unprocessable):
    """The shop has as many endpoints as it may have."""

    code = "too_many_webhooks"


class WebhookNotActive(Conflict):
    """Nothing is sent to this endpoint at present."""

    code = "webhook_not_active"


class DeliveryInProgress(Conflict):
    """The delivery is just being sent."""

    code = "delivery_in_progress"


class Webhook(msgspec.Struct, Versioned, frozen=True, kw_only=True, rename="camel"):
    """An endpoint as stored, without its secrets; `version` counts changes of all but `failing_since`."""

    noun: ClassVar[str] = "webhook"
    changed_error: ClassVar[type[PreconditionFailed]] = WebhookChanged

    webhook_id: str
    url: str
    events: tuple[str, ...]
    description: str | None = None
    status: WebhookStatus
    disabled_at: str | None = None
    disabled_reason: DisabledReason | None = None
    failing_since: str | None = None
    version: int
    created_at: str
    updated_at: str

    @classmethod
    def create(cls, new: NewWebhook) -> Webhook:
        """A new endpoint."""
        now = clock.timestamp()
        return cls(
            webhook_id=ids.new("whk"),
            url=new.url,
            events=tuple(dict.fromkeys(new.events)),
            description=new.description,
            status=_status(is_active=new.is_active),
            version=1,
            created_at=now,
            updated_at=now,
        )

    @property
    def is_active(self) -> bool:
        """Is anything sent there?"""
        return self.status is WebhookStatus.ACTIVE

    def wants(self, event_type: str) -> bool:
        """Does one of the filters match?"""
        return any(_matches(pattern, event_type) for pattern in self.events)

    def require_active(self) -> None:
        """Raise `WebhookNotActive` if nothing is sent there."""
        if not self.is_active:
            raise WebhookNotActive(f"This webhook is {self.status}; set isActive to true first.")

    def changed(self, change: WebhookChange) -> Webhook:
        """The endpoint with other properties, or the same one; another URL or switching it on is a fresh start."""
        given = change.given()
        if "events" in given:
            given["events"] = tuple(dict.fromkeys(given["events"]))
        is_active = given.pop("is_active", None)
        if is_active is not None and is_active != self.is_active:
            given |= {"status": _status(is_active=is_active), "disabled_at": None, "disabled_reason": None}
        other = {name: value for name, value in given.items() if getattr(self, name) != value}
        fresh = {"failing_since": None} if {"url", "status"} & other.keys() else {}
        return self._next(**other, **fresh) if other else self

    def disabled_by_shop(self, reason: DisabledReason) -> Webhook:
        """The endpoint after the shop itself switched it off."""
        return self._next(status=WebhookStatus.DISABLED, disabled_at=clock.timestamp(), disabled_reason=reason)

    def verdict(self, attempt: DeliveryAttempt) -> DisabledReason | None:
        """Why this failed attempt is the one too many, None if it is not."""
        if attempt.status == GONE:
            return DisabledReason.GONE
        is_late = self.failing_since is not None and self.failing_since <= clock.ago(_PATIENCE)
        return DisabledReason.FAILING if is_late else None

    def _next(self, **changes: Any) -> Webhook:
        return msgspec.structs.replace(self, **changes, version=self.version + 1, updated_at=clock.timestamp())


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with a secret that was just made for it."""

    webhook: Webhook
    secret: str

    @property
    def etag(self) -> str:
        """The entity tag of the endpoint."""
        return self.webhook.etag

    def __repr__(self) -> str:
        return f"Issued({self.webhook.webhook_id})"


class Delivery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event on its way to one endpoint.

    `next_at` is when it is due, which changes with everything that happens to a delivery and so also says which state
    of it somebody has read. `leased_until` is set while it is being sent; `tries` are those of the present schedule.
    """

    delivery_id: str
    webhook_id: str
    event_id: str
    event_type: str
    payload: str
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    attempts: tuple[DeliveryAttempt, ...] = ()
    next_at: str | None = None
    leased_until: str | None = None
    created_at: str
    expires_at: int

    @classmethod
    def create(cls, event: Event, webhook: Webhook) -> Delivery:
        """The delivery of an event to an endpoint, under the same id whenever it is made."""
        now, name = clock.timestamp(), f"{event.id}\n{webhook.webhook_id}"
        return cls(
            delivery_id=ids.timed("dlv", event.timestamp, name),
            webhook_id=webhook.webhook_id,
            event_id=event.id,
            event_type=event.type,
            payload=event.body().decode(),
            next_at=now,
            created_at=now,
            expires_at=_expiry(),
        )

    def leased(self, span: timedelta) -> Delivery:
        """The delivery in the hands of somebody who sends it within that time."""
        until = clock.timestamp(clock.now() + span)
        return msgspec.structs.replace(self, next_at=until, leased_until=until)

    def attempted(self, attempt: DeliveryAttempt) -> Delivery:
        """The delivery after an attempt: delivered, to be tried again later, or failed for good."""
        tries = self.tries + 1
        base = _DELAYS[tries - 1] if tries <= len(_DELAYS) and attempt.status != GONE else None
        state = DeliveryState.FAILED if base is None else DeliveryState.PENDING
        jitter = random.uniform(1, 1 + _JITTER)  # noqa: S311 - not a secret
        next_at = clock.timestamp(clock.now() + base * jitter) if base else None
        if succeeded(attempt):
            state, next_at = DeliveryState.DELIVERED, None
        log = (*self.attempts, attempt)[-_KEPT_ATTEMPTS:]
        return self._settled(state=state, next_at=next_at, tries=tries, attempts=log)

    def cancelled(self) -> Delivery:
        """The delivery after its endpoint was switched off or deleted."""
        return self._settled(state=DeliveryState.CANCELLED, next_at=None)

    def again(self) -> Delivery:
        """The delivery at the beginning of its schedule, whatever became of it before."""
        now = clock.timestamp()
        return self._settled(state=DeliveryState.PENDING, next_at=now, tries=0, expires_at=_expiry())

    def _settled(self, **changes: Any) -> Delivery:
        return msgspec.structs.replace(self, **changes, leased_until=None)


def unmatched(events: tuple[str, ...]) -> list[int]:
    """Which of these filters, by their places, match nothing that is ever told."""
    return [place for place, pattern in enumerate(events) if not any(_matches(pattern, each) for each in EVENT_TYPES)]


def succeeded(attempt: DeliveryAttempt) -> bool:
    """Has the receiver taken it?"""
    return attempt.status in _SUCCESS


def _matches(pattern: str, event_type: str) -> bool:
    """`*` is every type, `order.*` every one that begins with `order.`, and anything else one type as it is named."""
    return pattern in ("*", event_type) or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))


def _status(*, is_active: bool) -> WebhookStatus:
    return WebhookStatus.ACTIVE if is_active else WebhookStatus.PAUSED


def _expiry() -> int:
    return int((clock.now() + timedelta(days=_KEPT_DAYS)).timestamp())
