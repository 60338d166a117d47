"""The table's products as records of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chalicelib import attributes, keys, money, settings, transport
from chalicelib.products import store
from chalicelib.products.models import Listing
from tools.catalogue import identity
from tools.catalogue.files import PRODUCT_ID


def records(on_progress: Callable[[int], object]) -> list[dict[str, Any]]:
    """Every product, for sale or not, by SKU; stock, price and currency are those of its next sale.

    This walks the whole table, orders included: the indexes hold only what is for sale, and an export that forgets
    the rest would not bring the shop back. `on_progress` hears how many items have come so far.
    """
    items: dict[keys.Key, dict[str, Any]] = {}
    for page in _pages():
        items.update({keys.Key(item["PK"], item["SK"]): item for item in page})
        on_progress(len(items))
    product_ids = {item["productId"] for item in items.values()}
    listings = (store.listing_from(items, product_id) for product_id in product_ids)
    rows = [_record(listing) for listing in listings if listing]
    return sorted(rows, key=lambda row: (row["sku"] or "", row.get(PRODUCT_ID, "")))


def _record(listing: Listing) -> dict[str, Any]:
    """A product in the importer's fields, and under its own id unless its SKU leads there."""
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
    led_to = identity.product_id(product.sku) if product.sku else None
    return record if led_to == product.product_id else {**record, PRODUCT_ID: product.product_id}


def _pages() -> Iterator[list[dict[str, Any]]]:
    """The description and stock items, a megabyte of the table at a time."""
    values = {":prefix": "PRODUCT#", ":about": keys.product("").sk, ":stock": keys.STOCK_SK}
    request: dict[str, Any] = {
        "TableName": settings.current().table_name,
        "FilterExpression": "begins_with(PK, :prefix) AND SK IN (:about, :stock)",
        "ExpressionAttributeValues": attributes.wire_item(values),
        "ConsistentRead": True,
    }
    while request.get("ExclusiveStartKey", True):
        answer = transport.call("scan", **request)
        yield [attributes.plain_item(item) for item in answer["Items"]]
        request["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
