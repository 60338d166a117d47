"""What an order costs: subtotal, discount, shipping and tax, which add up to the total by construction (M2, M3).

Everything is minor units of one currency; nothing here reads or writes. A price is made once, from rules that are
handed in, and stored with its order, so that a later rule changes no past order (O3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.core import money

_WHOLE = 100_000  # thousandths of a percent


class Shipping(Protocol):
    """What it costs to send goods."""

    def cost(self, goods: int, currency: str) -> int:
        """The price of sending goods that are worth so much after discounts; at least 0."""


class TaxRate(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` thousandths of a percent, contained in prices or to be added to them."""

    rate: int
    included: bool

    def on(self, amount: int) -> int:
        """The tax on one line's amount, rounded there and nowhere else (M2)."""
        return money.share(amount, self.rate, _WHOLE + self.rate if self.included else _WHOLE)


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A copy of what was bought at what price, in minor units (O3).

    `discount` and `tax` are the line's own parts of the order's, so that a refund by line is exact (R2). `refunded` is
    what was given back for units, or is about to be. `from_cart` is how many of the units an order of named items
    took out of its buyer's cart (C3).
    """

    product_id: str
    product_name: str
    quantity: int
    price: int
    discount: int = 0
    tax: int = 0
    refunded_quantity: int = 0
    refunded: int = 0
    from_cart: int | UnsetType = UNSET

    @property
    def subtotal(self) -> int:
        """What the line costs before its discount."""
        return self.price * self.quantity

    def paid(self, *, tax_included: bool) -> int:
        """What was paid for the line."""
        return self.subtotal - self.discount + (0 if tax_included else self.tax)

    def refund_of(self, quantity: int, *, tax_included: bool) -> int:
        """What so many more units cost: what all units until then were paid with, less what is back already (R2).

        Rounded down, so that of what was paid something is left for the last unit, which takes it.
        """
        units = self.refunded_quantity + quantity
        return max(0, self.paid(tax_included=tax_included) * units // self.quantity - self.refunded)

    def is_back(self, *, tax_included: bool) -> bool:
        """Is all back that was paid for the line?"""
        return self.refunded == self.paid(tax_included=tax_included)

    def with_refund(self, quantity: int, amount: int) -> OrderLine:
        """The line with so many units given back for that much; negative when that came to nothing."""
        units, refunded = self.refunded_quantity + quantity, self.refunded + amount
        return msgspec.structs.replace(self, refunded_quantity=units, refunded=refunded)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """All parts of what an order costs, each at least 0: total = subtotal - discount + shipping + tax.

    `tax` contains `shipping_tax`, and is not added when it is included in the prices already.
    """

    lines: list[OrderLine]
    subtotal: int
    discount: int
    shipping: int
    tax: int
    shipping_tax: int
    tax_included: bool

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.subtotal - self.discount + self.shipping + (0 if self.tax_included else self.tax)


def subtotal_of(lines: Sequence[OrderLine]) -> int:
    """What the lines cost before anything is taken off or added."""
    return sum(line.subtotal for line in lines)


def price(lines: Sequence[OrderLine], currency: str, *, discount: int, shipping: Shipping, tax: TaxRate) -> Price:
    """The price of lines with a discount of at most their subtotal, which is spread over them by what they cost."""
    subtotal = subtotal_of(lines)
    parts = money.prorate(discount, [line.subtotal for line in lines])
    priced = [_with_parts(line, part, tax) for line, part in zip(lines, parts, strict=True)]
    sending = shipping.cost(subtotal - discount, currency)
    shipping_tax = tax.on(sending)
    return Price(
        lines=priced,
        subtotal=subtotal,
        discount=discount,
        shipping=sending,
        tax=sum(line.tax for line in priced) + shipping_tax,
        shipping_tax=shipping_tax,
        tax_included=tax.included,
    )


def _with_parts(line: OrderLine, discount: int, tax: TaxRate) -> OrderLine:
    return msgspec.structs.replace(line, discount=discount, tax=tax.on(line.subtotal - discount))
