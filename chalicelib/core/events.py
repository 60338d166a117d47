"""The envelope of every domain event: what the bus and the shop's webhooks carry alike."""

from __future__ import annotations

from enum import StrEnum
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


class Kind(StrEnum):
    """What can happen; those of `PUBLISHED` are told outside, in the shapes of docs/events.md."""

    ORDER_CREATED = "order.created"
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_SHIPPED = "order.shipped"
    ORDER_DELIVERED = "order.delivered"
    ORDER_COMPLETED = "order.completed"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_EXPIRED = "order.expired"
    REFUND_SUCCEEDED = "refund.succeeded"
    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_DELETED = "product.deleted"
    PRODUCT_MOVED = "product.moved"
    STOCK_CHANGED = "stock.changed"
    STOCK_LOW = "stock.low"
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DELETED = "user.deleted"
    ADDRESS_TO_CONFIRM = "user.address_to_confirm"
    RESET_REQUESTED = "user.reset_requested"
    SESSION_REUSED = "session.reused"
    CART_TOUCHED = "cart.touched"
    CART_ABANDONED = "cart.abandoned"
    CART_EXPIRED = "cart.expired"
    INCIDENT_REPORTED = "incident.reported"
    SALES_SUMMARISED = "sales.summarised"
    WEBHOOK_SWITCHED_OFF = "webhook.switched_off"


# In the order of docs/events.md; each is told in the first version of its shape.
PUBLISHED = (
    Kind.ORDER_CREATED,
    Kind.ORDER_CONFIRMED,
    Kind.ORDER_SHIPPED,
    Kind.ORDER_DELIVERED,
    Kind.ORDER_COMPLETED,
    Kind.ORDER_CANCELLED,
    Kind.ORDER_EXPIRED,
    Kind.REFUND_SUCCEEDED,
    Kind.PRODUCT_CREATED,
    Kind.PRODUCT_UPDATED,
    Kind.PRODUCT_DELETED,
    Kind.STOCK_LOW,
    Kind.USER_CREATED,
    Kind.USER_UPDATED,
    Kind.USER_DELETED,
    Kind.CART_ABANDONED,
    Kind.CART_EXPIRED,
)


def type_of(kind: Kind) -> str:
    """The name under which a kind is told."""
    return f"{kind}.v1"


EVENT_TYPES = tuple(type_of(kind) for kind in PUBLISHED)
