"""Orders as the API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from chalicelib.core import money
from chalicelib.core.schema import View
from chalicelib.orders.incident_kinds import Incident
from chalicelib.orders.models import Order
from chalicelib.orders.pricing import OrderLine
from chalicelib.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus, TimelineEntry
from chalicelib.payments.models import NextAction, Refund, RefundOutcome, RefundState
from chalicelib.payments.returns import DisputeStatus
from chalicelib.users.schemas import Address

_AMOUNTS = ("subtotal", "discount", "shipping", "tax", "shipping_tax", "refunded")


class OrderLineView(View, frozen=True, kw_only=True):
    """A line as the API shows it."""

    product_id: str
    product_name: str
    quantity: int
    price: Decimal
    subtotal: Decimal
    discount: Decimal
    tax: Decimal


class DisputeView(View, frozen=True, kw_only=True):
    """A buyer's dispute with their bank as the API shows it."""

    dispute_id: str
    status: DisputeStatus
    amount: Decimal
    currency: str
    reason: str | None
    created_at: str


class PaymentView(View, frozen=True, kw_only=True):
    """Where the money stands, and what the buyer has to do about it, if anything."""

    status: PaymentStatus
    next_action: NextAction | None


class OrderView(View, frozen=True, kw_only=True):
    """An order as the API shows it: total = subtotal - discount + shipping, + tax unless the prices include it (M3).

    `shipping_tax` is the part of the tax that is not the lines'. `email` is None when the buyer has been forgotten.
    `refund` is told where an order was just cancelled: how its last one stands, None where nothing was paid. A
    cancelled order stays `paid` while that is pending, and when the provider refused.
    """

    order_id: str
    user_id: str
    email: str | None
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
    refunded_at_provider: Decimal
    disputes: list[DisputeView]
    currency: str
    coupon_code: str | None
    payment: PaymentView
    shipping_address: Address
    billing_address: Address
    note: str | None
    payment_id: str | None
    created_at: str
    updated_at: str
    timeline: list[TimelineEntry]
    refund: RefundView | UnsetType | None = UNSET

    @property
    def is_pending(self) -> bool:
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


class IncidentView(View, frozen=True, kw_only=True):
    """An incident as admins see it; amounts in `facts` are minor units.

    `meaning` and `advice` are None for one that another version of the shop has reported.
    """

    order_id: str
    name: str
    facts: dict[str, Any]
    at: str
    meaning: str | None
    advice: str | None


def order_view(order: Order, next_action: NextAction | None = None) -> OrderView:
    """What the API shows, with what the buyer has to do for the payment where that was just told."""
    amounts = {name: order.decimal(getattr(order, name)) for name in _AMOUNTS}
    lines = [_line_view(order, line) for line in order.lines]
    payment = PaymentView(status=order.payment_status, next_action=next_action)
    disputes = [DisputeView.of(each, amount=order.decimal(each.amount)) for each in order.disputes or ()]
    amounts |= {
        "total_amount": order.decimal(order.total),
        "refunded_at_provider": order.decimal(order.refunded_at_provider or 0),
    }
    return OrderView.of(
        order, refund=UNSET, items=lines, payment=payment, disputes=disputes, email=order.email or None,
        billing_address=order.billing_address or order.shipping_address, **amounts,
    )  # fmt: skip


def _line_view(order: Order, line: OrderLine) -> OrderLineView:
    amounts = {name: order.decimal(getattr(line, name)) for name in ("price", "subtotal", "discount", "tax")}
    return OrderLineView.of(line, **amounts)


def refund_view(refund: Refund, outcome: RefundOutcome | None = None) -> RefundView:
    """A refund as it is on record, or after what was just heard of it."""
    return RefundView.of(
        refund,
        amount=money.to_decimal(refund.amount, refund.currency),
        status=outcome.state if outcome else refund.state,
        items=[RefundedItemView.of(item) for item in refund.items],
        reason=refund.note,
        failure=outcome.reason if outcome else refund.reason,
    )


def incident_view(incident: Incident) -> IncidentView:
    """An incident with the sentences of its kind."""
    known = {name: value for name, value in incident.facts.items() if value is not None}
    meaning, advice = incident.explanation or (None, None)
    return IncidentView.of(incident, facts=known, meaning=meaning, advice=advice)
