"""Products in the table: the description, the stock item beside it, and every movement that no order made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.aws import attributes, db, keys
from chalicelib.core import clock, ids, log, settings
from chalicelib.products.models import Listing, Movement, NoSuchProduct, Offer, Product, SkuTaken
from chalicelib.products.schemas import MAX_STOCK, NewMovement

_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class StockAccount:
    """A product's stock, how often it changed, and the sum of its movements; units in orders are not among these."""

    stock: int
    stock_version: int
    moved: int


@dataclass(frozen=True, slots=True)
class Partition:
    """A list of products: the index and the partitions of it that hold them."""

    index: db.Index
    keys: tuple[str, ...]


def create(product: Product, *, actor: str) -> tuple[db.Write, ...]:
    """The three items of a new product: description, stock, and the movement that accounts for its first stock."""
    product_id, offer = product.product_id, msgspec.to_builtins(Listing.first(product).offer)
    offer |= {"productId": product_id, "updatedBy": actor, "updatedAt": product.updated_at}
    taken = SkuTaken(f"There is a product with the SKU {product.sku} already.")
    return (
        db.insert(keys.product(product_id), {**_to_item(product), **_by(actor)}, otherwise=taken),
        db.put(keys.stock(product_id), offer),
        db.put(keys.stock_movement(product_id, keys.FIRST_MOVEMENT), _first_movement(product, actor)),
    )


def update(before: Listing, after: Listing, *, actor: str) -> tuple[db.Write, ...]:
    """The writes that bring a product from one state to another, if nobody changed its description meanwhile.

    A stock that was counted also needs that none was sold since, and leaves a movement.
    """
    product_id, delta = after.product.product_id, after.offer.stock - before.offer.stock
    writes = [_update_description(before, after, actor=actor)]
    if (before.offer, before.product.deleted_at) != (after.offer, after.product.deleted_at):
        writes.append(_set_offer(before, after, actor=actor))
    if delta:
        reason = "created again" if before.product.deleted_at else "stock taking"
        writes.append(_record_movement(Movement.of(product_id, NewMovement(delta=delta, reason=reason), actor=actor)))
    return tuple(writes)


def adjust_stock(movement: Movement) -> tuple[db.Write, ...]:
    """The writes that change the stock by a delta, never below none, and leave a record of it (S4)."""
    low, high = max(0, -movement.delta), MAX_STOCK - max(0, movement.delta)
    bounds = {":low": low, ":high": high}
    condition = "attribute_exists(PK) AND attribute_not_exists(deletedAt) AND stock BETWEEN :low AND :high"
    return _change_stock(movement.product_id, movement.delta, bounds, condition=condition), _record_movement(movement)


def set_image(product_id: str, url: str, *, actor: str) -> db.Write:
    """The write that gives a product another image."""
    return db.update(
        keys.product(product_id),
        "SET imageUrl = :url, updatedAt = :now, updatedBy = :actor, version = version + :one",
        {":url": url, ":now": clock.timestamp(), ":actor": actor, ":one": 1},
        condition="attribute_exists(PK) AND attribute_not_exists(deletedAt)",
        otherwise=NoSuchProduct("There is no such product."),
    )


def list_movements(product_id: str, *, limit: int, after: str | None) -> tuple[list[Movement], str | None]:
    """A page of the changes of a product's stock that no order made, newest first."""
    pk = keys.product(product_id).pk
    page = db.query(db.TABLE, pk, prefix=keys.MOVEMENT_PREFIX, limit=limit, after=after, newest_first=True)
    return [msgspec.convert(item, Movement) for item in page.items], page.after


def listing_keys(product_id: str) -> tuple[keys.Key, ...]:
    """What to read for one listing; nothing for an id that cannot exist."""
    return (keys.product(product_id), keys.stock(product_id)) if ids.is_valid("prd", product_id) else ()


def listing_from(items: Mapping[keys.Key, db.Item], product_id: str) -> Listing | None:
    """The listing among items that were read by its keys."""
    product, stock = items.get(keys.product(product_id)), items.get(keys.stock(product_id))
    if product is None or stock is None:
        return None
    return Listing(product=product_from(product), offer=msgspec.convert(stock, Offer))


def product_from(item: db.Item) -> Product:
    """The product that an item describes."""
    return msgspec.convert(item, Product)


def get_listings(product_ids: Iterable[str], *, consistent: bool = False) -> dict[str, Listing]:
    """The products among those ids, each with its present offer, in one round trip for up to fifty.

    Consistent reads cost twice as much and are for checkout, which must not sell by an old number.
    """
    wanted = list(dict.fromkeys(product_ids))
    items = db.get_many((key for each in wanted for key in listing_keys(each)), consistent=consistent)
    found = {each: listing_from(items, each) for each in wanted}
    return {each: listing for each, listing in found.items() if listing}


def get_account(product_id: str) -> StockAccount | None:
    """What a product's own records say of its stock, all movements of it summed up."""
    pk, stock, moved = keys.product(product_id).pk, None, 0
    for item in db.every(lambda after: db.query(db.TABLE, pk, limit=_PAGE_SIZE, after=after, consistent=True)):
        stock = item if item["SK"] == keys.STOCK_SK else stock
        moved += item["delta"] if item["SK"].startswith(keys.MOVEMENT_PREFIX) else 0
    return StockAccount(stock=stock["stock"], stock_version=stock["stockVersion"], moved=moved) if stock else None


def get_stock_versions(product_ids: Iterable[str]) -> dict[str, int]:
    """How often the stock of those products has changed, as of now."""
    items = db.get_many((keys.stock(each) for each in product_ids), consistent=True)
    return {item["productId"]: item["stockVersion"] for item in items.values()}


def get_many(product_ids: Iterable[str]) -> dict[str, Product]:
    """What those products are, without their exact stock, in one round trip for up to a hundred."""
    items = db.get_many(keys.product(each) for each in product_ids)
    return {item["productId"]: product_from(item) for item in items.values()}


def list_page(partition: Partition, *, limit: int, after: str | None) -> tuple[list[Product], str | None]:
    """A page of products, newest first, each once, one round trip a partition."""
    found = db.query_shards(partition.index, partition.keys, limit=limit, after=after)
    return [product_from(item) for item in found.items], found.after


def all_products(*, active: bool | None = True) -> Partition:
    """The products that are for sale, or those that are not, or all that are not deleted."""
    shards = range(settings.current().index_shards)
    for_sale = [keys.catalogue(shard) for shard in shards] if active is not False else []
    others = [keys.shelf(shard) for shard in shards] if not active else []
    # What is put up for sale or taken down between the reads is in one of them, because the first is read again.
    again = others if for_sale else []
    return Partition(db.GSI2, (*others, *for_sale, *again))


def in_category(category: str) -> Partition:
    """The products for sale of one category."""
    return Partition(db.GSI1, (keys.category(category),))


def position(product: Product) -> str:
    """Where a product stands in the lists."""
    return f"{product.created_at}#{product.product_id}"


def reserve(product_id: str, quantity: int, *, price: int, currency: str) -> db.Write:
    """The write that takes units off the shelf, unless fewer are left or the price or sale has changed (C3)."""
    wanted = {":quantity": quantity, ":price": price, ":currency": currency, ":true": True}
    condition = "stock >= :quantity AND price = :price AND currency = :currency AND isActive = :true"
    return _change_stock(product_id, -quantity, wanted, condition=condition)


def release(product_id: str, quantity: int) -> db.Write:
    """The write that puts units back on the shelf; the commit's other writes make it happen once."""
    return _change_stock(product_id, quantity)


def update_shown_stock(product_id: str, *, stock: int, version: int) -> db.Write:
    """The write that brings the number in lists up to a version of the stock item, never back to an older one."""
    return db.update(
        keys.product(product_id),
        "SET stock = :stock, stockVersion = :version",
        {":stock": stock, ":version": version},
        condition="attribute_exists(PK) AND (attribute_not_exists(stockVersion) OR stockVersion < :version)",
    )


def _update_description(before: Listing, after: Listing, *, actor: str) -> db.Write:
    """The write of a product's description, with the number in lists where it was counted."""
    changes = _to_item(after.product) | {"stock": after.offer.stock, "stockVersion": after.offer.stock_version}
    if not _is_counted(before, after):
        changes = {name: value for name, value in changes.items() if name not in ("stock", "stockVersion")}
    gone = "attribute_exists(deletedAt)" if before.product.deleted_at else "attribute_not_exists(deletedAt)"
    expression, values, names = attributes.assignment({**changes, **_by(actor)})
    return db.update(
        keys.product(after.product.product_id),
        expression,
        {**values, ":before": before.product.version},
        names=names,
        condition=f"#version = :before AND {gone}",
    )


def _set_offer(before: Listing, after: Listing, *, actor: str) -> db.Write:
    """The write of what a sale needs to know; units that were not counted stay as they are."""
    product, offer = after.product, msgspec.to_builtins(after.offer)
    offer |= {"deletedAt": product.deleted_at, "updatedBy": actor, "updatedAt": product.updated_at}
    condition, seen = "attribute_exists(PK)", {}
    if _is_counted(before, after):
        condition, seen = "#stockVersion = :seen", {":seen": before.offer.stock_version}
    else:
        offer = {name: value for name, value in offer.items() if name not in ("stock", "stockVersion")}
    expression, values, names = attributes.assignment(offer)
    key = keys.stock(product.product_id)
    return db.update(key, expression, {**values, **seen}, names=names, condition=condition)


def _change_stock(
    product_id: str, delta: int, values: Mapping[str, Any] | None = None, *, condition: str = "attribute_exists(PK)"
) -> db.Write:
    """The write that puts units on the shelf or takes them off, counted and dated."""
    moved = "SET stock = stock + :delta, stockVersion = stockVersion + :one, updatedAt = :now"
    bound = {":delta": delta, ":one": 1, ":now": clock.timestamp(), **(values or {})}
    return db.update(keys.stock(product_id), moved, bound, condition=condition)


def _by(actor: str) -> dict[str, str | None]:
    """Who wrote it, and the request that led to it."""
    return {"updatedBy": actor, "correlationId": log.correlation_id()}


def _is_counted(before: Listing, after: Listing) -> bool:
    return before.offer.stock_version != after.offer.stock_version


def _first_movement(product: Product, actor: str) -> dict[str, Any]:
    movement = Movement(
        movement_id=keys.FIRST_MOVEMENT,
        product_id=product.product_id,
        delta=product.stock,
        reason="initial stock",
        updated_by=actor,
        created_at=product.created_at,
    )
    return dict(msgspec.to_builtins(movement))


def _record_movement(movement: Movement) -> db.Write:
    key = keys.stock_movement(movement.product_id, movement.movement_id)
    return db.insert(key, msgspec.to_builtins(movement))


def _to_item(product: Product) -> dict[str, Any]:
    return {**msgspec.to_builtins(product), **_index(product)}


def _index(product: Product) -> dict[str, str | None]:
    """The places of a product in the lists, None where it has none."""
    shard, place = ids.shard(product.product_id, settings.current().index_shards), position(product)
    shelf = keys.catalogue(shard) if product.is_active else keys.shelf(shard)
    listed, browsed = product.deleted_at is None, product.is_active and product.deleted_at is None
    return {
        "GSI1PK": keys.category(product.category) if browsed else None,
        "GSI1SK": place if browsed else None,
        "GSI2PK": shelf if listed else None,
        "GSI2SK": place if listed else None,
    }
