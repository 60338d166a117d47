"""Products in the table: the description, the stock item beside it, and every movement that no order made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from chalicelib import db, ids, keys, settings
from chalicelib.products.models import Listing, Offer, Product


def writes_for(product: Product, *, actor: str) -> tuple[db.Write, ...]:
    """The three items of a new product: description, stock, and the movement that accounts for its first stock."""
    product_id = product.product_id
    offer = {"stock": product.stock, "price": product.price, "currency": product.currency}
    state = {"productId": product_id, "isActive": product.is_active, "stockVersion": 0, "updatedBy": actor}
    movement = {"productId": product_id, "delta": product.stock, "reason": "initial stock", "updatedBy": actor}
    return (
        db.put(keys.product(product_id), {**_to_item(product), "updatedBy": actor}),
        db.put(keys.stock(product_id), {**offer, **state}),
        db.put(keys.stock_movement(product_id, "initial"), {**movement, "createdAt": product.created_at}),
    )


def listing_keys(product_id: str) -> tuple[keys.Key, ...]:
    """What to read for one listing; nothing for an id that cannot exist."""
    return (keys.product(product_id), keys.stock(product_id)) if ids.valid("prd", product_id) else ()


def listing_from(items: Mapping[keys.Key, db.Item], product_id: str) -> Listing | None:
    """The listing among items that were read by its keys."""
    product, stock = items.get(keys.product(product_id)), items.get(keys.stock(product_id))
    if product is None or stock is None:
        return None
    return Listing(product=msgspec.convert(product, Product), offer=msgspec.convert(stock, Offer))


def listings(product_ids: Iterable[str], *, consistent: bool = False) -> dict[str, Listing]:
    """The products among those ids, each with its present offer, in one round trip for up to fifty.

    Consistent reads cost twice as much and are for checkout, which must not sell by an old number.
    """
    wanted = list(dict.fromkeys(product_ids))
    items = db.get_many((key for each in wanted for key in listing_keys(each)), consistent=consistent)
    found = {each: listing_from(items, each) for each in wanted}
    return {each: listing for each, listing in found.items() if listing}


def newest(*, limit: int, after: str | None) -> tuple[list[Product], str | None]:
    """A page of everything for sale, newest first."""
    shards = [keys.catalogue(shard) for shard in range(settings.current().index_shards)]
    return _products(db.query_shards(db.GSI2, shards, limit=limit, after=after))


def in_category(category: str, *, limit: int, after: str | None) -> tuple[list[Product], str | None]:
    """A page of one category, newest first."""
    return _products(db.query(db.GSI1, keys.category(category), limit=limit, after=after, newest_first=True))


def take(product_id: str, quantity: int, *, price: int, currency: str) -> db.Write:
    """The write that takes units off the shelf, unless fewer are left or the price or sale has changed (C3)."""
    return db.update(
        keys.stock(product_id),
        "SET stock = stock - :quantity, stockVersion = stockVersion + :one",
        {":quantity": quantity, ":one": 1, ":price": price, ":currency": currency, ":true": True},
        condition="stock >= :quantity AND price = :price AND currency = :currency AND isActive = :true",
    )


def give_back(product_id: str, quantity: int) -> db.Write:
    """The write that puts units back on the shelf; the commit's other writes make it happen once."""
    changed = "SET stock = stock + :quantity, stockVersion = stockVersion + :one"
    return db.update(keys.stock(product_id), changed, {":quantity": quantity, ":one": 1})


def show_stock(product_id: str, *, stock: int, version: int) -> db.Write:
    """The write that brings the number in lists up to a version of the stock item, never back to an older one."""
    return db.update(
        keys.product(product_id),
        "SET stock = :stock, stockVersion = :version",
        {":stock": stock, ":version": version},
        condition="attribute_exists(PK) AND (attribute_not_exists(stockVersion) OR stockVersion < :version)",
    )


def _products(page: db.Page) -> tuple[list[Product], str | None]:
    return [msgspec.convert(item, Product) for item in page.items], page.after


def _to_item(product: Product) -> dict[str, Any]:
    return {**msgspec.to_builtins(product), **(_index(product) if product.is_active else {})}


def _index(product: Product) -> dict[str, str]:
    shard = ids.shard(product.product_id, settings.current().index_shards)
    return {
        "GSI1PK": keys.category(product.category),
        "GSI1SK": f"{product.created_at}#{product.product_id}",
        "GSI2PK": keys.catalogue(shard),
        "GSI2SK": f"{product.created_at}#{product.product_id}",
    }
