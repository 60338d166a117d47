"""The bodies and queries that the routes of orders take."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from chalicelib.cart.schemas import Quantity
from chalicelib.core import instants
from chalicelib.core.instants import DayOrInstant
from chalicelib.core.money import Amount
from chalicelib.core.schema import PROSE, PageQuery, Schema, Text
from chalicelib.coupons.schemas import Code
from chalicelib.orders.states import Hold, OrderStatus
from chalicelib.payments.schemas import PaymentMethod
from chalicelib.products.schemas import ProductId
from chalicelib.users.schemas import Address

Note = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=PROSE,
        description="at most 500 characters, no control characters but line breaks and tabs",
    ),
]


class OrderedItem(Schema, frozen=True, kw_only=True):
    """One wanted product in the body of `POST /orders`."""

    product_id: ProductId
    quantity: Quantity


class OrderRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /orders`; without `items` the whole cart is ordered.

    The bill goes to the shipping address, unless it has one of its own. `note` is for whoever packs or delivers.
    """

    items: Annotated[list[OrderedItem], Meta(min_length=1, max_length=300)] | None = None
    shipping_address: Address
    billing_address: Address | None = None
    note: Note | None = None
    payment_method: PaymentMethod
    coupon_code: Code | None = None
    expected_total: Amount | None = None

    def __post_init__(self) -> None:
        """A note of blanks alone is none."""
        super().__post_init__()
        force_setattr(self, "note", (self.note or "").strip() or None)


class OrderQuery(PageQuery, frozen=True, kw_only=True):
    """The query of `GET /orders`: orders placed from one instant to before another."""

    status: OrderStatus | None = None
    since: DayOrInstant | None = None
    until: DayOrInstant | None = None

    @property
    def begin(self) -> str:
        """The first instant, as orders spell theirs; "" without one."""
        return instants.read(self.since, "since") if self.since else ""

    @property
    def end(self) -> str:
        """The instant after the last, as orders spell theirs; "" without one. A day is one of them."""
        return instants.read_end(self.until, "until") if self.until else ""

    def includes(self, status: OrderStatus, placed_at: str) -> bool:
        """Is an order in that status, placed then, one of those?"""
        return self.status in (None, status) and self.begin <= placed_at < (self.end or "~")


class OrderStatusChange(Schema, frozen=True, kw_only=True):
    """The body of `PUT /orders/{orderId}/status`; `despite` ships what was refunded or disputed at the provider."""

    status: OrderStatus
    reason: Text | None = None
    despite: Hold | None = None


class ReturnedItem(Schema, frozen=True, kw_only=True):
    """So many units of a product in the body of a refund."""

    product_id: ProductId
    quantity: Quantity


class RefundRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /orders/{orderId}/refunds`: an amount, or units of products, or neither for all that is left.

    Null is neither of them: a client that lost its amount on the way must not give everything back.
    """

    amount: Amount | UnsetType = UNSET
    items: Annotated[list[ReturnedItem], Meta(min_length=1, max_length=30)] | UnsetType = UNSET
    reason: Text | None = None
