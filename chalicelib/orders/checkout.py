"""Whether the stage can sell, and what a checkout would sell at what price: products against the catalogue (C1, C2).

Nothing is written, but that wrong coupon codes are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec import UNSET

from chalicelib.auth import store as session_store
from chalicelib.aws import db
from chalicelib.aws.rate_limits import UNLIMITED, Use
from chalicelib.cart import store as cart_store
from chalicelib.cart.models import MAX_PRODUCTS, CurrencyMismatch, PricedLine, TooManyItems, line_field
from chalicelib.cart.schemas import MAX_QUANTITY
from chalicelib.cart.service import owner
from chalicelib.core import log, money
from chalicelib.core.cached import Cached
from chalicelib.core.errors import FieldError, Invalid, Misconfigured, Unavailable
from chalicelib.core.money import Amount
from chalicelib.core.principal import Principal
from chalicelib.coupons import service as coupons
from chalicelib.coupons import store as coupon_store
from chalicelib.coupons.models import Bearer, Coupon, Presented, fold
from chalicelib.orders import policies, pricing
from chalicelib.orders.errors import CartChanged, EmptyCart, TotalTooLarge
from chalicelib.orders.models import Order
from chalicelib.orders.pricing import OrderLine, Price
from chalicelib.orders.schemas import OrderedItem, OrderRequest
from chalicelib.orders.views import order_view
from chalicelib.payments import providers
from chalicelib.payments import service as payments
from chalicelib.products import store as product_store
from chalicelib.products.models import InsufficientStock, Listing, NoSuchProduct, Shortage
from chalicelib.users import addresses
from chalicelib.users import store as user_store
from chalicelib.users.errors import ErasureScheduled
from chalicelib.users.models import User
from chalicelib.users.schemas import Address

_LOOK_SECONDS = 5.0


class Readiness(StrEnum):
    """Can orders be placed, as far as that is the stage's own doing?"""

    READY = "ready"
    MISCONFIGURED = "misconfigured"
    UNAVAILABLE = "unavailable"  # the payment secret cannot be had


class WantedQuantity(NamedTuple):
    """How many of a product are wanted, and where in the request that and the product were said."""

    quantity: int
    field: str
    named_in: str


class Prepared(NamedTuple):
    """An order that could be placed now, the coupon of its price, and how much of what it names is in the cart."""

    order: Order
    coupon: Coupon | None
    in_cart: dict[str, int]


class _Read(NamedTuple):
    """What an order is computed from, as it is now."""

    listings: dict[str, Listing]
    presented: Presented | None
    user: User | None
    in_cart: dict[str, int]


def readiness() -> Readiness:
    """Whether the settings and the payment secret let any order through; looked at once in five seconds a process.

    The provider is not asked: its silence leaves orders in doubt, and ends none.
    """
    return _readiness.get()


def forget() -> None:
    """Drop what was found out about the settings."""
    _readiness.forget()


def prepare(request: OrderRequest, buyer: Principal, use: Use = UNLIMITED) -> Prepared:
    """The order as it would be placed now, or the error that names every faulty line."""
    shipping, billing = _addresses(request)
    wanted = _from_items(request.items) if request.items else _from_cart(buyer)
    if len(wanted) > MAX_PRODUCTS:
        raise TooManyItems(f"An order holds at most {MAX_PRODUCTS} different products.")
    listings, presented, account, in_cart = _read(wanted, request, buyer, use)
    user = _require_standing(account)
    _refuse_faulty(wanted, listings)
    lines = [_line(listings[each], wanted[each].quantity, in_cart.get(each, 0)) for each in wanted]
    currency = _only_currency(wanted, listings)
    coupon = coupons.accept(presented, pricing.subtotal_of(lines), currency) if presented else None
    price = _price(lines, currency, coupon, shipping)
    order = Order.place(
        buyer, price, currency, addresses.named(shipping, user.name),
        coupon=coupon.code if coupon else None, from_cart=request.items is None, locale=user.locale,
        billing=addresses.named(billing, user.name) if billing else None, note=request.note,
    )  # fmt: skip
    _require_expected_total(order, request.expected_total)
    payments.require_payable(order.total, currency)
    return Prepared(order, coupon, in_cart or order.units_from_cart)


def _look() -> Readiness:
    try:
        providers.current()
        policies.shipping()
        policies.taxes()
    except Misconfigured as error:
        log.error("CHECKOUT_MISCONFIGURED", str(error))
        return Readiness.MISCONFIGURED
    except Unavailable:
        return Readiness.UNAVAILABLE
    return Readiness.READY


_readiness = Cached(_look, seconds=_LOOK_SECONDS)


def _addresses(request: OrderRequest) -> tuple[Address, Address | None]:
    """Where the goods and the bill go, as they are kept, or `Invalid` with every faulty part of both."""
    given = {"shippingAddress": request.shipping_address, "billingAddress": request.billing_address}
    kept = addresses.judged({field: address for field, address in given.items() if address})
    return kept["shippingAddress"], kept.get("billingAddress")


def _read(wanted: Iterable[str], request: OrderRequest, buyer: Principal, use: Use) -> _Read:
    """The products, what there is to know of the coupon, the buyer's account, and the cart, in one round trip.

    Raises `LimitReached` where `use` finds that nothing is left. The cart is read where items are named; the whole of
    one was read before.
    """
    of_products = [key for product_id in wanted for key in product_store.listing_keys(product_id)]
    folded, bearer = fold(request.coupon_code) if request.coupon_code else None, Bearer.of(buyer)
    of_coupon = coupon_store.presented_keys(folded, bearer) if folded else ()
    whose = owner(buyer, None)
    of_buyer = [user_store.key(buyer.user_id), *([whose.key] if request.items else [])]
    items = db.get_many([*of_products, *of_coupon, *of_buyer, *use.to_read], consistent=True)
    use.require(items)
    found = {product_id: product_store.listing_from(items, product_id) for product_id in wanted}
    listings = {product_id: listing for product_id, listing in found.items() if listing}
    coupon = coupon_store.presented(items, folded, bearer) if folded else None
    cart = cart_store.from_item(whose, items.get(whose.key))
    in_cart = {product_id: cart.quantity_of(product_id) for product_id in wanted if product_id in cart.lines}
    return _Read(listings, coupon, user_store.find(items, buyer.user_id), in_cart)


def _require_standing(user: User | None) -> User:
    """The buyer, if they may order: somebody who is there, and who will be for as long as the order takes (F22)."""
    if user and user.is_in_standing:
        return user
    if user and user.is_active:
        raise ErasureScheduled("Your erasure is scheduled; revoke it before you order anything.")
    raise session_store.invalid_token()


def _price(lines: list[OrderLine], currency: str, coupon: Coupon | None, to: Address) -> Price:
    """What the lines cost where they go to, or `TotalTooLarge`."""
    discount = coupon.discount_on(pricing.subtotal_of(lines)) if coupon else 0
    tax = policies.taxes().of(to.country)
    price = pricing.price(lines, currency, discount=discount, shipping=policies.shipping(), tax=tax)
    if money.to_decimal(price.total, currency) > money.MAX_AMOUNT:
        raise TotalTooLarge(f"One order may cost at most {money.MAX_AMOUNT} {currency}.")
    return price


def _from_items(items: list[OrderedItem]) -> dict[str, WantedQuantity]:
    """Lines of one product added up (C1)."""
    wanted: dict[str, WantedQuantity] = {}
    for position, item in enumerate(items):
        first = WantedQuantity(0, f"items[{position}].quantity", f"items[{position}].productId")
        before = wanted.get(item.product_id, first)
        wanted[item.product_id] = before._replace(quantity=before.quantity + item.quantity)
    faults = tuple(
        FieldError(each.field, "out_of_range", f"At most {MAX_QUANTITY} of one product.")
        for each in wanted.values()
        if each.quantity > MAX_QUANTITY
    )
    if faults:
        raise Invalid("Too many of one product.", errors=faults)
    return wanted


def _from_cart(buyer: Principal) -> dict[str, WantedQuantity]:
    cart = cart_store.get(owner(buyer, None))
    if not cart.lines:
        raise EmptyCart("The cart is empty; put something in first.")
    lines = [(line.product_id, line.quantity, line_field(line.product_id)) for line in cart.lines.values()]
    return {product_id: WantedQuantity(quantity, field, field) for product_id, quantity, field in lines}


def _refuse_faulty(wanted: dict[str, WantedQuantity], listings: dict[str, Listing]) -> None:
    """Name every faulty line at once, in the request's order (C1)."""
    looked_up = [_fault(product_id, each, listings.get(product_id)) for product_id, each in wanted.items()]
    faults = tuple(fault for fault in looked_up if fault)
    if any(fault.code == InsufficientStock.code for fault in faults):
        raise InsufficientStock("There is not enough in stock.", errors=faults)
    if faults:
        raise NoSuchProduct("Some products do not exist or are no longer for sale.", errors=faults)


def _fault(product_id: str, wanted: WantedQuantity, listing: Listing | None) -> FieldError | None:
    if listing is None or not listing.is_for_sale:
        detail = "It is no longer for sale." if listing else "There is no such product."
        return Shortage(wanted.named_in, product_id, wanted.quantity, 0).missing(detail)
    if listing.offer.stock < wanted.quantity:
        return Shortage(wanted.field, product_id, wanted.quantity, listing.offer.stock).fault()
    return None


def _only_currency(wanted: dict[str, WantedQuantity], listings: dict[str, Listing]) -> str:
    """What all lines are paid in, or the error that names each with its currency."""
    lines = [PricedLine(each.named_in, name, listings[name].offer.currency) for name, each in wanted.items()]
    currencies = {line.currency for line in lines}
    if len(currencies) > 1:
        named = ", ".join(sorted(currencies))
        raise CurrencyMismatch.of(f"One order is paid in one currency, not in {named}.", lines)
    return currencies.pop()


def _require_expected_total(order: Order, expected: Amount | None) -> None:
    """Sell nothing at another total than the buyer was shown, and say what it would cost now, in all parts (C2)."""
    if expected is None or money.to_minor(expected, order.currency, field="expectedTotal") == order.total:
        return
    view = order_view(order)
    parts = {name: getattr(view, name) for name in ("subtotal", "discount", "shipping", "tax", "currency")}
    changes = [{"productId": i.product_id, "quantity": i.quantity, "price": i.price} for i in view.items]
    total = {"totalAmount": view.total_amount, "taxIncluded": view.tax_included}
    raise CartChanged("The total has changed.", facts={**total, **parts, "changes": changes})


def _line(listing: Listing, quantity: int, in_cart: int) -> OrderLine:
    product = listing.product
    return OrderLine(
        product_id=product.product_id, product_name=product.name, quantity=quantity, price=listing.offer.price,
        from_cart=min(quantity, in_cart) or UNSET,
    )  # fmt: skip
