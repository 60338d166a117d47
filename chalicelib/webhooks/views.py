"""Webhooks as the API shows them."""

from __future__ import annotations

import msgspec

from chalicelib.core.schema import View
from chalicelib.webhooks.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DisabledReason,
    Issued,
    Webhook,
    WebhookStatus,
)


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


class DeliveryView(View, frozen=True, kw_only=True):
    """A delivery as admins see it; `payload` is the body that is sent."""

    delivery_id: str
    webhook_id: str
    event_id: str
    event_type: str
    state: DeliveryState
    attempts: tuple[DeliveryAttempt, ...]
    next_at: str | None
    created_at: str
    payload: msgspec.Raw


def webhook_view(webhook: Webhook) -> WebhookView:
    """What an admin sees of an endpoint."""
    return WebhookView.of(webhook)


def issued_view(issued: Issued) -> IssuedView:
    """What an admin sees this once."""
    return IssuedView.of(issued.webhook, secret=issued.secret)


def delivery_view(delivery: Delivery) -> DeliveryView:
    """What an admin sees of a delivery."""
    return DeliveryView.of(delivery, payload=msgspec.Raw(delivery.payload.encode()))
