"""What can be done with the catalogue."""

from __future__ import annotations

from chalicelib import db, log
from chalicelib.access import Principal
from chalicelib.idempotency import Claim
from chalicelib.products import store
from chalicelib.products.models import LONGEST_CATEGORY, NewProduct, NoSuchProduct, Product, ProductView


def create(new: NewProduct, *, actor: Principal, claim: Claim) -> ProductView:
    """Put a product into the catalogue together with its first stock."""
    product = Product.create(new)
    db.commit(*store.writes_for(product, actor=actor.user_id), *claim.receipt(product.view()))
    log.info("PRODUCT_CREATED", productId=product.product_id)
    return product.view()


def get(product_id: str) -> ProductView:
    """A product that is for sale, with its exact stock, in one round trip."""
    listing = store.listings([product_id]).get(product_id)
    if listing is None or not listing.is_for_sale:
        raise NoSuchProduct("There is no such product.")
    return listing.product.view(listing.offer.stock)


def page(*, size: int, after: str | None, category: str | None = None) -> tuple[list[ProductView], str | None]:
    """Products for sale, newest first, of one category or of all, in one round trip a shard."""
    if category is not None and len(category) > LONGEST_CATEGORY:
        return [], None
    if category is None:
        products, following = store.newest(limit=size, after=after)
    else:
        products, following = store.in_category(category, limit=size, after=after)
    return [product.view() for product in products], following
