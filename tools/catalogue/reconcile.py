"""What has to be written so that the table says what a line says, and keeps what only the table can know.

The units left are the table's: they are set when a product is new and never again, so that a repeat brings no sold
unit back. So is the time of creation. What the file leaves out (description, currency, image, whether it is for sale)
stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.aws import attributes, db, keys
from chalicelib.aws.keys import Key
from chalicelib.core import settings
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from tools.catalogue.lines import CatalogueLine

ACTOR = "catalogue-import"

_LEFT_ALONE = {"PK", "SK", "stock", "stockVersion", "createdAt", "updatedAt", "updatedBy", "version"}
_REMOVABLE = ("deletedAt", "imageUrl", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK")
_STAMPS = ("updatedAt", "updatedBy")
_OPTIONAL = {"description": "description", "imageUrl": "image_url", "isActive": "is_active"}


def product_keys(product_id: str) -> tuple[Key, Key, Key]:
    """The items of a product, in the order of `store.create`."""
    return keys.product(product_id), keys.stock(product_id), keys.stock_movement(product_id, keys.FIRST_MOVEMENT)


def writes(line: CatalogueLine, items: Mapping[Key, db.Item]) -> tuple[db.Write, ...]:
    """The writes for a product of which some items exist; none when it is as the file says.

    What is missing after an interrupted run is inserted, what exists is changed in part: never is an item replaced
    that a sale may be changing. Raises `Invalid` when the price does not fit the product's currency (F4).
    """
    about, stock, movement = product_keys(line.product_id)
    product = _merged(line, items)
    wanted = {
        key: attributes.plain_item(write.request["Item"])
        for key, write in zip((about, stock, movement), product_store.create(product, actor=ACTOR), strict=True)
    }
    inserts = tuple(db.insert(key, item) for key, item in wanted.items() if key not in items)
    changes = [change for key in (about, stock) if key in items if (change := _change(key, items[key], wanted[key]))]
    return (*inserts, *changes, *_hold_description(items.get(about), changes, about))


def _hold_description(item: db.Item | None, changes: list[db.Write], about: Key) -> tuple[db.Write, ...]:
    """What holds a change of the offer alone to the description that was read beside it, perhaps a moment before."""
    if item is None or len(changes) != 1 or changes[0].request.get("Key", {}).get("SK", {}).get("S") == about.sk:
        return ()
    changed = db.Stale(str(about))
    return (db.check(about, "version = :version", {":version": item["version"]}, otherwise=changed),)


def new_product(line: CatalogueLine) -> Product:
    """The product that a line makes where there was none; `Invalid` when its price does not fit its currency."""
    return line.product(currency=settings.current().default_currency)


def _merged(line: CatalogueLine, items: Mapping[Key, db.Item]) -> Product:
    """The line's product with what is known of it in the table."""
    about, stock, movement = (items.get(key) for key in product_keys(line.product_id))
    existing = msgspec.convert(about, Product) if about and "deletedAt" not in about else None
    made = line.product(currency=existing.currency) if existing else new_product(line)
    known: dict[str, Any] = {
        "created_at": (about or movement or {}).get("createdAt", made.created_at),
        "stock": _units(made.stock, about, stock, movement),
    }
    if about:
        known["sku"] = about.get("sku")  # which is final
    if existing:
        known |= {own: getattr(existing, own) for name, own in _OPTIONAL.items() if name not in line.given}
    return msgspec.structs.replace(made, **known)


def _units(initial: int, about: db.Item | None, stock: db.Item | None, movement: db.Item | None) -> int:
    """The units that a missing item is to speak of: what another of the product's items says, else the file."""
    said = [(stock or {}).get("stock"), (movement or {}).get("delta"), (about or {}).get("stock")]
    return next((units for units in said if units is not None), initial)


def _change(key: Key, present: db.Item, wanted: db.Item) -> db.Write | None:
    """The partial update that makes `present` say what `wanted` says, or None when it does."""
    changed = {name: value for name, value in wanted.items() if name not in _LEFT_ALONE and present.get(name) != value}
    gone = [name for name in _REMOVABLE if name in present and name not in wanted]
    if not changed and not gone:
        return None
    changed |= {name: wanted[name] for name in _STAMPS if name in wanted} | dict.fromkeys(gone)
    if "version" not in present:
        expression, values, names = attributes.assignment(changed)
        return db.update(key, expression, values, names=names)
    before = {":before": present["version"]}
    expression, values, names = attributes.assignment({**changed, "version": present["version"] + 1})
    return db.update(key, expression, {**values, **before}, names=names, condition="#version = :before")
