"""The envelope of every domain event: what the bus and the shop's webhooks carry alike."""

from __future__ import annotations

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that has happened in the shop, told once under one id.

    `type` carries the version of the shape of `data`, as in `order.created.v1`; docs/events.md lists them all.
    Whoever receives an id a second time has seen the event before. `correlation_id` is that of the request that
    began it all.
    """

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]
    correlation_id: str | None = None

    def body(self) -> bytes:
        """The event as JSON; amounts are numbers in the currency's own precision."""
        return _encode(self)


_encode = msgspec.json.Encoder(decimal_format="number").encode


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
