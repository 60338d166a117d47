"""Carts in the table: one item a cart, its lines a map by product, so that one write changes a line and the expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.aws import db, keys
from chalicelib.aws.rate_limits import UNLIMITED, Use
from chalicelib.cart.models import MAX_PRODUCTS, Cart, CartLine, Merge, NotInCart, Owner
from chalicelib.core import clock
from chalicelib.products import store as product_store
from chalicelib.products.models import Listing

# What keeps two products of different currencies from being added at once.
_ONE_CURRENCY = "(currency = :currency OR size(#lines) = :zero)"
_UNCHANGED = "size(#lines) = :size"
_MAX_RESTORED = 2 * MAX_PRODUCTS  # a cart may be over the limit for a while, but not without bound
_TOUCH = "updatedAt = :now, expiresAt = :expiry"


def get(owner: Owner) -> Cart:
    """The owner's cart; an absent or expired one is empty."""
    return from_item(owner, db.get(owner.key, consistent=True))


def get_with_listing(owner: Owner, product_id: str, use: Use = UNLIMITED) -> tuple[Cart, Listing | None]:
    """The cart and one product, in one round trip, if `use` has something left."""
    items = db.get_many([owner.key, *product_store.listing_keys(product_id), *use.to_read], consistent=True)
    use.require(items)
    return from_item(owner, items.get(owner.key)), product_store.listing_from(items, product_id)


def get_both(user: Owner, guest: Owner) -> tuple[Cart, Cart]:
    """A user's cart and a guest's, in one round trip."""
    items = db.get_many([user.key, guest.key], consistent=True)
    return from_item(user, items.get(user.key)), from_item(guest, items.get(guest.key))


def merge(user: Cart, guest: Cart, result: Merge) -> tuple[db.Write, db.Write]:
    """The writes that take lines over from a guest, if both carts are as they were read (K2)."""
    into = _set_lines(user, result.taken) if user.exists else _create(user.owner, *result.taken)
    ids, quantities = _as_read(guest, guest.lines.values())
    condition = f"{_UNCHANGED} AND " + " AND ".join(f"#lines.#p{i}.quantity = :q{i}" for i in range(len(quantities)))
    names = {"#lines": "lines", **ids}
    values: dict[str, Any] = {**quantities, ":size": len(guest.lines)}
    if not result.left:
        return into, db.delete(guest.owner.key, condition=condition, values=values, names=names)
    left = {product_id: msgspec.to_builtins(line) for product_id, line in result.left.items()}
    values |= {":left": left, **_touch(guest.owner)}
    return into, db.update(guest.owner.key, f"SET #lines = :left, {_TOUCH}", values, names=names, condition=condition)


def set_line(cart: Cart, line: CartLine) -> db.Write:
    """The write that sets one line, provided that this line has not changed since the cart was read."""
    if not cart.exists:
        return _create(cart.owner, line)
    before = cart.quantity_of(line.product_id)
    unchanged = f"{_ONE_CURRENCY} AND #lines.#id.quantity = :before"
    absent = f"{_ONE_CURRENCY} AND attribute_not_exists(#lines.#id) AND size(#lines) < :most"
    guard = {":before": before} if before else {":most": MAX_PRODUCTS}
    money = {":currency": line.currency, ":zero": 0}
    return db.update(
        cart.owner.key,
        f"SET #lines.#id = :line, currency = :currency, {_TOUCH}",
        {":line": msgspec.to_builtins(line), **money, **guard, **_touch(cart.owner)},
        names={"#lines": "lines", "#id": line.product_id},
        condition=unchanged if before else absent,
    )


def remove_line(owner: Owner, product_id: str) -> db.Write:
    """The write that removes a line, or `NotInCart`."""
    return db.update(
        owner.key,
        f"SET {_TOUCH} REMOVE #lines.#id",
        {**_touch(owner), ":epoch": clock.epoch()},
        names={"#lines": "lines", "#id": product_id},
        condition="attribute_exists(#lines.#id) AND expiresAt > :epoch",
        otherwise=NotInCart("The cart holds no such item."),
    )


def clear(owner: Owner) -> db.Write:
    """The write that empties a cart; its token stays good."""
    values = {":none": {}, **_touch(owner)}
    return db.update(owner.key, f"SET #lines = :none, {_TOUCH}", values, names={"#lines": "lines"})


def delete(user_id: str) -> db.Write:
    """The write that takes a user's whole cart away."""
    return db.delete(keys.user_cart(user_id))


def remove_ordered(user_id: str, units: Mapping[str, int], *, before: Mapping[str, int]) -> tuple[db.Write, ...]:
    """The write that takes ordered units out of a user's cart, provided that none of these lines has changed (C3).

    `before` is how many of each product the cart holds; a line that held more keeps the rest. No units, no write.
    """
    if not units:
        return ()
    owner = Owner(key=keys.user_cart(user_id))
    ids = {f"#p{i}": product_id for i, product_id in enumerate(units)}
    held = {f":q{i}": before[product_id] for i, product_id in enumerate(units)}
    left = {f":r{i}": before[name] - count for i, (name, count) in enumerate(units.items()) if before[name] > count}
    kept = "".join(f", #lines.#p{i}.quantity = :r{i}" for i in range(len(ids)) if f":r{i}" in left)
    gone = ", ".join(f"#lines.#p{i}" for i in range(len(ids)) if f":r{i}" not in left)
    changed = f"SET {_TOUCH}{kept}" + (f" REMOVE {gone}" if gone else "")
    unchanged = " AND ".join(f"#lines.#p{i}.quantity = :q{i}" for i in range(len(ids)))
    values = {**held, **left, **_touch(owner)}
    return (db.update(owner.key, changed, values, names={"#lines": "lines", **ids}, condition=unchanged),)


def record_reminder(owner: Owner, *, updated_at: str, reminded_at: str | None) -> db.Write:
    """The write that notes that an owner is reminded of a cart, if it is as it was then; this is no touch of it."""
    unchanged = "remindedAt = :was" if reminded_at else "attribute_not_exists(remindedAt)"
    values = {":now": clock.timestamp(), ":updated": updated_at, **({":was": reminded_at} if reminded_at else {})}
    condition = f"updatedAt = :updated AND {unchanged}"
    return db.update(owner.key, "SET remindedAt = :now", values, condition=condition)


def restore_lines(cart: Cart, returned: Iterable[CartLine]) -> db.Write | None:
    """The write that adds the lines of a failed order to what the cart holds by now (C7), if it can hold them.

    None when the cart is gone, too full, or holds another currency; `db.Stale` when a line changed meanwhile.
    """
    lines = [cart.with_restored(line) for line in returned]
    fits = len({*cart.lines, *(line.product_id for line in lines)}) <= _MAX_RESTORED
    if not cart.exists or not fits or not all(cart.accepts(line.currency) for line in lines):
        return None
    return _set_lines(cart, lines)


def _set_lines(cart: Cart, lines: Sequence[CartLine]) -> db.Write:
    """The write that sets several lines, if these and the number of lines are as they were read."""
    names, quantities = _as_read(cart, lines)
    conditions = [
        f"#lines.#p{i}.quantity = :q{i}" if f":q{i}" in quantities else f"attribute_not_exists(#lines.#p{i})"
        for i in range(len(lines))
    ]
    wanted = {f":l{i}": msgspec.to_builtins(line) for i, line in enumerate(lines)}
    money = {":currency": lines[0].currency, ":zero": 0, ":size": len(cart.lines)}
    return db.update(
        cart.owner.key,
        "SET " + ", ".join(f"#lines.#p{i} = :l{i}" for i in range(len(lines))) + f", currency = :currency, {_TOUCH}",
        {**money, **wanted, **quantities, **_touch(cart.owner)},
        names={"#lines": "lines", **names},
        condition=" AND ".join([_ONE_CURRENCY, _UNCHANGED, *conditions]),
    )


def _as_read(cart: Cart, lines: Iterable[CartLine]) -> tuple[dict[str, str], dict[str, int]]:
    """The names of lines by number, and how many there were of each that was there."""
    names = {f"#p{i}": line.product_id for i, line in enumerate(lines)}
    before = {f":q{i}": cart.quantity_of(product_id) for i, product_id in enumerate(names.values())}
    return names, {name: quantity for name, quantity in before.items() if quantity}


def _create(owner: Owner, *lines: CartLine) -> db.Write:
    touch = _touch(owner)
    by_product = {line.product_id: msgspec.to_builtins(line) for line in lines}
    item = {"lines": by_product, "currency": lines[0].currency, "updatedAt": touch[":now"]}
    free = "attribute_not_exists(PK) OR expiresAt <= :epoch"
    return db.put(owner.key, {**item, "expiresAt": touch[":expiry"]}, condition=free, values={":epoch": clock.epoch()})


def _touch(owner: Owner) -> dict[str, Any]:
    return {":now": clock.timestamp(), ":expiry": clock.epoch() + int(owner.lifetime.total_seconds())}


def from_item(owner: Owner, item: db.Item | None) -> Cart:
    """The cart that an item is; an absent or expired one is empty."""
    if item is None or item["expiresAt"] <= clock.epoch():
        return Cart(owner=owner, lines={}, exists=False)
    lines = sorted((msgspec.convert(line, CartLine) for line in item["lines"].values()), key=lambda line: line.added_at)
    return Cart(owner=owner, lines={line.product_id: line for line in lines}, exists=True)
