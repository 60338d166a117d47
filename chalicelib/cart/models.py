"""Carts as values: what somebody means to buy, and the rules of how much of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import msgspec

from chalicelib.aws.keys import Key
from chalicelib.cart.schemas import MAX_QUANTITY
from chalicelib.core import clock
from chalicelib.core.errors import Conflict, FieldError, NotFound, Unprocessable, invalid
from chalicelib.products.models import InsufficientStock, Listing, Shortage

MAX_PRODUCTS = 30
USER_LIFETIME = timedelta(days=90)
GUEST_LIFETIME = timedelta(days=30)


class TooManyItems(Unprocessable):
    """More different products than one order may hold."""

    code = "too_many_items"


class NotInCart(NotFound):
    """The cart holds no such item."""

    code = "cart_item_not_found"


class CurrencyMismatch(Conflict):
    """A cart is paid in one currency, and so is an order."""

    code = "cart_currency_mismatch"

    @classmethod
    def of(cls, detail: str, lines: Iterable[PricedLine]) -> CurrencyMismatch:
        """One error that names every line with what it is paid in."""
        return cls(detail, errors=tuple(line.fault() for line in lines))


class PricedLine(NamedTuple):
    """A line that stands beside others in another currency, and where it was said."""

    field: str
    product_id: str
    currency: str

    def fault(self) -> FieldError:
        """The line's entry among a problem's errors."""
        facts = (("productId", self.product_id), ("currency", self.currency))
        return FieldError(self.field, CurrencyMismatch.code, f"It is paid in {self.currency}.", facts)


class NoSuchCart(NotFound):
    """No cart belongs to that token, or it has expired."""

    code = "cart_not_found"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose cart it is: a user's, or that of whoever holds a token; `is_new` when the token was made just now."""

    key: Key
    token: str | None = None
    is_new: bool = False

    @property
    def lifetime(self) -> timedelta:
        """How long the cart stays after its last change (K5)."""
        return USER_LIFETIME if self.token is None else GUEST_LIFETIME


class CartLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One product in a cart; `price` is what it cost in minor units when it was added (K4)."""

    product_id: str
    product_name: str
    quantity: int
    price: int
    currency: str
    added_at: str


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """All lines of one owner, oldest first."""

    owner: Owner
    lines: dict[str, CartLine]
    exists: bool

    def quantity_of(self, product_id: str) -> int:
        """How many of a product are in the cart."""
        line = self.lines.get(product_id)
        return line.quantity if line else 0

    def with_more(self, listing: Listing, quantity: int) -> CartLine:
        """The line after adding `quantity` of a product, or the error of the rule that forbids it."""
        product = listing.product
        before = self.lines.get(product.product_id)
        if before is None and len(self.lines) >= MAX_PRODUCTS:
            raise TooManyItems(f"A cart holds at most {MAX_PRODUCTS} different products.")
        self._require_one_currency(listing, "productId")
        added_at = before.added_at if before else clock.timestamp()
        return self._line(listing, self.quantity_of(product.product_id) + quantity, added_at)

    def with_exactly(self, listing: Listing, quantity: int) -> CartLine:
        """The line of a product already in the cart with a new quantity."""
        added_at = self.line(listing.product.product_id).added_at
        self._require_one_currency(listing, line_field(listing.product.product_id))
        return self._line(listing, quantity, added_at)

    def _require_one_currency(self, listing: Listing, field: str) -> None:
        """Raise `CurrencyMismatch` unless the product is paid in what all lines are, also its own from before."""
        product_id, currency = listing.product.product_id, listing.offer.currency
        if self.accepts(currency):
            return
        others = [
            PricedLine(line_field(line.product_id), line.product_id, line.currency)
            for line in self.lines.values()
            if line.product_id != product_id and line.currency != currency
        ]
        detail = "The cart holds lines in another currency; order or remove them first."
        raise CurrencyMismatch.of(detail, [PricedLine(field, product_id, currency), *others])

    def accepts(self, currency: str) -> bool:
        """Can something in that currency be added?"""
        return all(line.currency == currency for line in self.lines.values())

    def with_restored(self, line: CartLine) -> CartLine:
        """A line that comes back from an order, on top of what is there by now, whose price and place stay (K4)."""
        quantity = min(MAX_QUANTITY, self.quantity_of(line.product_id) + line.quantity)
        return msgspec.structs.replace(self.lines.get(line.product_id, line), quantity=quantity)

    def merged(self, guest: Cart) -> Merge:
        """What comes of taking a guest's lines over, oldest first (K2)."""
        taken: dict[str, CartLine] = {}
        changes: list[MergeChange] = []
        for product_id, line in guest.lines.items():
            if obstacle := self._obstacle(line, taken):
                changes.append(MergeChange(product_id=product_id, code=obstacle, requested=line.quantity, quantity=0))
                continue
            asked = self.quantity_of(product_id) + line.quantity
            quantity = min(asked, MAX_QUANTITY)
            taken[product_id] = msgspec.structs.replace(self.lines.get(product_id, line), quantity=quantity)
            if quantity < asked:
                capped = MergeChange(product_id=product_id, code="quantity_capped", requested=asked, quantity=quantity)
                changes.append(capped)
        left = {product_id: line for product_id, line in guest.lines.items() if product_id not in taken}
        return Merge(taken=list(taken.values()), left=left, changes=changes)

    def _obstacle(self, line: CartLine, taken: dict[str, CartLine]) -> str | None:
        """Why a guest's line cannot be taken over, or None."""
        if any(own.currency != line.currency for own in (*self.lines.values(), *taken.values())):
            return CurrencyMismatch.code
        full = len({*self.lines, *taken, line.product_id}) > MAX_PRODUCTS
        return TooManyItems.code if full and line.product_id not in self.lines else None

    def line(self, product_id: str) -> CartLine:
        """The line of a product, or `NotInCart`."""
        if product_id not in self.lines:
            raise NotInCart("The cart holds no such item.")
        return self.lines[product_id]

    def _line(self, listing: Listing, quantity: int, added_at: str) -> CartLine:
        product_id, offer = listing.product.product_id, listing.offer
        if quantity > MAX_QUANTITY:
            raise invalid("quantity", "out_of_range", f"A cart holds at most {MAX_QUANTITY} of one product.")
        if quantity > offer.stock:
            raise InsufficientStock.of(Shortage("quantity", product_id, quantity, offer.stock))
        return CartLine(
            product_id=product_id,
            product_name=listing.product.name,
            quantity=quantity,
            price=offer.price,
            currency=offer.currency,
            added_at=added_at,
        )


def line_field(product_id: str) -> str:
    """How errors name a line of the cart."""
    return f"cart.{product_id}"


class MergeChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line that a merge did not take over as it was: `quantity` is what the cart holds of it now, 0 for none of it.

    A line of which nothing was taken stays in the guest's cart.
    """

    product_id: str
    code: str
    requested: int
    quantity: int


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of a merge: the user's lines that change, what stays with the guest, and what was not as asked."""

    taken: list[CartLine]
    left: dict[str, CartLine]
    changes: list[MergeChange]
