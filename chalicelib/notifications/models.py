"""Stream records as changes, and what a change of the table means to the shop.

A change that means nothing to anybody, such as the handler's own writes, has no kind, and so no follow-up (E3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.aws import attributes, keys
from chalicelib.aws.keys import Key
from chalicelib.core import clock
from chalicelib.core.events import Kind
from chalicelib.orders.states import OrderStatus
from chalicelib.payments.models import RefundState
from chalicelib.users.schemas import UserStatus

_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
ANY = ""  # sort key
SEARCHED = ("name", "description", "category", "isActive", "createdAt", "deletedAt")
_PUBLIC = (*SEARCHED, "price", "currency", "imageUrl", "sku")


_ORDER_KINDS = {
    OrderStatus.PROCESSING: Kind.ORDER_CONFIRMED,
    OrderStatus.SHIPPED: Kind.ORDER_SHIPPED,
    OrderStatus.DELIVERED: Kind.ORDER_DELIVERED,
    OrderStatus.COMPLETED: Kind.ORDER_COMPLETED,
    OrderStatus.CANCELLED: Kind.ORDER_CANCELLED,
    OrderStatus.EXPIRED: Kind.ORDER_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the table's stream, in plain values; `before` or `after` is None for an insert or a removal.

    `written_at` is the stream's word for when, in whole seconds; a record that comes again says the same.
    """

    event_id: str
    sequence_number: str
    written_at: str
    key: Key
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    is_expiry: bool = False

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Change:
        """A change from a record as Lambda delivers it."""
        images = record["dynamodb"]
        key = attributes.plain_item(images["Keys"])
        return cls(
            event_id=record["eventID"],
            sequence_number=images["SequenceNumber"],
            written_at=clock.timestamp(clock.from_epoch(images["ApproximateCreationDateTime"])),
            key=Key(key["PK"], key["SK"]),
            before=_image(images.get("OldImage")),
            after=_image(images.get("NewImage")),
            is_expiry=_TTL.items() <= record.get("userIdentity", {}).items(),
        )

    @property
    def item(self) -> dict[str, Any]:
        """What the item is now, or was last."""
        return self.after or self.before or {}

    def at(self, attribute: str) -> str:
        """When it happened: what that attribute of the item says, to the millisecond.

        An item that is gone, or that does not say, leaves the second of the stream, or what the item says of earlier
        if that was within this second.
        """
        noted = self.after.get(attribute) if self.after else None
        return str(noted or max(self.written_at, *(self.item.get(each) or "" for each in ("createdAt", "updatedAt"))))

    def touched(self, names: Iterable[str]) -> bool:
        """Did any of these attributes come, go or change?"""
        before, after = self.before or {}, self.after or {}
        return any(before.get(each) != after.get(each) for each in names)

    def became(self, attribute: str) -> Any:
        """The new value of an attribute if this change gave it one, else None."""
        old, new = (self.before or {}).get(attribute), (self.after or {}).get(attribute)
        return new if new != old else None


def kinds_of(change: Change, *, low_stock: int) -> list[Kind]:
    """What a change means; `low_stock` is the number of units that are few."""
    if change.after is None:
        return list(_removals(change))
    family, kind = keys.family(change.key.pk), keys.family(change.key.sk)
    meaning = MEANINGS.get((family, kind)) or MEANINGS.get((family, ANY))
    return list(meaning(change, low_stock)) if meaning else []


def _removals(change: Change) -> Iterator[Kind]:
    if change.key.sk == keys.PRODUCT_SK and change.key.pk.startswith(keys.PRODUCT_PREFIX):
        yield Kind.PRODUCT_MOVED
    if change.key.sk == keys.CART_SK and change.is_expiry:
        yield Kind.CART_EXPIRED


def _of_order(change: Change, _: int) -> Iterator[Kind]:
    if change.before is None:
        yield Kind.ORDER_CREATED
    status = change.became("status")
    if status in _ORDER_KINDS:
        yield _ORDER_KINDS[status]


def _of_refund(change: Change, _: int) -> Iterator[Kind]:
    if change.became("state") == RefundState.SUCCEEDED:
        yield Kind.REFUND_SUCCEEDED


def _of_product(change: Change, _: int) -> Iterator[Kind]:
    if change.touched(SEARCHED):
        yield Kind.PRODUCT_MOVED
    if change.became("deletedAt"):
        yield Kind.PRODUCT_DELETED
    elif change.before is None or (change.before.get("deletedAt") and not change.item.get("deletedAt")):
        yield Kind.PRODUCT_CREATED
    elif change.touched(_PUBLIC):
        yield Kind.PRODUCT_UPDATED


def _of_stock(change: Change, low_stock: int) -> Iterator[Kind]:
    if change.before is None or change.became("stock") is None:
        return
    yield Kind.STOCK_CHANGED
    if change.before["stock"] > low_stock >= change.item["stock"]:
        yield Kind.STOCK_LOW


def _of_user(change: Change, _: int) -> Iterator[Kind]:
    if change.before is None:
        yield Kind.USER_CREATED
    elif change.became("status") == UserStatus.DELETED:
        yield Kind.USER_DELETED
    elif change.became("version"):
        yield Kind.USER_UPDATED
    if change.became("emailNonce") and change.item["status"] != UserStatus.DELETED:
        yield Kind.ADDRESS_TO_CONFIRM


def _of_cart(change: Change, _: int) -> Iterator[Kind]:
    if change.became("updatedAt"):
        yield Kind.CART_TOUCHED
    if change.became("remindedAt"):
        yield Kind.CART_ABANDONED


def _when_new(kind: Kind, *, attribute: str = "PK", value: str | None = None) -> Any:
    """The meaning of an attribute that has come, or has changed to that value."""

    def meaning(change: Change, _: int) -> Iterator[Kind]:
        became = change.became(attribute)
        if became is not None and value in (None, became):
            yield kind

    return meaning


# The families of partitions whose removals alone mean something.
REMOVED_ONLY = ("GUEST",)

# By the families of the partition key and of the sort key, as `keys` lists them.
MEANINGS = {
    ("USER", "ORDER"): _of_order,
    ("ORDER", "REFUND"): _of_refund,
    ("PRODUCT", keys.PRODUCT_SK): _of_product,
    ("PRODUCT", keys.STOCK_SK): _of_stock,
    ("USER", keys.PROFILE_SK): _of_user,
    ("USER", keys.CART_SK): _of_cart,
    ("RESET", "REQUEST"): _when_new(Kind.RESET_REQUESTED, attribute="nonce"),
    ("AUDIT", ANY): _when_new(Kind.SESSION_REUSED, attribute="action", value="session.token_reused"),
    ("ORDER", "INCIDENT"): _when_new(Kind.INCIDENT_REPORTED),
    ("SALES", ANY): _when_new(Kind.SALES_SUMMARISED),
    ("WEBHOOKS", "WEBHOOK"): _when_new(Kind.WEBHOOK_SWITCHED_OFF, attribute="disabledAt"),
}


def _image(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return attributes.plain_item(image) if image else None
