"""Orders as values: immutable copies of what was bought, and the only ways their status may go."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from chalicelib.core import clock, ids, money
from chalicelib.core.principal import Principal
from chalicelib.orders.errors import NotPaid, RefundExceedsPayment, ShippingHeld
from chalicelib.orders.pricing import OrderLine, Price
from chalicelib.orders.states import (
    ATTEMPT_OF,
    AWAITED,
    NEXT,
    PAYMENT_OF,
    Actor,
    FulfillmentStatus,
    Hold,
    OrderStatus,
    PaymentStatus,
    TimelineEntry,
    require_transition,
)
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    Outcome,
    Refund,
    RefundedItem,
    may_become,
)
from chalicelib.payments.returns import Dispute, DisputeStatus
from chalicelib.users.languages import DEFAULT_LOCALE
from chalicelib.users.schemas import Address

SYSTEM = "system"
UNPAID_LIFETIME = timedelta(minutes=15)


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order as stored; amounts are minor units of `currency`, `version` counts its changes.

    `locale` is the language that the buyer is written to in. The bill goes to the shipping address where there is no
    `billing_address`.
    `refunded` is on its way no more but back, or lost to a dispute; `reserved` is what pending refunds will take (R1).
    `refunded_at_provider` is the part of both that somebody gave back there. `charged` is what the provider took where
    that was not the total: such an order can only be cancelled. `paid_at` is when money came for an order that had
    ended without it; of others the timeline says that. `from_cart` says that the whole cart was ordered. `asked_as`
    names the idempotency record of the request for it.
    """

    order_id: str
    user_id: str
    email: str
    locale: str = DEFAULT_LOCALE
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    lines: list[OrderLine]
    subtotal: int
    discount: int
    shipping: int
    tax: int
    shipping_tax: int = 0
    tax_included: bool = False
    total: int
    charged: int | None = None
    paid_at: str | None = None
    refunded: int = 0
    reserved: int = 0
    refunded_at_provider: int | None = None
    disputes: list[Dispute] | None = None
    currency: str
    coupon_code: str | None = None
    shipping_address: Address
    billing_address: Address | None = None
    note: str | None = None
    payment_id: str | None = None
    attempt: int
    asked_as: str | None = None
    from_cart: bool
    created_at: str
    updated_at: str
    timeline: list[TimelineEntry]
    version: int

    @classmethod
    def place(
        cls, buyer: Principal, price: Price, currency: str, address: Address, *, coupon: str | None, from_cart: bool,
        locale: str, billing: Address | None = None, note: str | None = None,
    ) -> Order:  # fmt: skip
        """A pending order whose payment is about to be tried."""
        now = clock.timestamp()
        return cls(
            order_id=ids.new("ord"),
            user_id=buyer.user_id,
            email=buyer.email,
            locale=locale,
            status=OrderStatus.PENDING,
            payment_status=PaymentStatus.PENDING if price.total else PaymentStatus.NONE,
            fulfillment_status=FulfillmentStatus.UNFULFILLED,
            **msgspec.structs.asdict(price),
            total=price.total,
            currency=currency,
            coupon_code=coupon,
            shipping_address=address,
            billing_address=billing,
            note=note,
            attempt=1,
            from_cart=from_cart,
            created_at=now,
            updated_at=now,
            timeline=[TimelineEntry(status=OrderStatus.PENDING, at=now, actor=buyer.user_id)],
            version=1,
        )

    @property
    def awaits_payment(self) -> bool:
        """Is it not over yet with the payment?"""
        return self.status is OrderStatus.PENDING and self.payment_status in AWAITED

    def is_news(self, outcome: Outcome) -> bool:
        """Does it bring the awaited payment on? What is known already does not, nor what can be no more (P1)."""
        return not self.total or may_become(ATTEMPT_OF[self.payment_status], outcome.state)

    @property
    def can_be_voided(self) -> bool:
        """Does the provider hold a payment that nobody has taken yet?"""
        return self.awaits_payment and self.payment_status in (PaymentStatus.AUTHORIZED, PaymentStatus.REQUIRES_ACTION)

    @property
    def is_late(self) -> bool:
        """Is it older than an order may become without its money (S2)?"""
        return self.created_at < clock.ago(UNPAID_LIFETIME)

    @property
    def is_overdue(self) -> bool:
        """Has the buyer had the time there is to do what the payment needs (S2)?"""
        waits = self.status is OrderStatus.PENDING and self.payment_status is PaymentStatus.REQUIRES_ACTION
        return waits and self.is_late

    @property
    def is_paid(self) -> bool:
        """Did the money come, whatever of it went back since?"""
        return self.payment_status in (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)

    @property
    def taken(self) -> int:
        """What the provider took for it, if it was paid."""
        return self.total if self.charged is None else self.charged

    @property
    def refundable(self) -> int:
        """What is left of the payment that can be given back."""
        left = self.taken - self.refunded - self.reserved - self.contested
        return max(0, left) if self.is_paid else 0

    @property
    def contested(self) -> int:
        """What disputes are about that nobody has decided yet."""
        return sum(each.amount for each in self.disputes or () if each.is_open)

    @property
    def hold(self) -> Hold | None:
        """What was done at the provider for which goods are not sent unless an admin says so (F20)."""
        if any(each.status is not DisputeStatus.WON for each in self.disputes or ()):
            return Hold.DISPUTE
        return Hold.REFUND if self.refunded_at_provider else None

    @property
    def is_fully_refunded(self) -> bool:
        """Has all that was paid gone back, or is it on its way? Goods are then not sent any more."""
        return self.is_paid and not self.refundable

    def as_of_now(self) -> Order:
        """The order as lists show it: one whose time to be paid is over has expired, written or not (S2)."""
        return msgspec.structs.replace(self, status=OrderStatus.EXPIRED) if self.is_overdue else self

    @property
    def is_under_way(self) -> bool:
        """Is something still to happen that needs its buyer's name: goods to come, money to go back, a dispute?"""
        return bool(NEXT[self.status]) or self.reserved > 0 or self.contested > 0

    @property
    def is_anonymous(self) -> bool:
        """Has its buyer been forgotten?"""
        return self.email == ""

    def first_attempt(self) -> Attempt:
        """The attempt to be paid that is stored with the order."""
        return Attempt(
            order_id=self.order_id, user_id=self.user_id, number=self.attempt, amount=self.total,
            currency=self.currency, payment_id=self.payment_id, created_at=self.created_at,
        )  # fmt: skip

    def move(
        self, to: OrderStatus, *, by: Actor, actor: str, reason: str | None = None, despite: Hold | None = None
    ) -> Order:
        """The order in another status, or `InvalidTransition` (O1); `ShippingHeld` unless it is despite that."""
        shipped, closed = to is OrderStatus.SHIPPED, self.is_fully_refunded and self.hold is None
        require_transition(self.status, to, by, but=(OrderStatus.SHIPPED,) if closed else ())
        if shipped and self.hold not in (None, despite):
            raise ShippingHeld(self.hold)
        at = self._next_time()
        entry = TimelineEntry(status=to, at=at, actor=actor, reason=reason, despite=(shipped and self.hold) or UNSET)
        return self.next_version(
            at=at,
            status=to,
            fulfillment_status=FulfillmentStatus.FULFILLED if shipped else self.fulfillment_status,
            timeline=[*self.timeline, entry],
        )

    def with_payment(self, payment: PaymentStatus, *, payment_id: str | None = None) -> Order:
        """The order in the same status with its money elsewhere."""
        return self.next_version(payment_status=payment, payment_id=payment_id or self.payment_id)

    def settled(
        self, outcome: Outcome, *, ending: OrderStatus, by: Actor, actor: str, reason: str | None = None
    ) -> Order:
        """The order after the provider's word; `ending` is where it goes when there will be no money."""
        payment = PAYMENT_OF[outcome.state] if self.total else PaymentStatus.NONE
        if outcome.state is AttemptState.CAPTURED:
            moved = self.move(OrderStatus.PROCESSING, by=Actor.SYSTEM, actor=SYSTEM)
        elif outcome.state in (AttemptState.FAILED, AttemptState.VOIDED):
            moved = self.move(ending, by=by, actor=actor, reason=reason)
        else:
            moved = self.next_version()
        return msgspec.structs.replace(moved, payment_status=payment, payment_id=outcome.payment_id or self.payment_id)

    def refund(self, amount: int, *, items: tuple[RefundedItem, ...] = (), note: str | None = None) -> Refund:
        """A refund of that much, or `NotPaid`, or `RefundExceedsPayment` (R1)."""
        if not self.is_paid or self.payment_id is None:
            raise NotPaid("Nothing was paid for this order.")
        if amount > self.refundable or amount < 1:
            left = self.decimal(self.refundable)
            facts = {"requested": self.decimal(amount), "refundable": left, "currency": self.currency}
            raise RefundExceedsPayment(f"Only {left} {self.currency} are left to be refunded.", facts=facts)
        return Refund.of(
            order_id=self.order_id, user_id=self.user_id, payment_id=self.payment_id,
            amount=amount, currency=self.currency, items=items, note=note,
        )  # fmt: skip

    def with_refund(self, refund: Refund, *, at: str | None = None) -> Order:
        """The order with that much of its payment, and those units, set aside for a refund."""
        return self.next_version(at=at, reserved=self.reserved + refund.amount, lines=self._with_units(refund, 1))

    def after_refund(self, refund: Refund, *, is_back: bool) -> Order:
        """The order once a refund that was set aside has ended, with the money back or not."""
        reserved = self.reserved - refund.amount
        if not is_back:
            there = (self.refunded_at_provider or 0) - (refund.amount if refund.provider_id else 0)
            lines = self._with_units(refund, -1)
            return _returned(self.next_version(reserved=reserved, refunded_at_provider=there or None, lines=lines))
        refunded = self.refunded + refund.amount
        payment = PaymentStatus.REFUNDED if refunded >= self.taken else PaymentStatus.PARTIALLY_REFUNDED
        return _returned(self.next_version(reserved=reserved, refunded=refunded, payment_status=payment))

    def _with_units(self, refund: Refund, sign: int) -> list[OrderLine]:
        items = {item.product_id: item for item in refund.items}
        return [
            line.with_refund(sign * items[line.product_id].quantity, sign * items[line.product_id].amount)
            if line.product_id in items
            else line
            for line in self.lines
        ]

    def next_version(self, *, at: str | None = None, **changes: Any) -> Order:
        """The order with these changes, changed now."""
        at = at or self._next_time()
        return msgspec.structs.replace(self, **changes, updated_at=at, version=self.version + 1)

    def _next_time(self) -> str:
        """Now, or when it was changed last, if that was by a machine whose clock is ahead of this one's."""
        return max(clock.timestamp(), self.updated_at)

    @property
    def units_from_cart(self) -> dict[str, int]:
        """How many of each product came out of the buyer's cart, of those that did (C3)."""
        units = {line.product_id: line.quantity if self.from_cart else line.from_cart for line in self.lines}
        return {product_id: count for product_id, count in units.items() if count}

    def decimal(self, minor: int) -> Decimal:
        """An amount of the order as it is shown."""
        return money.to_decimal(minor, self.currency)


def _returned(order: Order) -> Order:
    """The order with its goods returned, if all were sent, all were given back, and no refund may still fail."""
    sent_back = all(line.is_back(tax_included=order.tax_included) for line in order.lines)
    if order.reserved or not sent_back or order.fulfillment_status is not FulfillmentStatus.FULFILLED:
        return order
    return msgspec.structs.replace(order, fulfillment_status=FulfillmentStatus.RETURNED)
