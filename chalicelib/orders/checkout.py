"""What a checkout would sell: the wanted products against the catalogue, without writing anything (C1, C2)."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib import money
from chalicelib.access import Principal
from chalicelib.cart import store as carts
from chalicelib.cart.models import MOST_OF_ONE, MOST_PRODUCTS, CurrencyMismatch, TooManyItems
from chalicelib.cart.service import owner
from chalicelib.errors import FieldError, Invalid
from chalicelib.money import Amount
from chalicelib.orders.models import (
    CartChanged,
    EmptyCart,
    Order,
    OrderedItem,
    OrderLine,
    OrderRequest,
    TotalTooLarge,
)
from chalicelib.products import store as products
from chalicelib.products.models import InsufficientStock, Listing, NoSuchProduct, Shortage


class Wanted(NamedTuple):
    """How many of a product are wanted, and where in the request that was said."""

    quantity: int
    field: str


def prepare(request: OrderRequest, buyer: Principal) -> Order:
    """The order as it would be placed now, or the error that names every faulty line."""
    wanted = _from_items(request.items) if request.items else _from_cart(buyer)
    if len(wanted) > MOST_PRODUCTS:
        raise TooManyItems(f"An order holds at most {MOST_PRODUCTS} different products.")
    listings = products.listings(wanted, consistent=True)
    _refuse_faulty(wanted, listings)
    lines = [_line(listings[product_id], each.quantity) for product_id, each in wanted.items()]
    currency = _only_currency(listings)
    order = Order.place(buyer, lines, currency, request.shipping_address, from_cart=request.items is None)
    if money.to_decimal(order.total, currency) > money.LARGEST:
        raise TotalTooLarge(f"One order may cost at most {money.LARGEST} {currency}.")
    _refuse_surprise(order, request.expected_total)
    return order


def _from_items(items: list[OrderedItem]) -> dict[str, Wanted]:
    """Lines of one product added up (C1)."""
    wanted: dict[str, Wanted] = {}
    for position, item in enumerate(items):
        before = wanted.get(item.product_id, Wanted(0, f"items[{position}].quantity"))
        wanted[item.product_id] = Wanted(before.quantity + item.quantity, before.field)
    faults = tuple(
        FieldError(each.field, "out_of_range", f"At most {MOST_OF_ONE} of one product.")
        for each in wanted.values()
        if each.quantity > MOST_OF_ONE
    )
    if faults:
        raise Invalid("Too many of one product.", errors=faults)
    return wanted


def _from_cart(buyer: Principal) -> dict[str, Wanted]:
    cart = carts.load(owner(buyer, None))
    if not cart.lines:
        raise EmptyCart("The cart is empty; put something in first.")
    return {line.product_id: Wanted(line.quantity, f"cart.{line.product_id}") for line in cart.lines.values()}


def _refuse_faulty(wanted: dict[str, Wanted], listings: dict[str, Listing]) -> None:
    shortages, missing = [], []
    for product_id, each in wanted.items():
        listing = listings.get(product_id)
        if listing is None or not listing.is_for_sale:
            missing.append(Shortage(each.field, product_id, each.quantity, 0))
        elif listing.offer.stock < each.quantity:
            shortages.append(Shortage(each.field, product_id, each.quantity, listing.offer.stock))
    if shortages:
        raise InsufficientStock.of(*shortages, *missing)
    if missing:
        faults = tuple(shortage.fault(code=NoSuchProduct.code) for shortage in missing)
        raise NoSuchProduct("Some products do not exist or are no longer for sale.", errors=faults)


def _only_currency(listings: dict[str, Listing]) -> str:
    currencies = {listing.offer.currency for listing in listings.values()}
    if len(currencies) > 1:
        raise CurrencyMismatch(f"One order is paid in one currency, not in {', '.join(sorted(currencies))}.")
    return currencies.pop()


def _refuse_surprise(order: Order, expected: Amount | None) -> None:
    """Sell nothing at another total than the buyer was shown (C2)."""
    if expected is None or money.to_minor(expected, order.currency, field="expectedTotal") == order.total:
        return
    view = order.view()
    changes = [{"productId": i.product_id, "quantity": i.quantity, "price": i.price} for i in view.items]
    raise CartChanged("The total has changed.", facts={"totalAmount": view.total_amount, "changes": changes})


def _line(listing: Listing, quantity: int) -> OrderLine:
    product = listing.product
    return OrderLine(
        product_id=product.product_id, product_name=product.name, quantity=quantity, price=listing.offer.price
    )
