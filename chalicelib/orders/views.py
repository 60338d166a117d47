"""Orders as the API shows them."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.core.schema import View
from chalicelib.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus, TimelineEntry
from chalicelib.payments.models import NextAction, RefundState
from chalicelib.users.shapes import Address


class OrderLineView(View, frozen=True, kw_only=True):
    """A line as the API shows it."""

    product_id: str
    product_name: str
    quantity: int
    price: Decimal
    subtotal: Decimal
    discount: Decimal
    tax: Decimal


class PaymentView(View, frozen=True, kw_only=True):
    """Where the money stands, and what the buyer has to do about it, if anything."""

    status: PaymentStatus
    next_action: NextAction | None


class OrderView(View, frozen=True, kw_only=True):
    """An order as the API shows it: total = subtotal - discount + shipping, + tax unless the prices include it (M3).

    `shipping_tax` is the part of the tax that is not the lines'.
    """

    order_id: str
    user_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    items: list[OrderLineView]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    shipping_tax: Decimal
    tax_included: bool
    total_amount: Decimal
    refunded: Decimal
    currency: str
    coupon_code: str | None
    payment: PaymentView
    shipping_address: Address
    payment_id: str | None
    created_at: str
    updated_at: str
    timeline: list[TimelineEntry]

    @property
    def is_in_doubt(self) -> bool:
        """Is it not over yet with the payment?"""
        return self.status is OrderStatus.PENDING and self.payment_status is not PaymentStatus.NONE

    @property
    def may_be_kept(self) -> bool:
        """Is it free of what the buyer has to do, which may hold a secret?"""
        return self.payment_status is not PaymentStatus.REQUIRES_ACTION


class StatusView(View, frozen=True, kw_only=True):
    """The short answer to where an order stands."""

    order_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    updated_at: str


class RefundedItemView(View, frozen=True, kw_only=True):
    """So many units of a product that a refund is for."""

    product_id: str
    quantity: int


class RefundView(View, frozen=True, kw_only=True):
    """A refund as the API shows it; `failure` is why the provider refused."""

    refund_id: str
    order_id: str
    amount: Decimal
    currency: str
    status: RefundState
    items: list[RefundedItemView]
    reason: str | None
    failure: str | None
    created_at: str

    @property
    def is_pending(self) -> bool:
        """Is it not known yet whether the money is back?"""
        return self.status is RefundState.PENDING


class CancelledOrderView(OrderView, frozen=True, kw_only=True):
    """A cancelled order as the API shows it, with how its last refund stands, None where nothing was paid.

    A cancelled order stays `paid` while that is pending, and when the provider refused.
    """

    refund: RefundView | None
