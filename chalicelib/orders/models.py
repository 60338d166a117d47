"""Orders as values: immutable copies of what was bought, and the only ways their status may go."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib import clock, ids, money
from chalicelib.access import Principal
from chalicelib.cart.models import Line, Quantity
from chalicelib.errors import Conflict, Impossible, NotFound
from chalicelib.money import Amount
from chalicelib.orders.states import NEXT, OrderStatus, PaymentStatus, require_transition
from chalicelib.payments.models import Attempt, PaymentMethod, Refund
from chalicelib.users.shapes import Address
from chalicelib.wire import PageQuery, Shape, View

SYSTEM = "system"


class EmptyCart(Impossible):
    """There is nothing to order."""

    code = "empty_cart"


class NoSuchOrder(NotFound):
    """No order has that id, or it is somebody else's (O4)."""

    code = "order_not_found"


class TotalTooLarge(Impossible):
    """More money than one order may move (M1)."""

    code = "total_too_large"


class CartChanged(Conflict):
    """The total is not what the buyer was shown."""

    code = "cart_changed"


class OrderedItem(Shape, frozen=True, kw_only=True):
    """One wanted product in the body of `POST /orders`."""

    product_id: Annotated[str, Meta(max_length=64)]
    quantity: Quantity


class OrderRequest(Shape, frozen=True, kw_only=True):
    """The body of `POST /orders`; without `items` the whole cart is ordered."""

    items: Annotated[list[OrderedItem], Meta(min_length=1, max_length=300)] | None = None
    shipping_address: Address
    payment_method: PaymentMethod
    expected_total: Amount | None = None


class OrderQuery(PageQuery, frozen=True, kw_only=True):
    """The query of `GET /orders`."""

    status: OrderStatus | None = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A copy of what was bought at what price, in minor units (O3)."""

    product_id: str
    product_name: str
    quantity: int
    price: int

    @property
    def subtotal(self) -> int:
        """What the line costs."""
        return self.price * self.quantity


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When the order came into a status, and by whom."""

    status: OrderStatus
    at: str
    actor: str


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order as stored; amounts are minor units of `currency`, `version` counts its changes."""

    order_id: str
    user_id: str
    email: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: str
    lines: list[OrderLine]
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    currency: str
    shipping_address: Address
    payment_id: str | None = None
    attempt: int
    from_cart: bool
    created_at: str
    updated_at: str
    timeline: list[TimelineEntry]
    version: int

    @classmethod
    def place(
        cls, buyer: Principal, lines: list[OrderLine], currency: str, address: Address, *, from_cart: bool
    ) -> Order:
        """A pending order whose payment is about to be tried."""
        now, subtotal = clock.timestamp(), sum(line.subtotal for line in lines)
        return cls(
            order_id=ids.new("ord"),
            user_id=buyer.user_id,
            email=buyer.email,
            status=OrderStatus.PENDING,
            payment_status=PaymentStatus.PENDING if subtotal else PaymentStatus.NONE,
            fulfillment_status="unfulfilled",
            lines=lines,
            subtotal=subtotal,
            discount=0,
            shipping=0,
            tax=0,
            total=subtotal,
            currency=currency,
            shipping_address=address,
            attempt=1,
            from_cart=from_cart,
            created_at=now,
            updated_at=now,
            timeline=[TimelineEntry(status=OrderStatus.PENDING, at=now, actor=buyer.user_id)],
            version=1,
        )

    @property
    def payment_in_doubt(self) -> bool:
        """Is a payment under way or its outcome unknown, so that money may still move?"""
        return self.payment_status in (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)

    @property
    def is_open(self) -> bool:
        """Is something still to happen that needs its buyer's address?"""
        return bool(NEXT[self.status])

    @property
    def is_anonymous(self) -> bool:
        """Has its buyer been forgotten?"""
        return self.email == ""

    def anonymised(self) -> Order:
        """The order without its buyer's name and address, for the books."""
        nowhere = Address(street="erased", city="erased", postal_code="00000", country="ZZ")
        return msgspec.structs.replace(self, email="", shipping_address=nowhere, version=self.version + 1)

    @property
    def is_unsettled(self) -> bool:
        """Is it still to be written what came of its payment, or that none was needed?"""
        return self.status is OrderStatus.PENDING and (self.payment_in_doubt or not self.total)

    def first_attempt(self) -> Attempt:
        """The attempt to be paid that is stored with the order."""
        return Attempt(
            order_id=self.order_id,
            user_id=self.user_id,
            number=self.attempt,
            amount=self.total,
            currency=self.currency,
            created_at=self.created_at,
        )

    def move(self, to: OrderStatus, payment: PaymentStatus, *, actor: str, payment_id: str | None = None) -> Order:
        """The order in another status, or `InvalidTransition` (O1)."""
        require_transition(self.status, to)
        now = clock.timestamp()
        return msgspec.structs.replace(
            self,
            status=to,
            payment_status=payment,
            payment_id=payment_id or self.payment_id,
            updated_at=now,
            timeline=[*self.timeline, TimelineEntry(status=to, at=now, actor=actor)],
            version=self.version + 1,
        )

    def with_payment(self, payment: PaymentStatus) -> Order:
        """The order in the same status with its money elsewhere."""
        return msgspec.structs.replace(
            self, payment_status=payment, updated_at=clock.timestamp(), version=self.version + 1
        )

    def full_refund(self) -> Refund | None:
        """The refund that cancelling asks for, or None when nothing was paid."""
        if self.payment_status is not PaymentStatus.PAID or not self.payment_id:
            return None
        return Refund.of(
            order_id=self.order_id,
            user_id=self.user_id,
            payment_id=self.payment_id,
            amount=self.total,
            currency=self.currency,
        )

    def cart_lines(self) -> list[Line]:
        """The lines as they stood in the cart."""
        return [
            Line(
                product_id=line.product_id,
                product_name=line.product_name,
                quantity=line.quantity,
                price=line.price,
                currency=self.currency,
                added_at=self.created_at,
            )
            for line in self.lines
        ]

    def view(self) -> OrderView:
        """What the API shows."""
        amounts = {name: self._decimal(getattr(self, name)) for name in ("subtotal", "discount", "shipping", "tax")}
        lines = [self._line_view(line) for line in self.lines]
        return OrderView.of(self, items=lines, total_amount=self._decimal(self.total), **amounts)

    def _line_view(self, line: OrderLine) -> OrderLineView:
        return OrderLineView.of(line, price=self._decimal(line.price), subtotal=self._decimal(line.subtotal))

    def _decimal(self, minor: int) -> Decimal:
        return money.to_decimal(minor, self.currency)


class OrderLineView(View, frozen=True, kw_only=True):
    """A line as the API shows it."""

    product_id: str
    product_name: str
    quantity: int
    price: Decimal
    subtotal: Decimal


class OrderView(View, frozen=True, kw_only=True):
    """An order as the API shows it."""

    order_id: str
    user_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: str
    items: list[OrderLineView]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total_amount: Decimal
    currency: str
    shipping_address: Address
    payment_id: str | None
    created_at: str
    updated_at: str
    timeline: list[TimelineEntry]

    @property
    def is_in_doubt(self) -> bool:
        """Is it not known yet whether the money came?"""
        return self.payment_status in (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)


class StatusView(View, frozen=True, kw_only=True):
    """The short answer to where an order stands."""

    order_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: str
    updated_at: str
