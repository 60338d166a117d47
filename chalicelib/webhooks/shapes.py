"""What the routes about webhooks take and give."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.core.schema import Shape, Text, View

# What is told, in the order of docs/events.md; a test compares it with the shapes that are told.
EVENT_TYPES = (
    "order.created.v1",
    "order.confirmed.v1",
    "order.shipped.v1",
    "order.delivered.v1",
    "order.completed.v1",
    "order.cancelled.v1",
    "order.expired.v1",
    "refund.succeeded.v1",
    "product.created.v1",
    "product.updated.v1",
    "product.deleted.v1",
    "stock.low.v1",
    "user.created.v1",
    "user.updated.v1",
    "user.deleted.v1",
    "cart.abandoned.v1",
    "cart.expired.v1",
)

Url = Annotated[str, Meta(min_length=1, max_length=2000, extra={"hint": "an address of at most 2,000 characters"})]
EventFilter = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^(?:\*|[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\.\*)?)$(?!\n)",
        extra={"hint": "a type such as order.created.v1, a beginning such as order.*, or *"},
    ),
]
EventFilters = Annotated[tuple[EventFilter, ...], Meta(min_length=1, max_length=50)]


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


class NewWebhook(Shape, frozen=True, kw_only=True):
    """The body of `POST /webhooks`."""

    url: Url
    events: EventFilters
    description: Text | None = None
    is_active: bool = True


class WebhookChange(Shape, frozen=True, kw_only=True):
    """The body of `PATCH /webhooks/{webhookId}`: what is left out stays, null takes the description away."""

    url: Url | UnsetType = UNSET
    events: EventFilters | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class WebhookView(View, frozen=True, kw_only=True):
    """An endpoint as admins see it; `failing_since` is the first failure after the last success."""

    webhook_id: str
    url: str
    events: tuple[str, ...]
    description: str | None
    is_active: bool
    status: WebhookStatus
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    failing_since: str | None
    created_at: str
    updated_at: str


class IssuedView(WebhookView, frozen=True, kw_only=True):
    """An endpoint with a secret of its own that is shown this once."""

    secret: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One time that a delivery was sent: the status that came back, or what stood in the way."""

    at: str
    status: int | None = None
    milliseconds: int
    error: str | None = None


class DeliveryView(View, frozen=True, kw_only=True):
    """A delivery as admins see it; `payload` is the body that is sent."""

    delivery_id: str
    webhook_id: str
    event_id: str
    event_type: str
    state: DeliveryState
    attempts: tuple[Attempt, ...]
    next_at: str | None
    created_at: str
    payload: msgspec.Raw
