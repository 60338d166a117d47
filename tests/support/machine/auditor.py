"""An auditor who looks at every single commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.aws import keys, transport
from chalicelib.core import clock
from tests.support.machine.rules import (
    ATTEMPT_ARROWS,
    FROZEN,
    FULFILLMENT_ARROWS,
    GONE,
    ORDER_ARROWS,
    PAYMENT_ARROWS,
    Item,
    Items,
    item_at,
    kind_of,
)
from tests.support.table import everything


def _keys_of(operation: str, request: Mapping[str, Any]) -> list[keys.Key]:
    """The keys that a write concerns."""
    if operation == "transact_write_items":
        requests = [each for item in request["TransactItems"] for each in item.values()]
    else:
        requests = [request]
    wired = [each.get("Key") or each["Item"] for each in requests]
    return [keys.Key(each["PK"]["S"], each["SK"]["S"]) for each in wired]


@contextmanager
def audited() -> Iterator[Auditor]:
    """Every write of the block is looked at as soon as it is done, whether its answer arrives or not."""
    auditor, original = Auditor(), transport.call

    def call(operation: str, **request: Any) -> dict[str, Any]:
        if operation not in ("transact_write_items", "put_item", "update_item", "delete_item"):
            return original(operation, **request)
        try:
            return original(operation, **request)
        finally:
            auditor.look(_keys_of(operation, request))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "call", call)
        yield auditor


class Auditor:
    """Knows every item as it last was, and holds each commit to the rules."""

    def __init__(self) -> None:
        self.known: Items = {}
        self.faults: list[str] = []  # raised again at the step's end, in case somebody caught them
        self.commits = 0

    def begin(self) -> None:
        self.known, self.faults = everything(), []

    def look(self, touched: list[keys.Key]) -> None:
        before = {key: self.known.get(key) for key in touched}
        after = {key: item_at(key) for key in touched}
        if before == after:
            return
        self.commits += 1
        for key, item in after.items():
            if item is None:
                self.known.pop(key, None)
            else:
                self.known[key] = item
        self.faults += _commit_faults(before, after)

    def require_match(self) -> None:
        assert not self.faults, "; ".join(self.faults)


def _commit_faults(before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None]) -> Iterator[str]:
    """What a commit does that no rule allows."""
    taken, given, uses = Counter[str](), Counter[str](), Counter[str]()
    for key, now in after.items():
        was, kind = before[key], kind_of(key)
        if kind == "order" and now:
            yield from _order_step(was, now)
            lines = Counter({line["productId"]: line["quantity"] for line in now["lines"]})
            code = now.get("couponCode", "")
            if was is None:
                taken += lines
                uses[code] += 1
                yield from _cart_taken(now, before, after)
            elif was["status"] not in GONE and now["status"] in GONE:
                given += lines
                uses[code] -= 1
            if was and now["paymentStatus"] == "failed" != was["paymentStatus"]:
                yield from _cart_returned(now, before, after)
        elif kind == "attempt" and now:
            yield from _attempt_step(was, now)
        elif kind == "movement" and now and was is None:
            given[now["productId"]] += now["delta"]
        elif now is None and kind in ("order", "attempt", "movement", "stock", "coupon"):
            yield f"{key} was deleted"
    yield from _stock_moves(before, after, taken, given)
    yield from _coupon_moves(before, after, uses)


def _order_step(was: Item | None, now: Item) -> Iterator[str]:
    name = now["orderId"]
    if was is None:
        if (now["status"], now["version"], len(now["timeline"])) != ("pending", 1, 1):
            yield f"O1 {name} begins as {now['status']}"
        return
    for attribute, arrows in (
        ("status", ORDER_ARROWS), ("paymentStatus", PAYMENT_ARROWS), ("fulfillmentStatus", FULFILLMENT_ARROWS),
    ):  # fmt: skip
        if was[attribute] != now[attribute] and now[attribute] not in arrows.get(was[attribute], set()):
            yield f"O1/P1 {name} went from {attribute} {was[attribute]} to {now[attribute]}"
    if now["version"] <= was["version"]:
        yield f"O2 {name} went from version {was['version']} to {now['version']}"
    expected = was["timeline"] if was["status"] == now["status"] else [*was["timeline"], now["timeline"][-1]]
    if now["timeline"] != expected or now["timeline"][-1]["status"] != now["status"]:
        yield f"O1 {name} has the timeline {[entry['status'] for entry in now['timeline']]} as {now['status']}"
    if changed := [each for each in FROZEN if was.get(each) != now.get(each)]:
        yield f"O3 {name} changed its {changed}"
    if _copies(was) != _copies(now):
        yield f"O3 {name} changed its lines from {_copies(was)} to {_copies(now)}"


def _copies(order: Item) -> list[Item]:
    return [{name: each for name, each in line.items() if not name.startswith("refunded")} for line in order["lines"]]


def _attempt_step(was: Item | None, now: Item) -> Iterator[str]:
    old = was["state"] if was else "created"
    if old != now["state"] and now["state"] not in ATTEMPT_ARROWS.get(old, set()):
        yield f"P1 the attempt of {now['orderId']} went from {old} to {now['state']}"


def _stock_moves(
    before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None],
    taken: Counter[str], given: Counter[str],
) -> Iterator[str]:  # fmt: skip
    """S1, for this one commit: nothing below none, and exactly what the orders and movements in it say."""
    moved = Counter[str]()
    for key, now in after.items():
        if kind_of(key) == "stock" and now:
            was = before[key] or {"stock": 0}
            moved[key.pk.partition("#")[2]] = now["stock"] - was["stock"]
            if now["stock"] < 0:
                yield f"S1 {key.pk} has {now['stock']} left"
    for product_id in {*moved, *taken, *given}:
        expected = given[product_id] - taken[product_id]
        if moved[product_id] != expected:
            yield f"S1 the stock of {product_id} moved by {moved[product_id]}, not by {expected}"


def _coupon_moves(
    before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None], uses: Counter[str]
) -> Iterator[str]:
    moved = Counter[str]()
    for key, now in after.items():
        if kind_of(key) == "coupon" and now:
            was = before[key] or {"uses": 0}
            moved[now["code"]] = now["uses"] - was["uses"]
            if now["uses"] > max(now["totalLimit"], was["uses"]) or now["uses"] < 0:
                yield f"coupon {now['code']} has {now['uses']} uses"
    for code in {*moved, *uses} - {""}:
        if moved[code] != uses[code]:
            yield f"the uses of coupon {code} moved by {moved[code]}, not by {uses[code]}"


def _cart_taken(
    order: Item, before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None]
) -> Iterator[str]:
    """C3: an order takes of the cart what it orders, as far as the cart has it, and notes how much that was."""
    key = keys.user_cart(order["userId"])
    was, now = _units(before[key] if key in before else item_at(key)), _units(after.get(key, item_at(key)))
    ordered = {line["productId"]: line["quantity"] for line in order["lines"]}
    is_gone = key not in before and _is_over(item_at(key), order)
    taken = {each: min(count, was[each]) for each, count in ordered.items() if was.get(each)} if not is_gone else {}
    if order["fromCart"] and taken != ordered:
        yield f"C3 {order['orderId']} is of the whole cart and orders {ordered} of {was}"
    if _from_cart(order) != taken:
        yield f"C3 {order['orderId']} notes {_from_cart(order)} as from the cart, not {taken}"
    left = {each: count - taken.get(each, 0) for each, count in was.items() if count > taken.get(each, 0)}
    if now != left:
        yield f"C3 {order['orderId']} leaves {now} in the cart, not {left}"


def _is_over(cart: Item | None, order: Item) -> bool:
    return cart is None or cart["expiresAt"] <= clock.epoch_of(order["createdAt"])


def _units(cart: Item | None) -> dict[str, int]:
    return {each: line["quantity"] for each, line in cart["lines"].items()} if cart else {}


def _from_cart(order: Item) -> dict[str, int]:
    """How many units of each product an order has out of the cart."""
    attribute = "quantity" if order["fromCart"] else "fromCart"
    return {line["productId"]: line[attribute] for line in order["lines"] if line.get(attribute)}


def _cart_returned(
    order: Item, before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None]
) -> Iterator[str]:
    """C7: what an order whose payment failed had out of the cart is back in it."""
    key, units = keys.user_cart(order["userId"]), _from_cart(order)
    if not units:
        if key in after:
            yield f"C7 {order['orderId']} did not come from the cart and went there"
        return
    if key not in after:
        was = item_at(key)
        if was and all(line["currency"] == order["currency"] for line in was["lines"].values()):
            yield f"C7 {order['orderId']} left its lines out of the cart"
        return
    expected, found = _units(before[key]), _units(after[key])
    for product_id, count in units.items():
        expected[product_id] = min(99, expected.get(product_id, 0) + count)
    if found != expected:
        yield f"C7 the cart holds {found}, not {expected}"
