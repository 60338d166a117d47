"""The table's products as records of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chalicelib.aws import db
from chalicelib.core import money
from chalicelib.products import store as product_store
from chalicelib.products.models import Listing
from tools.catalogue.records import PRODUCT_ID

_PAGE_SIZE = 50  # products, of two items each, that one round trip can read


def records(on_progress: Callable[[int], object]) -> list[dict[str, Any]]:
    """Every product that is not deleted, for sale or not, by SKU; stock, price and currency are those of its next sale.

    The lists name the products, so one that was created within the last second or so may be missing. `on_progress`
    hears how many have come so far.
    """
    rows: list[dict[str, Any]] = []
    for listings in _pages():
        rows += [_record(listing) for listing in listings if not listing.product.deleted_at]
        on_progress(len(rows))
    return sorted(rows, key=lambda row: (row["sku"] or "", row.get(PRODUCT_ID, "")))


def _pages() -> Iterator[Iterable[Listing]]:
    everything = product_store.all_products(active=None)
    for products in db.pages(lambda after: product_store.list_page(everything, limit=_PAGE_SIZE, after=after)):
        yield product_store.get_listings((product.product_id for product in products), consistent=True).values()


def _record(listing: Listing) -> dict[str, Any]:
    """A product in the importer's fields, and with its id where no SKU leads to it."""
    product, offer = listing.product, listing.offer
    record = {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "price": str(money.to_decimal(offer.price, offer.currency)),
        "currency": offer.currency,
        "stock": offer.stock,
        "imageUrl": product.image_url,
        "isActive": offer.is_active,
    }
    return record if product.sku else {**record, PRODUCT_ID: product.product_id}
