"""What a domain event tells, by its kind: the shapes of `data`, made from a change alone.

These shapes are a contract with everybody who listens. A field may be added; any other change needs a new version,
told beside the old one. No person is in an event but by their id: no name, no address, no email.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.core import ids, log, money
from chalicelib.core.events import Event, Kind, type_of
from chalicelib.notifications.models import Change
from chalicelib.orders.models import Order
from chalicelib.orders.views import order_view
from chalicelib.payments.models import Refund
from chalicelib.users.audit import changed_fields
from chalicelib.users.schemas import UserStatus


class Data(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one kind of event tells."""


class OrderLineData(Data, frozen=True, kw_only=True):
    """One product of an order, at the price that it was sold at."""

    product_id: str
    quantity: int
    price: Decimal
    subtotal: Decimal


class OrderData(Data, frozen=True, kw_only=True):
    """An order as it stands after the event; `actor` is who brought it there: a user's id, or `system`.

    `version` counts the changes of the order.
    """

    order_id: str
    user_id: str
    status: str
    payment_status: str
    items: list[OrderLineData]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total_amount: Decimal
    currency: str
    coupon_code: str | None = None
    actor: str
    version: int
    created_at: str

    @classmethod
    def of(cls, change: Change) -> OrderData:
        """The order after a change."""
        order = msgspec.convert(change.item, Order)
        view = order_view(order)
        lines = [
            OrderLineData(product_id=each.product_id, quantity=each.quantity, price=each.price, subtotal=each.subtotal)
            for each in view.items
        ]
        amounts = {name: getattr(view, name) for name in ("subtotal", "discount", "shipping", "tax", "total_amount")}
        return cls(
            order_id=order.order_id, user_id=order.user_id, status=order.status, payment_status=order.payment_status,
            items=lines, currency=order.currency, coupon_code=order.coupon_code, actor=order.timeline[-1].actor,
            version=order.version, created_at=order.created_at, **amounts,
        )  # fmt: skip


class RefundData(Data, frozen=True, kw_only=True):
    """Money that has gone back to a buyer; `orderVersion` is the version that this made of the order."""

    refund_id: str
    order_id: str
    user_id: str
    amount: Decimal
    currency: str
    order_version: int | None = None
    created_at: str

    @classmethod
    def of(cls, change: Change) -> RefundData:
        """The refund that a change completed."""
        refund = msgspec.convert(change.item, Refund)
        return cls(
            refund_id=refund.refund_id, order_id=refund.order_id, user_id=refund.user_id,
            amount=money.to_decimal(refund.amount, refund.currency), currency=refund.currency,
            order_version=refund.order_version, created_at=refund.created_at,
        )  # fmt: skip


class ProductData(Data, frozen=True, kw_only=True):
    """A product as it is described after the event; `version` counts the changes of its description."""

    product_id: str
    name: str
    price: Decimal
    currency: str
    category: str
    is_active: bool
    sku: str | None = None
    image_url: str | None = None
    version: int = 1
    updated_at: str

    @classmethod
    def of(cls, change: Change) -> ProductData:
        """The product after a change."""
        item = change.item
        price = money.to_decimal(item["price"], item["currency"])
        return msgspec.convert({**item, "price": price}, cls)


class StockData(Data, frozen=True, kw_only=True):
    """How many units of a product are left, when these have become few."""

    product_id: str
    stock: int

    @classmethod
    def of(cls, change: Change) -> StockData:
        """The stock after a change."""
        return msgspec.convert(change.item, cls)


class UserData(Data, frozen=True, kw_only=True):
    """An account after the event; `changed` names the fields that the event changed, without their values.

    `version` counts the changes of the account.
    """

    user_id: str
    status: UserStatus
    roles: list[str]
    changed: list[str]
    version: int
    updated_at: str

    @classmethod
    def of(cls, change: Change) -> UserData:
        """The account after a change."""
        return msgspec.convert({**change.item, "changed": changed_fields(change.before, change.item)}, cls)


class CartData(Data, frozen=True, kw_only=True):
    """A cart that nobody came back to; a guest's has no user."""

    user_id: str | None = None
    item_count: int
    currency: str
    updated_at: str

    @classmethod
    def of(cls, change: Change) -> CartData:
        """The cart as it was last."""
        owner, item = change.key.pk.partition("#")[2], change.item
        user_id = owner if ids.is_valid("usr", owner) else None
        units = sum(line["quantity"] for line in item["lines"].values())
        return cls(user_id=user_id, item_count=units, currency=item["currency"], updated_at=item["updatedAt"])


# Where an item notes when it was that this happened, if not in `updatedAt`.
_NOTED_IN = {Kind.CART_ABANDONED: "remindedAt"}

# What is told outside, each in the first version of its shape.
EVENT_SCHEMAS: dict[Kind, Any] = {
    Kind.ORDER_CREATED: OrderData,
    Kind.ORDER_CONFIRMED: OrderData,
    Kind.ORDER_SHIPPED: OrderData,
    Kind.ORDER_DELIVERED: OrderData,
    Kind.ORDER_COMPLETED: OrderData,
    Kind.ORDER_CANCELLED: OrderData,
    Kind.ORDER_EXPIRED: OrderData,
    Kind.REFUND_SUCCEEDED: RefundData,
    Kind.PRODUCT_CREATED: ProductData,
    Kind.PRODUCT_UPDATED: ProductData,
    Kind.PRODUCT_DELETED: ProductData,
    Kind.STOCK_LOW: StockData,
    Kind.USER_CREATED: UserData,
    Kind.USER_UPDATED: UserData,
    Kind.USER_DELETED: UserData,
    Kind.CART_ABANDONED: CartData,
    Kind.CART_EXPIRED: CartData,
}


def event_of(kind: Kind, change: Change) -> Event:
    """The event that a change is told as; the same change gives the same event, id and all."""
    data = msgspec.to_builtins(EVENT_SCHEMAS[kind].of(change), builtin_types=(Decimal,))
    return Event(
        id=ids.derived("evt", f"{change.event_id} {kind}"),
        type=type_of(kind),
        timestamp=change.at(_NOTED_IN.get(kind, "updatedAt")),
        data={name: value for name, value in data.items() if value is not None},
        correlation_id=log.correlation_id(),
    )
