"""What may follow what, written down once more, after the rules and not after the code."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

from chalicelib.aws import attributes, keys
from tests.support.emulator import emulated

GONE = {"cancelled", "expired"}


PAID = {"paid", "partially_refunded", "refunded"}


NO_MONEY = {"failed", "voided"}


Item = dict[str, Any]


Items = dict[keys.Key, Item]


Snapshot = dict[str, Any]


ORDER_ARROWS = {
    "pending": {"processing", "cancelled", "expired"},
    "processing": {"shipped", "cancelled"},
    "shipped": {"delivered"},
    "delivered": {"completed"},
}


# P1, with what docs/adr/0007 adds to it.
ATTEMPT_ARROWS = {
    "created": {"processing"},
    "processing": {"authorized", "captured", "failed", "unknown", "requires_action", "voided"},
    "unknown": {"authorized", "captured", "failed", "requires_action", "voided"},
    "requires_action": {"authorized", "captured", "failed", "unknown", "voided"},
    "authorized": {"captured", "voided"},
    "captured": {"partially_refunded", "refunded"},
    "partially_refunded": {"refunded"},
}


PAYMENT_ARROWS = {
    "pending": {"unknown", "requires_action", "authorized", "paid", "failed", "voided"},
    "unknown": {"requires_action", "authorized", "paid", "failed", "voided"},
    "requires_action": {"unknown", "authorized", "paid", "failed", "voided"},
    "authorized": {"paid", "voided"},
    "paid": {"partially_refunded", "refunded"},
    "partially_refunded": {"refunded"},
    "failed": {"paid"},  # money that came after the end, which goes back
    "voided": {"paid"},
}


FULFILLMENT_ARROWS = {"unfulfilled": {"fulfilled"}, "fulfilled": {"returned"}}


# Where the attempt of an order stands, by where the order says that its money is.
ATTEMPT_OF = {
    "pending": {"processing"}, "unknown": {"unknown"}, "requires_action": {"requires_action"},
    "authorized": {"authorized"}, "failed": {"failed"}, "voided": {"voided"},
    "paid": {"captured", "failed", "voided"}, "partially_refunded": {"partially_refunded", "failed", "voided"},
    "refunded": {"refunded", "failed", "voided"},
}  # fmt: skip


FROZEN = (
    "orderId", "userId", "email", "subtotal", "discount", "shipping", "tax", "shippingTax", "taxIncluded", "total",
    "currency", "couponCode", "shippingAddress", "billingAddress", "note", "attempt", "fromCart", "createdAt",
)  # fmt: skip


def item_at(key: keys.Key) -> Item | None:
    """An item as the table holds it."""
    row = emulated().items.get(DynamoType({"S": key.pk}), {}).get(DynamoType({"S": key.sk}))
    return attributes.plain_item(row.to_json()["Attributes"]) if row else None


def kind_of(key: keys.Key) -> str:
    """What an item is, by its key."""
    pk, sk = key.pk.partition("#")[0], key.sk.partition("#")[0]
    named = {
        ("USER", "ORDER"): "order", ("USER", "CART"): "cart", ("ORDER", "PAY"): "attempt",
        ("ORDER", "REFUND"): "refund", ("ORDER", "INCIDENT"): "incident",
        ("PRODUCT", "STOCK"): "stock",
        ("PRODUCT", "MOVE"): "movement", ("COUPON", "METADATA"): "coupon", ("COUPON", "USE"): "use",
        ("COUPON", "USER"): "user_uses", ("PARKED", "EVENT"): "parked",
    }  # fmt: skip
    return named.get((pk, sk), "")
