"""What the order machine stands on: a provider with books in memory, a world that is quickly begun anew, and an
auditor who looks at every single commit.

The tables of what may follow what are written down here once more, after the rules and not after the code.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jwt
import pytest
from botocore.exceptions import ReadTimeoutError
from moto.dynamodb.models.dynamo_type import DynamoType
from ulid import ULID

from chalicelib.auth import store as session_store
from chalicelib.aws import attributes, db, keyring, keys, transport
from chalicelib.core import clock, ids, settings
from chalicelib.payments import port, providers
from chalicelib.payments.models import AttemptState, ProviderEvent
from chalicelib.payments.simulator import ledger, webhook_messages
from chalicelib.payments.simulator.behaviour import Simulation
from chalicelib.payments.simulator.ledger import PaymentRow
from tests.support.books import Books
from tests.support.emulator import emulated, saved
from tests.support.faults import Crash, injected
from tests.support.payments import SECRET, keep_secret
from tests.support.table import everything
from tools.testing.shop import Shop, ShopAnswer

BEGIN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
GONE = {"cancelled", "expired"}
PAID = {"paid", "partially_refunded", "refunded"}
NO_MONEY = {"failed", "voided"}
COUPONS = {
    "TEN": {"percent": 10, "totalLimit": 1},
    "GIFT": {"percent": 100, "totalLimit": 2},
    "OFF20": {"kind": "fixed", "amount": 20, "currency": "USD", "totalLimit": 3, "perUserLimit": 1},
}
PRODUCTS = {
    "mug": {"price": 12.5, "stock": 6},
    "tea": {"price": 3.33, "stock": 12},
    "sample": {"price": 0, "stock": 4},
    "fan": {"price": 500, "currency": "JPY", "stock": 5},
}

Item = dict[str, Any]
Items = dict[keys.Key, Item]
Snapshot = dict[str, Any]

ORDER_ARROWS = {
    "pending": {"processing", "cancelled", "expired"},
    "processing": {"shipped", "cancelled"},
    "shipped": {"delivered"},
    "delivered": {"completed"},
}
# P1, with what docs/adr/0007 adds to it.
ATTEMPT_ARROWS = {
    "created": {"processing"},
    "processing": {"authorized", "captured", "failed", "unknown", "requires_action", "voided"},
    "unknown": {"authorized", "captured", "failed", "requires_action", "voided"},
    "requires_action": {"authorized", "captured", "failed", "unknown", "voided"},
    "authorized": {"captured", "voided"},
    "captured": {"partially_refunded", "refunded"},
    "partially_refunded": {"refunded"},
}
PAYMENT_ARROWS = {
    "pending": {"unknown", "requires_action", "authorized", "paid", "failed", "voided"},
    "unknown": {"requires_action", "authorized", "paid", "failed", "voided"},
    "requires_action": {"unknown", "authorized", "paid", "failed", "voided"},
    "authorized": {"paid", "voided"},
    "paid": {"partially_refunded", "refunded"},
    "partially_refunded": {"refunded"},
    "failed": {"paid"},  # money that came after the end, which goes back
    "voided": {"paid"},
}
FULFILLMENT_ARROWS = {"unfulfilled": {"fulfilled"}, "fulfilled": {"returned"}}
# Where the attempt of an order stands, by where the order says that its money is.
ATTEMPT_OF = {
    "pending": {"processing"}, "unknown": {"unknown"}, "requires_action": {"requires_action"},
    "authorized": {"authorized"}, "failed": {"failed"}, "voided": {"voided"},
    "paid": {"captured", "failed", "voided"}, "partially_refunded": {"partially_refunded", "failed", "voided"},
    "refunded": {"refunded", "failed", "voided"},
}  # fmt: skip
FROZEN = (
    "orderId", "userId", "email", "subtotal", "discount", "shipping", "tax", "shippingTax", "taxIncluded", "total",
    "currency", "couponCode", "shippingAddress", "attempt", "fromCart", "createdAt",
)  # fmt: skip


class Bank(Simulation):
    """The simulator over books in memory; its webhooks are kept for the machine to deliver."""

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        return webhook_messages.read(body, headers, now)


@dataclass
class Trouble:
    """What goes wrong at the call of that number to the table or to the provider."""

    kind: str  # "dies before", "dies after", "never sent", "unheard"; with "provider " its calls alone count
    number: int
    struck: bool = False

    def __repr__(self) -> str:
        return f"{self.kind} {self.number}"

    def around(self, go_on: Callable[[], Any], silence: Callable[[], Exception]) -> Any:
        self.number -= 1
        if self.number != 0:
            return go_on()
        self.struck = True
        if self.kind in ("dies after", "unheard", "provider unheard"):
            go_on()
        raise Crash if self.kind.startswith("dies") else silence()


@dataclass
class Told:
    """A message that the provider has for the shop, and whether the shop has said that it got it."""

    event: ProviderEvent
    received: bool = False


@dataclass
class World:
    """The shop, its people and its provider; `now` is what the clock says."""

    shop: Shop
    people: dict[str, Shop]
    products: dict[str, str]
    user_ids: dict[str, str]
    restore: Callable[[], None]
    base_number: int
    now: datetime = BEGIN
    books: Books = field(default_factory=Books)
    told: list[Told] = field(default_factory=list)
    trouble: Trouble | None = None
    meanwhile: Callable[[str, str, Any], None] | None = None  # told when, at what, and about which attempt or refund
    at_call: int = 0  # or before the call to the table of that number
    number: int = 0

    @classmethod
    def made(cls, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> World:
        """The world before anybody has bought anything."""
        world = cls(shop, {}, {}, {}, lambda: None, 0)
        monkeypatch.setattr(ids, "new", world._new_id)
        monkeypatch.setattr(clock, "pause", lambda _: None)
        monkeypatch.setattr(providers, "current", lambda: _Line(world))
        emulated().stream_shard = None
        keep_secret({"webhookSecret": SECRET})
        with clock.fixed(BEGIN):
            world.people = {name: _for_good(shop.customer(f"{name}@example.com")) for name in ("ada", "bob")}
            admin = world.people["admin"] = _for_good(shop.admin())
            world.products = {name: admin.product(name=name, **more)["productId"] for name, more in PRODUCTS.items()}
            world.user_ids = {name: each("GET", "/auth/me").body["userId"] for name, each in world.people.items()}
            for code, terms in COUPONS.items():
                admin.coupon(code, **terms)
            monkeypatch.setattr(
                session_store, "get", functools.cache(session_store.get)
            )  # the machine is not about sessions
            monkeypatch.setattr(session_store, "is_open", lambda *_: True)
        world.restore, world.base_number = saved(), world.number
        return world

    def begin(self) -> None:
        """Back to the beginning."""
        self.restore()
        self.number, self.now = self.base_number, BEGIN
        self.books, self.told, self.trouble, self.meanwhile, self.at_call = Books(), [], None, None, 0

    @property
    def bank(self) -> Bank:
        return Bank(self.books, lambda event: self.told.append(Told(event)))

    def name(self, product_id: str) -> str:
        return next(name for name, each in self.products.items() if each == product_id)

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> ShopAnswer | None:
        """One request of somebody, None when the process died over it."""
        return self.attempt(lambda: (self.people[who] if who else self.shop)(method, path, body, **headers))

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Let the shop work, at the machine's time and with its trouble; None when the process died over it."""
        with clock.fixed(self.now):
            if self.trouble is None and not self.at_call:
                return work()
            try:
                with injected(lambda _operation, _request, go_on: self._around(go_on)):
                    return work()
            except Crash:
                return None
            finally:
                self.trouble, self.at_call = None, 0

    def deliver(self, told: Told) -> ShopAnswer | None:
        """One signed webhook, sent now."""
        body = webhook_messages.write(told.event)
        headers = webhook_messages.signed_headers(body, SECRET, int(self.now.timestamp()))
        answer: ShopAnswer | None = self.attempt(
            lambda: self.shop("POST", "/payments/webhook", raw=body.decode(), **headers)
        )
        told.received = told.received or (answer is not None and answer.status < 300)
        return answer

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What happens in between happens without trouble of its own."""
        trouble, self.trouble, self.meanwhile, self.at_call = self.trouble, None, None, 0
        try:
            yield
        finally:
            self.trouble = trouble

    def at_provider(self, operation: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """One call to the provider, with what happens shortly before it and before its answer arrives."""
        self._then("before", operation, arguments[0])

        def go_on() -> Any:
            answer = call(*arguments)
            self._then("after", operation, arguments[0])
            return answer

        trouble = self.trouble
        return trouble.around(go_on, lambda: port.NoAnswer("lost")) if trouble else go_on()

    def _then(self, when: str, operation: str, about: Any) -> None:
        if self.meanwhile:
            self.meanwhile(when, operation, about)

    def _around(self, go_on: Callable[[], Any]) -> Any:
        self.at_call -= self.at_call > 0
        if self.meanwhile and self.at_call == 0:
            self.meanwhile("at", "the table", None)
        trouble = None if self.trouble and self.trouble.kind.startswith("provider") else self.trouble
        return trouble.around(go_on, _timeout) if trouble else go_on()

    def _new_id(self, prefix: str) -> str:
        self.number += 1
        milliseconds = int(clock.now().timestamp() * 1000)
        return f"{prefix}_{ULID.from_bytes(milliseconds.to_bytes(6, 'big') + self.number.to_bytes(10, 'big'))}"


class _Line:
    """The provider as the shop reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._world.bank, operation)
        if operation == "read_event":
            return call
        return lambda *arguments: self._world.at_provider(operation, call, *arguments)


def _timeout() -> Exception:
    return ReadTimeoutError(endpoint_url="http://localhost")


def _for_good(shop: Shop) -> Shop:
    """The same caller with a session that outlives every story."""
    token = shop.headers["Authorization"].partition(" ")[2]
    claims = jwt.decode(token, options={"verify_signature": False})
    forever = claims["iat"] + 10 * 365 * 86400
    session = keys.session(claims["userId"], claims["sid"])
    db.commit(db.update(session, "SET expiresAt = :ever, endsAt = :ever", {":ever": forever}))
    key, header = keyring.get_signing_key(), jwt.get_unverified_header(token)
    named = {"kid": header["kid"], "typ": header["typ"]}
    longer = jwt.encode({**claims, "exp": forever}, key.secret, algorithm="HS256", headers=named)
    return Shop(shop.client, {"Authorization": f"Bearer {longer}"})


def use_policies(monkeypatch: pytest.MonkeyPatch, shipping: str, taxes: str) -> None:
    """What sending costs and what the state takes."""
    monkeypatch.setenv("SHIPPING_POLICY", shipping)
    monkeypatch.setenv("TAX_RATES", taxes)
    settings.current.cache_clear()


def _keys_of(operation: str, request: Mapping[str, Any]) -> list[keys.Key]:
    """The keys that a write concerns."""
    if operation == "transact_write_items":
        requests = [each for item in request["TransactItems"] for each in item.values()]
    else:
        requests = [request]
    wired = [each.get("Key") or each["Item"] for each in requests]
    return [keys.Key(each["PK"]["S"], each["SK"]["S"]) for each in wired]


def item_at(key: keys.Key) -> Item | None:
    """An item as the table holds it."""
    row = emulated().items.get(DynamoType({"S": key.pk}), {}).get(DynamoType({"S": key.sk}))
    return attributes.plain_item(row.to_json()["Attributes"]) if row else None


def kind_of(key: keys.Key) -> str:
    """What an item is, by its key."""
    pk, sk = key.pk.partition("#")[0], key.sk.partition("#")[0]
    named = {
        ("USER", "ORDER"): "order", ("USER", "CART"): "cart", ("ORDER", "PAY"): "attempt",
        ("ORDER", "REFUND"): "refund", ("ORDER", "INCIDENT"): "incident",
        ("ORDER", "ITEM"): "line", ("PRODUCT", "STOCK"): "stock",
        ("PRODUCT", "MOVE"): "movement", ("COUPON", "METADATA"): "coupon", ("COUPON", "USE"): "use",
        ("COUPON", "USER"): "user_uses", ("PARKED", "EVENT"): "parked",
    }  # fmt: skip
    return named.get((pk, sk), "")


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
    kept = [name for name in order["lines"][0] if not name.startswith("refunded")]
    return [{name: line[name] for name in kept} for line in order["lines"]]


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


def _cart_returned(
    order: Item, before: Mapping[keys.Key, Item | None], after: Mapping[keys.Key, Item | None]
) -> Iterator[str]:
    """C7: the lines of an order whose payment failed are back in the cart that they came from."""
    key = keys.user_cart(order["userId"])
    if not order["fromCart"]:
        if key in after:
            yield f"C7 {order['orderId']} did not come from the cart and went there"
        return
    if key not in after:
        was = item_at(key)
        if was and all(line["currency"] == order["currency"] for line in was["lines"].values()):
            yield f"C7 {order['orderId']} left its lines out of the cart"
        return
    was, now = before[key] or {"lines": {}}, after[key] or {"lines": {}}
    expected = {each: line["quantity"] for each, line in was["lines"].items()}
    for line in order["lines"]:
        expected[line["productId"]] = min(99, expected.get(line["productId"], 0) + line["quantity"])
    found = {each: line["quantity"] for each, line in now["lines"].items()}
    if found != expected:
        yield f"C7 the cart holds {found}, not {expected}"


def snapshot() -> Snapshot:
    """What the table holds, by kind; what belongs to an order by its id."""
    taken: Snapshot = {each: {} for each in ("order", "attempt", "stock", "coupon", "cart")}
    for kind in ("refund", "incident", "line", "movement", "use", "user_uses", "parked"):
        taken[kind] = []
    for key, item in everything().items():
        kind = kind_of(key)
        if kind in ("order", "attempt"):
            taken[kind][item["orderId"]] = item
        elif kind == "stock":
            taken[kind][key.pk.partition("#")[2]] = item
        elif kind == "coupon":
            taken[kind][item["code"]] = item
        elif kind == "cart":
            taken[kind][key.pk.partition("#")[2]] = item
        elif kind:
            taken[kind].append(item)
    taken["order"] = dict(sorted(taken["order"].items()))
    return taken


def faults_of(found: Snapshot, books: Books, unheard: set[str]) -> Iterator[str]:
    """What does not add up in the whole table; `unheard` are orders of which the provider has news."""
    yield from _stock_faults(found)
    yield from _coupon_faults(found)
    for order in found["order"].values():
        yield from _sum_faults(order)
        yield from _money_faults(order, found, books, unheard)
        yield from _refund_faults(order, found, books)
        lines = [line for line in found["line"] if line["orderId"] == order["orderId"]]
        if len(lines) != len(order["lines"]):
            yield f"C3 {order['orderId']} has {len(lines)} items for {len(order['lines'])} lines"
    for incident in found["incident"]:
        if not incident["name"].startswith("refund-ref_"):
            yield f"an incident that nobody caused: {incident['name']} {incident['facts']}"


def _stock_faults(found: Snapshot) -> Iterator[str]:
    """S1 from scratch: initial + movements - live lines = stock."""
    moved, live = Counter[str](), Counter[str]()
    for movement in found["movement"]:
        moved[movement["productId"]] += movement["delta"]
    for order in found["order"].values():
        if order["status"] not in GONE:
            live.update({line["productId"]: line["quantity"] for line in order["lines"]})
    for product_id, offer in found["stock"].items():
        expected = moved[product_id] - live[product_id]
        if offer["stock"] != expected or expected < 0:
            yield f"S1 {product_id} has {offer['stock']} left, not {expected}"


def _coupon_faults(found: Snapshot) -> Iterator[str]:
    for code, coupon in found["coupon"].items():
        holders = [o for o in found["order"].values() if o.get("couponCode") == code and o["status"] not in GONE]
        uses = {use["orderId"] for use in found["use"] if use["PK"].endswith(f"#{code}")}
        by_user = {u["SK"].partition("#")[2]: u["uses"] for u in found["user_uses"] if u["PK"].endswith(f"#{code}")}
        if coupon["uses"] != len(holders) or coupon["uses"] > coupon["totalLimit"]:
            yield f"coupon {code} counts {coupon['uses']} uses, and {len(holders)} orders hold it"
        if uses != {order["orderId"] for order in holders}:
            yield f"coupon {code} is noted as used by {uses}"
        if +Counter(by_user) != Counter(order["userId"] for order in holders) or min(by_user.values(), default=0) < 0:
            yield f"coupon {code} counts {by_user} by user"
        if max(by_user.values(), default=0) > coupon.get("perUserLimit", 99):
            yield f"coupon {code} was used too often by one: {by_user}"


def _sum_faults(order: Item) -> Iterator[str]:
    """M3: the parts add up, each at least 0."""
    name, lines = order["orderId"], order["lines"]
    parts = [order[each] for each in ("subtotal", "discount", "shipping", "tax", "shippingTax", "total")]
    parts += [line[each] for line in lines for each in ("price", "discount", "tax", "refundedQuantity")]
    added = 0 if order["taxIncluded"] else order["tax"]
    holds = (
        min(parts) >= 0,
        order["subtotal"] == sum(line["price"] * line["quantity"] for line in lines),
        order["discount"] == sum(line["discount"] for line in lines),
        order["tax"] == sum(line["tax"] for line in lines) + order["shippingTax"],
        order["total"] == order["subtotal"] - order["discount"] + order["shipping"] + added,
        all(line["refundedQuantity"] <= line["quantity"] for line in lines),
    )
    if not all(holds):
        yield f"M3 {name} does not add up: {holds}"


def _money_faults(order: Item, found: Snapshot, books: Books, unheard: set[str]) -> Iterator[str]:
    name, status, money = order["orderId"], order["status"], order["paymentStatus"]
    attempt, payment = found["attempt"].get(name), books.of(name)
    charges = [line for line in books.journal if line.effect == "captured" and line.key.partition(":")[0] == name]
    if len(charges) > 1 or len([p for p in books.payments.values() if p.order_id == name]) > 1:
        yield f"P6 {name} was charged {len(charges)} times"
    if not order["total"]:
        if attempt or payment or money != "none":
            yield f"C9 {name} costs nothing and has a payment"
        return
    if attempt is None or attempt["state"] not in ATTEMPT_OF.get(money, set()):
        yield f"P1 {name} is {money}, its attempt {attempt and attempt['state']}"
    if payment and (payment.amount, payment.currency) != (order["total"], order["currency"]):
        yield f"P5 {name} was charged {payment.amount} {payment.currency}"
    captured = payment is not None and payment.state in PAID | {"captured"}
    if money in PAID and not captured:
        yield f"P6 {name} is {money}, and the provider has not charged it"
    if captured and money not in PAID and status != "pending" and name not in unheard:
        yield f"P6 {name} was charged and is {status}/{money}"
    may_be = PAID | NO_MONEY if status in GONE else PAID
    if money not in may_be and (status != "pending" or money in NO_MONEY):
        yield f"P1 {name} is {status} and {money}"


def _refund_faults(order: Item, found: Snapshot, books: Books) -> Iterator[str]:
    """R1: what is set aside and what is back are the rows' sums, never more than was paid, and the provider's."""
    name, rows = order["orderId"], [row for row in found["refund"] if row["orderId"] == order["orderId"]]
    sums, units = Counter[str](), Counter[str]()
    for row in rows:
        sums[row["state"]] += row["amount"]
        if row["state"] != "failed":
            units.update({item["productId"]: item["quantity"] for item in row["items"]})
    if (order["reserved"], order["refunded"]) != (sums["pending"], sums["succeeded"]):
        yield f"R1 {name} has {order['reserved']} reserved, {order['refunded']} refunded, and rows of {dict(sums)}"
    if order["refunded"] + order["reserved"] > (order["total"] if order["paymentStatus"] in PAID else 0):
        yield f"R1 {name} gives {order['refunded']} + {order['reserved']} of {order['total']} back"
    if any(line["refundedQuantity"] != units[line["productId"]] for line in order["lines"]):
        yield f"R2 {name} counts other units than its refunds"
    back, total = order["refunded"], order["total"]
    expected = "refunded" if back == total else "partially_refunded" if back else "paid"
    if order["paymentStatus"] in PAID and total and order["paymentStatus"] != expected:
        yield f"R1 {name} is {order['paymentStatus']} with {back} of {total} back"
    yield from _ledger_refund_faults(order, rows, books)
    failed = {f"refund-{row['refundId']}" for row in rows if row["state"] == "failed"}
    told = {each["name"] for each in found["incident"] if each["orderId"] == name}
    if not failed <= told:
        yield f"R1 nobody was told that {failed - told} failed"


def _ledger_refund_faults(order: Item, rows: list[Item], books: Books) -> Iterator[str]:
    name, by_id = order["orderId"], {row["refundId"]: row for row in rows}
    done = [row for row in books.refunds.values() if row.order_id == name]
    for entry in done:
        row = by_id.get(entry.refund_id)
        if row is None or row["amount"] != entry.amount or row["state"] not in ("pending", entry.state):
            yield f"R1 {name}: the provider's refund {entry.refund_id} is not ours"
    succeeded = sum(entry.amount for entry in done if entry.state == "succeeded")
    settled = {row["refundId"] for row in rows if row["state"] != "pending"}
    if not settled <= {entry.refund_id for entry in done}:
        yield f"R1 {name} has refunds that the provider never made"
    payment = books.of(name)
    if payment and payment.refunded != succeeded:
        yield f"R1 {name}: the provider's books are wrong"


def parsed(answer: ShopAnswer) -> Any:
    """The answer with its numbers as they were written."""
    return json.loads(answer.text, parse_float=Decimal) if answer.text else None


def late_charge(world: World, order: Item) -> None:
    """The request to charge that was lost arrives after all."""
    row = PaymentRow(
        merchant_key=f"{order['orderId']}:1", order_id=order["orderId"],
        payment_id=ledger.payment_id_of(f"{order['orderId']}:1"), amount=order["total"],
        currency=order["currency"], state=AttemptState.CAPTURED,
    )  # fmt: skip
    with clock.fixed(world.now):
        asked = ledger.new_call("charge", row.merchant_key, row.amount, row.currency, effect=row.state)
        if world.books.open(row, asked):
            world.told.append(Told(ledger.payment_event(row)))


def later(world: World, **span: int) -> None:
    world.now += timedelta(**span)
