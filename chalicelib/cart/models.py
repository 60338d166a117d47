"""Carts as values: what somebody means to buy, and the rules of how much of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.auth.models import LoginView
from chalicelib.aws.keys import Key
from chalicelib.core import clock, money
from chalicelib.core.errors import Conflict, Impossible, NotFound, invalid
from chalicelib.core.schema import Shape, View
from chalicelib.products.models import InsufficientStock, Listing, Shortage

MOST_OF_ONE = 99
MOST_PRODUCTS = 30
USER_LIFETIME = timedelta(days=90)
GUEST_LIFETIME = timedelta(days=30)

Quantity = Annotated[int, Meta(ge=1, le=MOST_OF_ONE)]


class TooManyItems(Impossible):
    """More different products than one order may hold."""

    code = "too_many_items"


class NotInCart(NotFound):
    """The cart holds no such item."""

    code = "cart_item_not_found"


class CurrencyMismatch(Conflict):
    """A cart is paid in one currency."""

    code = "cart_currency_mismatch"


class NoSuchCart(NotFound):
    """No cart belongs to that token, or it has expired."""

    code = "cart_not_found"


class NewLine(Shape, frozen=True, kw_only=True):
    """The body of `POST /cart/items`."""

    product_id: Annotated[str, Meta(max_length=64)]
    quantity: Quantity


class NewQuantity(Shape, frozen=True, kw_only=True):
    """The body of `PUT /cart/items/{itemId}`; 0 removes (K3)."""

    quantity: Annotated[int, Meta(ge=0, le=MOST_OF_ONE)]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose cart it is: a user's, or that of whoever holds a token; `is_new` when the token was made just now."""

    key: Key
    token: str | None = None
    is_new: bool = False

    @property
    def lifetime(self) -> timedelta:
        """How long the cart stays after its last change (K5)."""
        return USER_LIFETIME if self.token is None else GUEST_LIFETIME


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
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
    lines: dict[str, Line]
    exists: bool

    def quantity_of(self, product_id: str) -> int:
        """How many of a product are in the cart."""
        line = self.lines.get(product_id)
        return line.quantity if line else 0

    def with_more(self, listing: Listing, quantity: int) -> Line:
        """The line after adding `quantity` of a product, or the error of the rule that forbids it."""
        product = listing.product
        before = self.lines.get(product.product_id)
        if before is None and len(self.lines) >= MOST_PRODUCTS:
            raise TooManyItems(f"A cart holds at most {MOST_PRODUCTS} different products.")
        if not self.accepts(listing.offer.currency):
            raise CurrencyMismatch("The cart holds products in another currency; order or empty it first.")
        added_at = before.added_at if before else clock.timestamp()
        return self._line(listing, self.quantity_of(product.product_id) + quantity, added_at)

    def with_exactly(self, listing: Listing, quantity: int) -> Line:
        """The line of a product already in the cart with a new quantity."""
        return self._line(listing, quantity, self.line(listing.product.product_id).added_at)

    def accepts(self, currency: str) -> bool:
        """Can something in that currency be added?"""
        return all(line.currency == currency for line in self.lines.values())

    def with_returned(self, line: Line) -> Line:
        """A line that comes back from an order, on top of what is there by now."""
        quantity = min(MOST_OF_ONE, self.quantity_of(line.product_id) + line.quantity)
        return msgspec.structs.replace(line, quantity=quantity)

    def merged(self, guest: Cart) -> Merge:
        """What comes of taking a guest's lines over, oldest first (K2)."""
        taken: dict[str, Line] = {}
        changes: list[MergeChange] = []
        for product_id, line in guest.lines.items():
            if obstacle := self._obstacle(line, taken):
                changes.append(MergeChange(product_id=product_id, code=obstacle, requested=line.quantity, quantity=0))
                continue
            asked = self.quantity_of(product_id) + line.quantity
            quantity = min(asked, MOST_OF_ONE)
            taken[product_id] = msgspec.structs.replace(self.lines.get(product_id, line), quantity=quantity)
            if quantity < asked:
                capped = MergeChange(product_id=product_id, code="quantity_capped", requested=asked, quantity=quantity)
                changes.append(capped)
        left = {product_id: line for product_id, line in guest.lines.items() if product_id not in taken}
        return Merge(taken=list(taken.values()), left=left, changes=changes)

    def _obstacle(self, line: Line, taken: dict[str, Line]) -> str | None:
        """Why a guest's line cannot be taken over, or None."""
        if any(own.currency != line.currency for own in (*self.lines.values(), *taken.values())):
            return CurrencyMismatch.code
        full = len({*self.lines, *taken, line.product_id}) > MOST_PRODUCTS
        return TooManyItems.code if full and line.product_id not in self.lines else None

    def line(self, product_id: str) -> Line:
        """The line of a product, or `NotInCart`."""
        if product_id not in self.lines:
            raise NotInCart("The cart holds no such item.")
        return self.lines[product_id]

    def _line(self, listing: Listing, quantity: int, added_at: str) -> Line:
        product_id, offer = listing.product.product_id, listing.offer
        if quantity > MOST_OF_ONE:
            raise invalid("quantity", "out_of_range", f"A cart holds at most {MOST_OF_ONE} of one product.")
        if quantity > offer.stock:
            raise InsufficientStock.of(Shortage("quantity", product_id, quantity, offer.stock))
        return Line(
            product_id=product_id,
            product_name=listing.product.name,
            quantity=quantity,
            price=offer.price,
            currency=offer.currency,
            added_at=added_at,
        )


class MergeChange(View, frozen=True, kw_only=True):
    """A line that a merge did not take over as it was: `quantity` is what the cart holds of it now, 0 for none of it.

    A line of which nothing was taken stays in the guest's cart.
    """

    product_id: str
    code: str
    requested: int
    quantity: int


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of a merge: the user's lines that change, what stays with the guest, and what was not as asked."""

    taken: list[Line]
    left: dict[str, Line]
    changes: list[MergeChange]


class MergeView(View, frozen=True, kw_only=True):
    """What came of taking a guest's cart over: how many of its lines, and which were not taken as they were."""

    merged: int
    changes: list[MergeChange]


class LoginWithCartView(LoginView, frozen=True, kw_only=True):
    """The answer to a login that brought a guest's cart along."""

    cart: MergeView


class LineView(View, frozen=True, kw_only=True):
    """A line as the API shows it: the present price, and whether it still holds."""

    item_id: str
    product_id: str
    product_name: str
    quantity: int
    price: Decimal
    subtotal: Decimal
    available: bool
    price_changed: bool
    added_at: str


class CartView(View, frozen=True, kw_only=True):
    """A cart as the API shows it; lines that cannot be bought stay, flagged, and do not count in the total."""

    items: list[LineView]
    item_count: int
    total_amount: Decimal
    currency: str


def line_view(line: Line, listing: Listing | None) -> LineView:
    """A line at the present price; one whose product is gone, short or in another currency is not available (K4).

    What is not for sale is shown as it was when it was added: what its admins do with it since is not public.
    """
    if listing is not None and (not listing.is_for_sale or listing.offer.currency != line.currency):
        listing = None
    price = listing.offer.price if listing else line.price
    return LineView(
        item_id=line.product_id,
        product_id=line.product_id,
        product_name=listing.product.name if listing else line.product_name,
        quantity=line.quantity,
        price=money.to_decimal(price, line.currency),
        subtotal=money.to_decimal(price * line.quantity, line.currency),
        available=listing is not None and listing.offer.stock >= line.quantity,
        price_changed=price != line.price,
        added_at=line.added_at,
    )


def cart_view(lines: list[Line], listings: dict[str, Listing]) -> CartView:
    """All lines and what the available ones cost together."""
    views = [line_view(line, listings.get(line.product_id)) for line in lines]
    currency = lines[0].currency if lines else "USD"
    return CartView(
        items=views,
        item_count=sum(view.quantity for view in views),
        total_amount=sum((v.subtotal for v in views if v.available), start=money.to_decimal(0, currency)),
        currency=currency,
    )
