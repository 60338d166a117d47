"""What can be done with a cart."""

from __future__ import annotations

from msgspec import UNSET

from chalicelib.api.idempotency import Claim
from chalicelib.auth.views import LoginView
from chalicelib.aws import db, keys
from chalicelib.aws.rate_limits import UNLIMITED, Use
from chalicelib.cart import store
from chalicelib.cart.models import Cart, NoSuchCart, NotInCart, Owner
from chalicelib.cart.schemas import NewLine
from chalicelib.cart.views import CartView, LineView, LoginWithCartView, MergeView, cart_view, line_view
from chalicelib.core import ids, log, settings
from chalicelib.core.errors import Unavailable
from chalicelib.core.principal import Principal
from chalicelib.products import store as product_store
from chalicelib.products.models import Listing, NoSuchProduct


def owner(principal: Principal | None, token: str | None) -> Owner:
    """Whose cart a request means: the user's, the token holder's, or a new guest's."""
    if principal:
        return of_user(principal.user_id)
    secret = token or ids.secret()
    return Owner(key=keys.guest_cart(ids.digest(secret)), token=secret, is_new=token is None)


def of_user(user_id: str) -> Owner:
    """The owner of a user's cart."""
    return Owner(key=keys.user_cart(user_id))


def get(whose: Owner) -> CartView:
    """The cart at present prices, in two round trips however many lines it has."""
    cart = _existing(store.get(whose))
    listings, currency = product_store.get_listings(cart.lines), settings.current().default_currency
    return cart_view(list(cart.lines.values()), listings, default_currency=currency)


def add_item(new: NewLine, whose: Owner, claim: Claim, use: Use = UNLIMITED) -> LineView:
    """Put a product into the cart, on top of what is there of it; two round trips. `use` counts it."""

    def attempt() -> LineView:
        cart, found = store.get_with_listing(whose, new.product_id, use)
        listing = _for_sale(found)
        line = _existing(cart).with_more(listing, new.quantity)
        view = line_view(line, listing)
        # A new guest's token is only in the first answer's header, so that answer must not be replayed without it.
        db.commit(store.set_line(cart, line), *use.writes(), *(() if whose.is_new else claim.record(view)))
        return view

    view = db.retry_on_conflict(attempt)
    log.info("CART_ITEM_ADDED", productId=new.product_id, quantity=new.quantity)
    log.metric("CartItemAdded")
    return view


def update_item(product_id: str, quantity: int, whose: Owner) -> LineView | None:
    """Set the quantity of a line; 0 removes it and gives None (K3), once and again."""
    if quantity == 0:
        _leave_out(product_id, whose)
        return None

    def attempt() -> LineView:
        cart, found = store.get_with_listing(whose, product_id)
        _existing(cart).line(product_id)
        listing = _for_sale(found)
        line = cart.with_exactly(listing, quantity)
        db.commit(store.set_line(cart, line))
        return line_view(line, listing)

    return db.retry_on_conflict(attempt)


def remove_item(product_id: str, whose: Owner) -> None:
    """Take a product out of the cart, or raise `NotInCart`."""
    db.commit(store.remove_line(whose, product_id))


def clear(whose: Owner) -> None:
    """Empty the cart; emptying an empty one changes nothing."""
    if _existing(store.get(whose)).exists:
        db.commit(store.clear(whose))


def merge_at_login(login: LoginView, token: str | None) -> LoginWithCartView:
    """Take the cart of a guest who has logged in over into the user's, and say what could not be (K2).

    Doing it again changes nothing, for what was taken over is no longer in the guest's cart. A token of no cart is
    passed over, and so is a table that is too busy: the cart comes along at the next login.
    """
    alone = LoginWithCartView.of(login, cart=UNSET)
    if token is None:
        return alone
    user, guest = of_user(login.user.user_id), owner(None, token)
    try:
        return LoginWithCartView.of(login, cart=db.retry_on_conflict(lambda: _merge(user, guest)))
    except Unavailable:
        log.warning("CART_NOT_MERGED")
        return alone


def _merge(user: Owner, guest: Owner) -> MergeView:
    mine, theirs = store.get_both(user, guest)
    merge = mine.merged(theirs)
    if merge.taken:
        db.commit(*store.merge(mine, theirs, merge))
        log.info("CART_MERGED", lines=len(merge.taken))
    return MergeView(merged=len(merge.taken), changes=merge.changes)


def _leave_out(product_id: str, whose: Owner) -> None:
    """See to it that the cart does not hold a product, as whoever got no answer asks once more."""
    try:
        remove_item(product_id, whose)
    except NotInCart:
        _existing(store.get(whose))


def _existing(cart: Cart) -> Cart:
    """The cart, unless a token was given that belongs to none (K1)."""
    if cart.owner.token and not cart.owner.is_new and not cart.exists:
        raise NoSuchCart("No cart belongs to this X-Cart-Token, or it has expired; go on without the header.")
    return cart


def _for_sale(listing: Listing | None) -> Listing:
    if listing is None or not listing.is_for_sale:
        raise NoSuchProduct("There is no such product, or it is no longer for sale.")
    return listing
