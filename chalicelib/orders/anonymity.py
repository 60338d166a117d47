"""What stays of an order whose buyer is erased: what the books need, and nothing that names anybody (F6)."""

from __future__ import annotations

import msgspec

from chalicelib.orders.models import Order
from chalicelib.orders.states import TimelineEntry
from chalicelib.users.schemas import Address

# What stays as it is. All that is not named here goes, also what an order comes to have one day.
FOR_THE_BOOKS = (
    "order_id", "user_id", "status", "payment_status", "fulfillment_status", "lines", "subtotal", "discount",
    "shipping", "tax", "shipping_tax", "tax_included", "total", "charged", "refunded", "reserved", "currency",
    "refunded_at_provider", "disputes", "coupon_code", "payment_id", "paid_at", "attempt", "from_cart", "created_at",
    "updated_at",
)  # fmt: skip
_ERASED = "erased"


def anonymised(order: Order) -> Order:
    """The order with what it was, cost and was taxed with, and the country in which; its next version."""
    return Order(
        **{name: getattr(order, name) for name in FOR_THE_BOOKS},
        email="",
        shipping_address=_only_country(order.shipping_address),
        timeline=[_without_words(entry) for entry in order.timeline],
        version=order.version + 1,
    )


def _without_words(entry: TimelineEntry) -> TimelineEntry:
    """A step without what people said of it."""
    return TimelineEntry(status=entry.status, at=entry.at, actor=entry.actor, event=entry.event, despite=entry.despite)


def _only_country(address: Address) -> Address:
    """An address of which nothing is left but the country, by which the tax was due."""
    needed = [field.name for field in msgspec.structs.fields(Address) if field.required]
    return Address(**{**dict.fromkeys(needed, _ERASED), "country": address.country})
