"""What the routes about webhooks take."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.core.reading import UNPADDED, pasted
from chalicelib.core.schema import Schema, Text

Url = Annotated[str, pasted(rf"{UNPADDED}{{1,2000}}", hint="an address of at most 2,000 characters without blanks")]
EventFilter = Annotated[
    str,
    pasted(
        r"(?=[!-~]{1,100}(?![!-~]))(?:\*|[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:\.\*)?)",
        hint="a type such as order.created.v1, a beginning such as order.*, or *",
    ),
]
EventFilters = Annotated[tuple[EventFilter, ...], Meta(min_length=1, max_length=50)]


class NewWebhook(Schema, frozen=True, kw_only=True):
    """The body of `POST /webhooks`."""

    url: Url
    events: EventFilters
    description: Text | None = None
    is_active: bool = True


class WebhookChange(Schema, frozen=True, kw_only=True):
    """The body of `PATCH /webhooks/{webhookId}`: what is left out stays, null takes the description away."""

    url: Url | UnsetType = UNSET
    events: EventFilters | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
