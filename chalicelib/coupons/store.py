"""Coupons in the table: the terms with the number of uses, and beside them every use and every user's count.

A use is taken in the transaction that writes the order and given back in the one that ends it unpaid. A deleted coupon
keeps its item, so that uses can still be given back and its code never means two things.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.aws import db, keys, rate_limits
from chalicelib.core import clock, ids, settings
from chalicelib.coupons.models import Bearer, Coupon, CouponExists, Presented, is_code

WRONG_CODE = "wrong_coupon"  # the limit
_UNLIMITED = 10**12  # more uses than there will be


def create(coupon: Coupon, *, actor: str) -> db.Write:
    """The write of a new coupon, or `CouponExists`."""
    taken = CouponExists("This code was given to a coupon before; take another.")
    return db.insert(keys.coupon(coupon.code), {**_to_item(coupon), "updatedBy": actor}, otherwise=taken)


def get(code: str) -> Coupon | None:
    """The coupon with that code, up to date."""
    return _existing(db.get(keys.coupon(code), consistent=True) if is_code(code) else None)


def list_page(*, limit: int, after: str | None) -> tuple[list[Coupon], str | None]:
    """A page of all coupons, newest first, one round trip a shard."""
    shards = [keys.coupons(shard) for shard in range(settings.current().index_shards)]
    found = db.query_shards(db.GSI2, shards, limit=limit, after=after)
    return [msgspec.convert(item, Coupon) for item in found.items], found.after


def update(before: Coupon, after: Coupon, *, actor: str) -> db.Write:
    """The write that gives a coupon other terms or deletes it, whatever its uses, or `db.Stale` for older terms."""
    item: dict[str, Any] = {**_to_item(after), "updatedBy": actor}
    del item["uses"]
    names = {f"#{name}": name for name in item}
    kept = {f":{name}": value for name, value in item.items() if value is not None}
    gone = [f"#{name}" for name, value in item.items() if value is None]
    changed = "SET " + ", ".join(f"#{name[1:]} = {name}" for name in kept)
    return db.update(
        keys.coupon(before.code),
        f"{changed} REMOVE {', '.join(gone)}" if gone else changed,
        {**kept, ":was": before.version},
        names=names,
        condition="#version = :was",
        otherwise=db.Stale(before.code),
    )


def get_presented(code: str, by: Bearer) -> Presented:
    """The code in somebody's hand, in one round trip."""
    return presented(db.get_many(presented_keys(code, by), consistent=True), code, by)


def presented_keys(code: str, by: Bearer) -> tuple[keys.Key, ...]:
    """What to read when somebody presents a code."""
    own = (keys.coupon_user(code, by.user_id),) if by.user_id else ()
    return (keys.coupon(code), rate_limits.counter(WRONG_CODE, by.name).key, *own)


def presented(items: Mapping[keys.Key, db.Item], code: str, by: Bearer) -> Presented:
    """The code in somebody's hand, among items that were read by its keys."""
    own = items.get(keys.coupon_user(code, by.user_id)) if by.user_id else None
    wrong = rate_limits.counter(WRONG_CODE, by.name)
    return Presented(
        by=by,
        coupon=_existing(items.get(keys.coupon(code))),
        used=int(own["uses"]) if own else 0,
        may_guess=wrong.left_in(items.get(wrong.key)) > 0,
    )


def reserve(coupon: Coupon, *, order_id: str, user_id: str) -> tuple[db.Write, ...]:
    """The writes that use a coupon for an order; `db.Stale` when it is no longer what it was or used up meanwhile."""
    terms = {":version": coupon.version, ":most": coupon.total_limit or _UNLIMITED}
    use = {"orderId": order_id, "userId": user_id, "createdAt": clock.timestamp()}
    return (
        db.update(
            keys.coupon(coupon.code),
            "SET uses = uses + :one",
            {":one": 1, **terms},
            condition="version = :version AND uses < :most",
            otherwise=db.Stale(coupon.code),
        ),
        _count_for(user_id, coupon),
        db.insert(keys.coupon_use(coupon.code, order_id), use),
    )


def release(code: str, *, order_id: str, user_id: str) -> tuple[db.Write, ...]:
    """The writes that undo an order's use; the use itself goes, so that it happens once whatever is repeated."""
    one_less = "SET uses = uses - :one"
    return (
        db.delete(keys.coupon_use(code, order_id), condition="attribute_exists(PK)"),
        db.update(keys.coupon(code), one_less, {":one": 1}),
        db.update(keys.coupon_user(code, user_id), one_less, {":one": 1}),
    )


def _count_for(user_id: str, coupon: Coupon) -> db.Write:
    return db.update(
        keys.coupon_user(coupon.code, user_id),
        "SET uses = if_not_exists(uses, :zero) + :one",
        {":zero": 0, ":one": 1, ":most": coupon.per_user_limit or _UNLIMITED},
        condition="attribute_not_exists(uses) OR uses < :most",
        otherwise=db.Stale(coupon.code),
    )


def _existing(item: db.Item | None) -> Coupon | None:
    coupon = msgspec.convert(item, Coupon) if item else None
    return None if coupon is None or coupon.is_deleted else coupon


def _to_item(coupon: Coupon) -> dict[str, Any]:
    shard = ids.shard(coupon.code, settings.current().index_shards)
    index = {"GSI2PK": keys.coupons(shard), "GSI2SK": f"{coupon.created_at}#{coupon.code}"}
    listed: dict[str, str | None] = dict.fromkeys(index) if coupon.is_deleted else {**index}
    return {**msgspec.to_builtins(coupon), **listed}
