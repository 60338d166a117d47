"""Carts as the API shows them."""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, UnsetType

from chalicelib.auth.views import LoginView
from chalicelib.cart.models import CartLine, MergeChange
from chalicelib.core import money
from chalicelib.core.schema import View
from chalicelib.products.models import Listing


class MergeView(View, frozen=True, kw_only=True):
    """What came of taking a guest's cart over: how many of its lines, and which were not taken as they were."""

    merged: int
    changes: list[MergeChange]


class LoginWithCartView(LoginView, frozen=True, kw_only=True):
    """The answer to a login, which may have brought a guest's cart along."""

    cart: MergeView | UnsetType = UNSET


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


def line_view(line: CartLine, listing: Listing | None) -> LineView:
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


def cart_view(lines: list[CartLine], listings: dict[str, Listing], *, default_currency: str) -> CartView:
    """All lines and what the available ones cost together, for an empty cart nothing in the stage's currency."""
    views = [line_view(line, listings.get(line.product_id)) for line in lines]
    currency = lines[0].currency if lines else default_currency
    return CartView(
        items=views,
        item_count=sum(view.quantity for view in views),
        total_amount=sum((v.subtotal for v in views if v.available), start=money.to_decimal(0, currency)),
        currency=currency,
    )
