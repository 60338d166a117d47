"""What can be done with the catalogue."""

from __future__ import annotations

from msgspec import UnsetType

from chalicelib.api.idempotency import Claim
from chalicelib.aws import db
from chalicelib.core import ids, log, settings
from chalicelib.core.errors import invalid
from chalicelib.core.principal import Principal
from chalicelib.products import browsing, search, store
from chalicelib.products.browsing import Selection
from chalicelib.products.models import (
    InsufficientStock,
    Listing,
    Movement,
    NoSuchProduct,
    Product,
    Shortage,
    SkuTaken,
)
from chalicelib.products.schemas import (
    MAX_CATEGORY_LENGTH,
    MAX_STOCK,
    CategoryQuery,
    NewMovement,
    NewProduct,
    ProductChange,
)
from chalicelib.products.views import CategoryView, MovementView, ProductView, listing_view, movement_view, product_view


def create(new: NewProduct, *, actor: Principal, claim: Claim) -> Listing:
    """Put a product into the catalogue together with its first stock, or raise `SkuTaken`.

    A deleted product of that SKU comes back as a new one under its old id, which past orders know.
    """

    def attempt() -> Listing:
        product = Product.create(new, default_currency=settings.current().default_currency)
        before = _find(product.product_id) if product.sku else None
        if before and not before.product.deleted_at:
            raise SkuTaken(f"There is a product with the SKU {product.sku} already.")
        created = before.again(product) if before else Listing.first(product)
        known = store.update(before, created, actor=actor.user_id) if before else ()
        db.commit(*(known or store.create(product, actor=actor.user_id)), *claim.record(listing_view(created)))
        return created

    created = db.retry_on_conflict(attempt)
    log.info("PRODUCT_CREATED", productId=created.product.product_id)
    return created


def get(product_id: str) -> Listing:
    """A product that is for sale, with its exact stock, in one round trip."""
    listing = get_managed(product_id)
    if not listing.is_for_sale:
        raise NoSuchProduct("There is no such product.")
    return listing


def get_managed(product_id: str) -> Listing:
    """A product as its admins see it: also one that is not for sale, but none that was deleted."""
    return _existing(store.get_listings([product_id]).get(product_id))


def update(product_id: str, change: ProductChange, *, actor: Principal, if_match: str | None) -> Listing:
    """Change what describes a product, its price and sale, or its stock as it was counted.

    Raises `ProductChanged` when the caller's copy is out of date, `PreconditionRequired` when a stock comes without
    the copy that it was counted from.
    """

    def attempt() -> Listing:
        before = _existing(_find(product_id))
        before.require_copy(if_match, with_stock=not isinstance(change.stock, UnsetType))
        after = before.changed(change)
        if after.is_same_as(before):
            return before
        db.commit(*store.update(before, after, actor=actor.user_id))
        return after

    after = db.retry_on_conflict(attempt)
    log.info("PRODUCT_CHANGED", productId=product_id)
    return after


def delete(product_id: str, *, actor: Principal, if_match: str | None) -> None:
    """Take a product out of the catalogue for good; orders keep their copies of it."""

    def attempt() -> None:
        before = _existing(_find(product_id))
        before.require_copy(if_match, with_stock=False)
        db.commit(*store.update(before, before.deleted(), actor=actor.user_id))

    db.retry_on_conflict(attempt)
    log.info("PRODUCT_DELETED", productId=product_id)


def adjust_stock(product_id: str, new: NewMovement, *, actor: Principal, claim: Claim) -> MovementView:
    """Add or take units by a delta with a reason, or raise `InsufficientStock` (S4)."""
    if new.delta == 0:
        raise invalid("delta", "out_of_range", "Must not be 0.")
    if not ids.is_valid("prd", product_id):
        raise NoSuchProduct("There is no such product.")
    movement = Movement.of(product_id, new, actor=actor.user_id)

    def attempt() -> None:
        try:
            db.commit(*claim.record(movement_view(movement)), *store.adjust_stock(movement))
        except db.Stale:
            _refuse_impossible(product_id, new)
            raise

    db.retry_on_conflict(attempt)
    log.info("STOCK_ADJUSTED", productId=product_id, delta=new.delta)
    return movement_view(movement)


def list_movements(product_id: str, *, limit: int, after: str | None) -> tuple[list[MovementView], str | None]:
    """The changes of a product's stock that no order made, newest first."""
    get_managed(product_id)
    found, following = store.list_movements(product_id, limit=limit, after=after)
    return [movement_view(movement) for movement in found], following


def list_page(
    query: CategoryQuery, after: str | None, *, category: str | None = None, active: bool | None = True
) -> tuple[list[ProductView], str | None]:
    """Products newest first, or those that a search finds; `active` is None for all, for sale or not."""
    if category is not None and len(category) > MAX_CATEGORY_LENGTH:
        return [], None
    prices = query.prices(default_currency=settings.current().default_currency)
    selection = Selection(sku=query.sku, category=category, prices=prices, in_stock=query.in_stock, active=active)
    products, following = browsing.find_page(selection, query.q, limit=query.limit, after=after)
    return [product_view(product) for product in products], following


def list_categories(*, limit: int, after: str | None) -> tuple[list[CategoryView], str | None]:
    """The categories that have products for sale, by name, with how many."""
    return search.list_categories(limit=limit, after=after)


def _find(product_id: str) -> Listing | None:
    return store.get_listings([product_id], consistent=True).get(product_id)


def _existing(listing: Listing | None) -> Listing:
    if listing is None or listing.product.deleted_at:
        raise NoSuchProduct("There is no such product.")
    return listing


def _refuse_impossible(product_id: str, new: NewMovement) -> None:
    """Raise what stands in the way of an adjustment; return if nothing does any more."""
    available = _existing(_find(product_id)).offer.stock
    if available + new.delta < 0:
        raise InsufficientStock.of(Shortage("delta", product_id, -new.delta, available))
    if available + new.delta > MAX_STOCK:
        raise invalid("delta", "out_of_range", "That is more than a product can have in stock.")
