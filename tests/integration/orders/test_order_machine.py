"""Any order of buying, paying, cancelling, refunding, stock taking, webhooks and time, with processes that die and
answers that get lost: nothing is ever sold twice, charged twice or given back twice (S1, P1, P6, R1, O1, C7, M3, I4).

`MACHINE_SEED=7 MACHINE_EXAMPLES=500 pytest tests/integration/orders/test_order_machine.py` looks elsewhere and longer.
"""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from hypothesis.strategies._internal.featureflags import FeatureFlags

from chalicelib.core import clock
from chalicelib.orders import store as order_store
from chalicelib.orders import sweep
from chalicelib.payments.models import Attempt
from tests.support.machine import auditor, rules, snapshot, world
from tests.support.machine.auditor import Auditor
from tests.support.machine.rules import GONE, NO_MONEY, ORDER_ARROWS, PAID
from tests.support.machine.world import COUPONS, PRODUCTS, Told, Trouble, World
from tools.testing.shop import ADDRESS, Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

SEED = int(os.environ.get("MACHINE_SEED", "20261121"))
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "60"))
STEPS_EACH = 40
PHASES = [Phase.generate] if "MACHINE_RAW" in os.environ else [Phase.generate, Phase.shrink]
LEAST_STEPS = 2_000

TOKENS = (
    "tok_success", "tok_declined", "tok_timeout", "tok_timeout_before", "tok_authorized", "tok_requires_action",
    "tok_refund_fails", "tok_success", "tok_refund_fails", "tok_timeout_before", "tok_requires_action",
)  # fmt: skip
KINDS = ("dies before", "dies after", "never sent", "unheard")
NOTHING_WRONG = ((None, 0),) * 150
BUYERS = st.sampled_from(("ada", "bob"))
NAMES = st.sampled_from(tuple(PRODUCTS))
WHICH = st.integers(0, 5)  # orders and messages, counted from the newest
KEYS = st.sampled_from((None, None, None, None, "k1", "k2"))
SILENCE = (("provider unheard", 1), ("provider never sent", 1)) * 6
TROUBLES = st.sampled_from((*NOTHING_WRONG, *SILENCE, *((kind, n) for n in range(1, 13) for kind in KINDS)))
COUNTS = st.integers(1, 2)
DOLLARS = st.sampled_from(("mug", "tea", "mug", "tea", "mug", "tea", "sample"))
ITEMS = st.lists(st.tuples(DOLLARS, COUNTS), min_size=1, max_size=3)
ITEMS |= st.lists(st.tuples(st.just("fan") | NAMES, COUNTS), min_size=1, max_size=2)
CODES = st.sampled_from((None, None, "TEN", *COUPONS))
HAPPENINGS = ("webhook", "cancel", "sweep", "refund", "complete", "let go", "move")
MEANWHILE = st.sampled_from(
    (
        *(None,) * 120,
        *((when, what) for when in ("before", "after") for what in HAPPENINGS),
        *((number, what) for number in range(1, 7) for what in HAPPENINGS),
    )
)
ORDERED = {
    "who": BUYERS,
    "items": ITEMS,
    "token": st.sampled_from(TOKENS),
    "coupon": CODES,
    "key": KEYS,
    "trouble": TROUBLES,
    "meanwhile": MEANWHILE,
}
STATUSES = st.sampled_from(("processing", "shipped", "delivered", "completed", "cancelled", "expired", "pending"))


@dataclass
class Made:
    """What became of a key's first request; `body` is all that it asked for, with what its path named (I3)."""

    at: int
    body: Any
    answer: ShopAnswer | None
    subject: set[str]
    is_plain: bool


def step(function: Callable[..., None]) -> Callable[..., None]:
    """A rule of the machine: counted, audited, and told about in the story."""

    @functools.wraps(function)
    def counted(self: OrderMachine, **arguments: Any) -> None:
        self.is_whole, self.about = False, ""
        OrderMachine.counts[function.__name__] += 1
        function(self, **arguments)
        self.check()
        self.is_whole = True

    return counted


class OrderMachine(RuleBasedStateMachine):
    """Two buyers, an admin, a provider, and time."""

    world: ClassVar[World]
    auditor: ClassVar[Auditor]
    monkeypatch: ClassVar[pytest.MonkeyPatch]
    counts: ClassVar[Counter[str]] = Counter()
    ends: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        # Hypothesis would leave whole rules out of most runs; orders need all of them.
        self._rules_strategy.enabled_rules_strategy = st.just(FeatureFlags())
        self.is_whole = True
        self.about = ""  # the order that the present step is about
        self.keys: dict[tuple[str, ...], Made] = {}
        self.world.begin()
        self.auditor.begin()
        self.was = snapshot.snapshot()

    # --- What happens

    @initialize(
        shipping=st.sampled_from(("free", "flat:4.99:USD,flat:300:JPY", "free-over:20:4.99:USD,flat:300:JPY")),
        taxes=st.sampled_from(("*=0", "US=8.1x", "US=19i")),
    )
    def open_the_shop(self, shipping: str, taxes: str) -> None:
        world.use_policies(self.monkeypatch, shipping, taxes)

    @initialize(**ORDERED)
    @step
    def first_order(self, **choice: Any) -> None:
        self.place(**choice)

    @initialize(**ORDERED)
    @step
    def second_order(self, **choice: Any) -> None:
        self.place(**choice)

    @initialize(**ORDERED)
    @step
    def third_order(self, **choice: Any) -> None:
        self.place(**choice)

    @rule(**ORDERED)
    @step
    def order_items(self, **choice: Any) -> None:
        self.place(**choice)

    @rule(**ORDERED)
    @step
    def order_more(self, **choice: Any) -> None:
        self.place(**choice)

    @rule(**ORDERED)
    @step
    def order_again(self, **choice: Any) -> None:
        self.place(**choice)

    @rule(**{**ORDERED, "items": st.none()})
    @step
    def order_cart(self, **choice: Any) -> None:
        self.place(**choice)

    @rule(who=BUYERS, product=NAMES, quantity=st.integers(0, 3), is_more=st.sampled_from((True, True, False)))
    @step
    def fill_cart(self, who: str, product: str, quantity: int, *, is_more: bool) -> None:
        product_id = self.world.products[product]
        if is_more:
            answer = self.ask(who, "POST", "/cart/items", {"productId": product_id, "quantity": max(1, quantity)})
        else:
            answer = self.ask(who, "PUT", f"/cart/items/{product_id}", {"quantity": quantity})
        assert answer.status in (200, 201, 204, 404, 409), answer

    @precondition(lambda self: self.was["order"])
    @rule(by=st.sampled_from(("buyer", "buyer", "admin", "stranger")), which=WHICH, trouble=TROUBLES,
          meanwhile=MEANWHILE)  # fmt: skip
    @step
    def cancel(self, by: str, which: int, trouble: Any, meanwhile: Any) -> None:
        order = self.order(which)
        who = by if by == "admin" else "ada" if (by == "buyer") == self.may_see("ada", order) else "bob"
        plain = self.disturb(trouble, meanwhile)
        answer = self.world.ask(who, "PUT", f"/orders/{order['orderId']}/cancel")
        self.tell("cancel", order, answer)
        if plain:
            self.expect(answer, self.expected_cancel(order, who))
            payment, now = self.world.books.of(order["orderId"]), self.now_of(order)
            was_done = answer is not None and answer.status == 200 and order["version"] != now["version"]
            if was_done and payment and not payment.refuses_refunds:
                assert now["paymentStatus"] in ("refunded", "voided") or now["reserved"] > 0, now
                assert now["reserved"] == order["reserved"], "the refund was not asked for"

    @precondition(lambda self: self.was["order"])
    @rule(which=WHICH, status=STATUSES, trouble=TROUBLES)
    @step
    def transition(self, which: int, status: str, trouble: Any) -> None:
        order = self.order(which)
        plain = self.disturb(trouble)
        answer = self.world.ask("admin", "PUT", f"/orders/{order['orderId']}/status", {"status": status})
        self.tell(f"to {status}", order, answer)
        if not plain:
            return
        if status == "cancelled":
            self.expect(answer, self.expected_cancel(order, "admin"))
        elif status == order["status"]:
            self.expect(answer, (200, ""))
            assert self.now_of(order) == order, "a repeat changed something"
        elif status in ORDER_ARROWS.get(order["status"], set()) - {"expired"}:
            waits = order["status"] == "pending" and order["total"]
            self.expect(answer, (409, "payment_outcome_unknown") if waits else (200, ""))
        else:
            self.expect(answer, (409, "invalid_transition"))

    @precondition(lambda self: self.was["order"])
    @rule(which=WHICH, amount=st.sampled_from((None, 0.01, 1, 5, 12.5, 500)), key=KEYS, trouble=TROUBLES,
          meanwhile=MEANWHILE)  # fmt: skip
    @step
    def refund(self, which: int, amount: float | None, key: str | None, trouble: Any, meanwhile: Any) -> None:
        self.give_back(self.order(which), {} if amount is None else {"amount": amount}, key, trouble, meanwhile)

    @precondition(lambda self: self.was["order"])
    @rule(which=WHICH, units=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2)), min_size=1, max_size=2),
          key=KEYS, trouble=TROUBLES, meanwhile=MEANWHILE)  # fmt: skip
    @step
    def refund_units(
        self, which: int, units: list[tuple[int, int]], key: str | None, trouble: Any, meanwhile: Any
    ) -> None:
        order = self.order(which)
        lines = order["lines"]
        items = [{"productId": lines[i % len(lines)]["productId"], "quantity": quantity} for i, quantity in units]
        self.give_back(order, {"items": items}, key, trouble, meanwhile)

    @precondition(lambda self: self.world.told)
    @rule(which=WHICH, trouble=TROUBLES, lag=st.sampled_from((False, False, False, True)))
    @step
    def webhook(self, which: int, trouble: Any, *, lag: bool) -> None:
        told = self.world.told[-1 - which % len(self.world.told)]
        with pytest.MonkeyPatch.context() as patch:
            if lag:  # the index does not show the order yet
                patch.setattr(order_store, "get_by_id", lambda _: None)
            plain = self.disturb(trouble)
            answer = self.world.deliver(told)
        note(f"  {describe(told)} → {answer and answer.status}")
        assert not plain or (answer and answer.status < 300), answer

    @precondition(lambda self: self.waiting())
    @rule(which=WHICH, does=st.sampled_from(("complete", "let go", "charge late")))
    @step
    def at_the_provider(self, which: int, does: str) -> None:
        waiting = self.waiting()
        self.provider_does(does, waiting[-1 - which % len(waiting)])

    @rule(minutes=st.sampled_from((2, 5, 16, 16, 90, 25 * 60)), sweeps=st.integers(0, 2), trouble=TROUBLES,
          meanwhile=MEANWHILE)  # fmt: skip
    @step
    def time_passes(self, minutes: int, sweeps: int, trouble: Any, meanwhile: Any) -> None:
        world.later(self.world, minutes=minutes)
        for number in range(sweeps):
            plain = self.disturb(trouble, meanwhile) if number == 0 else True
            done = self.world.attempt(lambda: sweep.run(seconds=60))
            note(f"  swept: {done}")
            assert not plain or done["failed"] == 0, done

    @rule(product=NAMES, delta=st.sampled_from((-2, 2, 4, 9)), trouble=TROUBLES)
    @step
    def adjust_stock(self, product: str, delta: int, trouble: Any) -> None:
        product_id = self.world.products[product]
        before = self.was["stock"][product_id]
        plain = self.disturb(trouble)
        path = f"/products/{product_id}/stock"
        answer = self.world.ask("admin", "POST", path, {"delta": delta, "reason": "delivery"})
        if plain:
            fits = before["stock"] + delta >= 0
            self.expect(answer, (201, "") if fits else (409, "insufficient_stock"))
            assert snapshot.snapshot()["stock"][product_id]["stock"] == before["stock"] + (delta if fits else 0)

    @rule(product=NAMES, stock=st.integers(0, 5), is_stale=st.booleans(), trouble=TROUBLES)
    @step
    def count_stock(self, product: str, stock: int, trouble: Any, *, is_stale: bool) -> None:
        path = f"/products/{self.world.products[product]}"
        etag = self.ask("admin", "GET", f"/admin{path}").headers["ETag"]
        if is_stale:
            self.ask("admin", "POST", f"{path}/stock", {"delta": 1, "reason": "meanwhile"})
        plain = self.disturb(trouble)
        answer = self.world.ask("admin", "PATCH", path, {"stock": stock}, If_Match=etag)
        if plain:
            self.expect(answer, (412, "product_changed") if is_stale else (200, ""))
            assert is_stale or snapshot.snapshot()["stock"][self.world.products[product]]["stock"] == stock

    @rule(name=st.sampled_from((*PRODUCTS, *COUPONS)), which=st.sampled_from((0, 1, 0, 1, 2, 3)))
    @step
    def manage(self, name: str, which: int) -> None:
        if name in COUPONS:
            path, change = f"/coupons/{name}", {"isActive": which != 3}
        else:
            anew = {"isActive": True, "currency": "JPY" if name == "fan" else "USD"}
            offers = ({**anew, "price": 7}, {**anew, "price": 12}, {"price": 1}, {"isActive": False})
            path, change = f"/products/{self.world.products[name]}", offers[which]
        answer = self.ask("admin", "PATCH", path, change)
        assert answer.status == 200, answer

    @rule(who=st.sampled_from(("ada", "bob", "admin")), which=WHICH)
    @step
    def read(self, who: str, which: int) -> None:
        listed, after = [], ""
        while after is not None:
            page = self.ask(who, "GET", f"/orders?limit=3{after and f'&cursor={after}'}").body
            listed += [order["orderId"] for order in page["orders"]]
            after = page["nextCursor"]
        mine = [each for each, order in self.was["order"].items() if self.may_see(who, order)]
        assert sorted(listed) == mine, "the list is not what there is"
        if self.was["order"]:
            order = self.order(which)
            for path in ("", "/status", "/refunds"):
                answer = self.ask(who, "GET", f"/orders/{order['orderId']}{path}")
                assert answer.status == (200 if self.may_see(who, order) else 404), answer
        for name, product_id in self.world.products.items():
            answer = self.ask("", "GET", f"/products/{product_id}")
            if answer.status == 200:
                assert answer.body["stock"] == snapshot.snapshot()["stock"][product_id]["stock"], name

    # --- How it is done

    def place(
        self, *, who: str, items: list[Any] | None, token: str, coupon: str | None, key: str | None, trouble: Any,
        meanwhile: Any,
    ) -> None:  # fmt: skip
        body: dict[str, Any] = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": token}}
        if items:
            body["items"] = [{"productId": self.world.products[name], "quantity": count} for name, count in items]
        if coupon:
            body["couponCode"] = coupon
        cart = self.cart(who)
        wanted = self.wanted(who, items)
        expected = self.expected_order(who, wanted, token, coupon)
        before, plain = set(self.was["order"]), self.disturb(trouble, meanwhile)
        made = self.made((who, "orders", key or "")) if key else None
        answer = self.world.ask(who, "POST", "/orders", body, **({"Idempotency_Key": key} if key else {}))
        now = snapshot.snapshot()
        new = set(now["order"]) - before
        note(f"  {who} {answer and (answer.status, answer.body.get('code') or answer.body.get('paymentStatus'))} {new}")
        if made:
            assert not new, "I4: one key, two orders"
            self.expect_replay(answer, made, body, plain=plain)
            return
        assert len(new) <= 1
        if key and new:
            waits = answer is not None and "nextAction" in answer.text and answer.body["payment"]["nextAction"]
            self.keys[who, "orders", key] = Made(self.epoch(), body, answer, new, plain and not waits)
        if plain:
            self.expect(answer, expected)
            is_kept = answer.status not in (201, 202)
            left = cart if is_kept else dict(Counter(cart) - Counter(wanted))
            assert self.cart(who) == left, "C3, C7: the cart is not what it should be"
            self.expect_view(answer)

    def give_back(self, order: rules.Item, body: dict[str, Any], key: str | None, trouble: Any, meanwhile: Any) -> None:
        name = order["orderId"]
        before, plain = {row["refundId"] for row in self.was["refund"]}, self.disturb(trouble, meanwhile)
        made, asked = self.made(("admin", "refunds", key or "")) if key else None, (name, body)
        headers = {"Idempotency_Key": key} if key else {}
        answer = self.world.ask("admin", "POST", f"/orders/{name}/refunds", body, **headers)
        new = {row["refundId"] for row in snapshot.snapshot()["refund"]} - before
        self.tell(f"refund {body}", order, answer)
        if made:
            assert not plain or not new, "I4: one key, two refunds"
            self.expect_replay(answer, made, asked, plain=plain)
            return
        is_unreadable = answer is not None and answer.status == 400  # it made no refund: what is new is somebody else's
        if key and (new if plain else len(new) == 1 and not is_unreadable):
            self.keys["admin", "refunds", key] = Made(self.epoch(), asked, answer, new, plain)
        if plain:
            self.expect_refund(order, body, answer, new)

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> ShopAnswer:
        """A request that nothing goes wrong with."""
        answer = self.world.ask(who, method, path, body, **headers)
        assert answer is not None
        assert answer.status < 500, answer
        return answer

    def disturb(self, trouble: Any, meanwhile: Any = None) -> bool:
        """Prepare what is to go wrong and to happen in between; True when that is nothing."""
        kind, number = trouble
        self.world.trouble = Trouble(kind, number) if kind else None
        self.world.meanwhile, self.world.at_call = None, 0
        if meanwhile:
            when, what = meanwhile
            self.world.at_call = when if isinstance(when, int) else 0
            self.world.meanwhile = functools.partial(self.happens, "at" if self.world.at_call else when, what)
        return not kind and not meanwhile

    def happens(self, wanted: str, what: str, when: str, operation: str, about: Any) -> None:
        """Something happens just before a call to the provider, or just before its answer arrives."""
        known = snapshot.snapshot()["order"]
        if when != wanted or not known:
            return
        with self.world.undisturbed():
            name = about.order_id if about else self.about if self.about in known else max(known)
            note(f"    meanwhile, {when} {operation} of {name}: {what}")
            if what == "webhook":
                for told in [each for each in self.world.told if not each.received]:
                    self.world.deliver(told)
            elif what == "sweep":
                self.world.attempt(lambda: sweep.run(seconds=60))
            elif what == "cancel":
                self.world.ask("admin", "PUT", f"/orders/{name}/cancel")
            elif what == "refund":
                self.world.ask("admin", "POST", f"/orders/{name}/refunds", {"amount": 1})
            elif what == "move":
                status = {"processing": "shipped", "shipped": "delivered"}.get(known[name]["status"], "processing")
                self.world.ask("admin", "PUT", f"/orders/{name}/status", {"status": status})
            else:
                self.provider_does(what, snapshot.snapshot()["order"][name])

    def provider_does(self, what: str, order: rules.Item) -> None:
        """The buyer pays, or the provider lets go of a payment, or a lost request to charge arrives."""
        with clock.fixed(self.world.now):
            payment = self.world.books.of(order["orderId"])
            note(f"  the provider does {what} for {order['orderId']}: {payment and payment.state}")
            if what == "charge late":
                world.late_charge(self.world, order)
            elif payment and what == "complete":
                self.world.bank.complete(payment.merchant_key)
            elif payment:
                order_id, number = order["orderId"], 1
                made = Attempt(
                    order_id=order_id, user_id="", number=number, amount=payment.amount, currency=payment.currency,
                    created_at="",
                )  # fmt: skip
                self.world.bank.void(made, payment.payment_id)

    # --- What is expected

    def wanted(self, who: str, items: list[Any] | None) -> dict[str, int]:
        if items is None:
            return self.cart(who)
        wanted = Counter[str]()
        for name, count in items:
            wanted[self.world.products[name]] += count
        return dict(wanted)

    def expected_order(self, who: str, wanted: dict[str, int], token: str, coupon: str | None) -> tuple[int, str]:
        """The status and code, or paymentStatus, that an undisturbed order gets."""
        if not wanted:
            return 422, "empty_cart"
        offers = {product_id: self.was["stock"][product_id] for product_id in wanted}
        if any(offer["isActive"] and offer["stock"] < wanted[each] for each, offer in offers.items()):
            return 409, "insufficient_stock"
        if not all(offer["isActive"] for offer in offers.values()):
            return 404, "product_not_found"
        if len({offer["currency"] for offer in offers.values()}) > 1:
            return 409, "cart_currency_mismatch"
        subtotal = sum(offers[each]["price"] * count for each, count in wanted.items())
        if coupon and (obstacle := self.obstacle(who, coupon, subtotal, next(iter(offers.values()))["currency"])):
            return obstacle
        return 0, token

    def obstacle(self, who: str, code: str, subtotal: int, currency: str) -> tuple[int, str] | None:
        coupon, user_id = self.was["coupon"][code], self.user_id(who)
        used = [use for use in self.was["use"] if use["userId"] == user_id and use["PK"].endswith(f"#{code}")]
        if not coupon["isActive"] or (subtotal and coupon.get("currency", currency) != currency):
            return 422, "coupon_invalid"
        if coupon["uses"] >= coupon["totalLimit"]:
            return 409, "coupon_exhausted"
        return (422, "coupon_invalid") if len(used) >= coupon.get("perUserLimit", 99) else None

    def expected_cancel(self, order: rules.Item, who: str) -> tuple[int, str]:
        status, money = order["status"], order["paymentStatus"]
        if not self.may_see(who, order):
            return 404, "order_not_found"
        if status not in ("pending", "processing", "cancelled"):
            return 409, "invalid_transition"
        if status == "pending" and money in ("pending", "unknown"):
            return 409, "payment_outcome_unknown"
        return 200, "cancelled"

    def expect(self, answer: ShopAnswer | None, expected: tuple[int, str]) -> None:
        """Hold an answer to a status and a code, or to what the token makes of an order."""
        assert answer is not None
        status, code = expected
        if status == 0:
            self.expect_token(answer, code)
            return
        assert answer.status == status, (answer, expected)
        if status >= 400:
            assert answer.body["code"] == code, (answer, expected)
        elif code:
            assert answer.body["status"] == code, (answer, expected)

    def expect_token(self, answer: ShopAnswer, token: str) -> None:
        free = answer.status < 400 and not answer.body["totalAmount"]
        wanted = {
            "tok_declined": (402, None, None), "tok_timeout": (202, "pending", "unknown"),
            "tok_timeout_before": (202, "pending", "unknown"),
            "tok_requires_action": (202, "pending", "requires_action"),
        }.get(token, (201, "processing", "paid"))  # fmt: skip
        wanted = (201, "processing", "none") if free else wanted
        assert (answer.status, answer.body.get("status") if wanted[1] else None) == wanted[:2], answer
        assert wanted[2] is None or answer.body["paymentStatus"] == wanted[2], answer

    def expect_view(self, answer: ShopAnswer) -> None:
        """M3 as it is shown, and the order as it is stored."""
        if answer.status not in (201, 202):
            return
        shown = world.parsed(answer)
        parts = {name: Decimal(shown[name]) for name in ("subtotal", "discount", "shipping", "tax", "totalAmount")}
        added = Decimal(0) if shown["taxIncluded"] else parts["tax"]
        total = parts["subtotal"] - parts["discount"] + parts["shipping"] + added
        assert parts["totalAmount"] == total, shown
        assert sum(Decimal(line["subtotal"]) for line in shown["items"]) == parts["subtotal"], shown
        stored = snapshot.snapshot()["order"][shown["orderId"]]
        assert [shown[each] for each in ("status", "paymentStatus")] == [stored["status"], stored["paymentStatus"]]

    def expect_replay(self, answer: ShopAnswer | None, made: Made, body: Any, *, plain: bool) -> None:
        """I4: the same bytes again, or for a request that had not ended properly, more about the same."""
        if answer is None:
            return
        if made.body != body:
            self.expect(answer, (422, "idempotency_key_reused"))
        elif made.is_plain and made.answer:
            assert (answer.status, answer.text) == (made.answer.status, made.answer.text), (answer, made)
            assert answer.headers["Idempotent-Replayed"] == "true"
        elif answer.status < 300:
            assert answer.body.get("refundId", answer.body["orderId"]) in made.subject, (answer, made)
        else:
            assert answer.status < 500, answer

    def expect_refund(self, order: rules.Item, body: dict[str, Any], answer: ShopAnswer | None, new: set[str]) -> None:
        assert answer is not None
        assert answer.status < 500, answer
        left = order["total"] - order["refunded"] - order["reserved"]
        if order["paymentStatus"] not in PAID:
            self.expect(answer, (400 if answer.status == 400 else 409, answer.body["code"]))
            assert not new
        elif not body:
            refuses = self.world.books.payments[f"{order['orderId']}:1"].refuses_refunds
            code = "refund_exceeds_payment" if not left else "refund_failed" if refuses else ""
            assert answer.status == (409 if code else 201), answer
            assert not code or answer.body["code"] == code
        else:
            assert answer.status in (201, 400, 409), answer
        after = self.now_of(order)
        back = sum(row["amount"] for row in snapshot.snapshot()["refund"] if row["refundId"] in new)
        assert after["refunded"] - order["refunded"] == (back if answer.status == 201 else 0)

    # --- What is known

    def check(self) -> None:
        self.world.trouble, self.world.meanwhile, self.world.at_call = None, None, 0
        self.was = snapshot.snapshot()
        self.auditor.require_match()
        unheard = {each.event.order_id for each in self.world.told if not each.received}
        unheard |= {each["event"]["orderId"] for each in self.was["parked"]}
        faults = list(snapshot.faults_of(self.was, self.world.books, unheard))
        assert not faults, "; ".join(faults)

    def teardown(self) -> None:
        """All messages arrive, time goes on, the schedule works until it is quiet: nothing is in doubt any more."""
        if not self.is_whole:
            return
        self.world.meanwhile = None
        for _ in range(2):
            for told in self.world.told:
                answer = self.world.deliver(told)
                assert answer, told
                assert answer.status < 300, answer
        quiet = 0
        for _ in range(12):
            world.later(self.world, minutes=61)
            done = self.world.attempt(lambda: sweep.run(seconds=60))
            assert done["failed"] == 0, done
            quiet = 0 if sum(done.values()) else quiet + 1
            if quiet > 2:
                break
        assert quiet, "the schedule never comes to an end"
        for told in [each for each in self.world.told if not each.received]:
            assert self.world.deliver(told)
        self.check()
        assert not self.was["parked"]
        for order in self.was["order"].values():
            OrderMachine.ends[f"{order['status']}/{order['paymentStatus']}"] += 1
            self.expect_end(order)
        OrderMachine.ends.update(f"refund {row['state']}" for row in self.was["refund"])

    def expect_end(self, order: rules.Item) -> None:
        """O1, P4, S2: every order has come to where it can stay, with exactly its money."""
        name, payment = order["orderId"], self.world.books.of(order["orderId"])
        assert order["status"] != "pending", f"{name} is still pending, {order['paymentStatus']}"
        assert order["reserved"] == 0, f"{name} still has {order['reserved']} reserved"
        if payment and payment.state in PAID | {"captured"}:
            assert order["paymentStatus"] in PAID, f"{name} was charged and is {order['paymentStatus']}"
            assert payment.refunded == order["refunded"], f"{name}: {payment.refunded} went back"
            if order["status"] in GONE and not payment.refuses_refunds:
                assert order["paymentStatus"] == "refunded", f"{name} is {order['status']} and keeps the money"
        elif order["total"]:
            ended = payment is None or payment.state in NO_MONEY
            assert ended, f"{name} is {order['paymentStatus']}, and the provider still waits"
            assert order["paymentStatus"] in NO_MONEY, f"{name} is {order['paymentStatus']} without money"

    def order(self, which: int) -> rules.Item:
        found = list(self.was["order"].values())
        order: rules.Item = found[-1 - which % len(found)]
        self.about = order["orderId"]
        return order

    def now_of(self, order: rules.Item) -> rules.Item:
        now: rules.Item = snapshot.snapshot()["order"][order["orderId"]]
        return now

    def waiting(self) -> list[rules.Item]:
        """Orders for which something can still happen at the provider."""
        open_to = ("requires_action", "authorized")
        known = {name: self.world.books.of(name) for name in self.was["order"]}
        return [o for n, o in self.was["order"].items() if o["total"] and (not (p := known[n]) or p.state in open_to)]

    def made(self, key: tuple[str, ...]) -> Made | None:
        made = self.keys.get(key)
        return made if made and self.epoch() < made.at + 24 * 3600 else None

    def epoch(self) -> int:
        return int(self.world.now.timestamp())

    def cart(self, who: str) -> dict[str, int]:
        cart = snapshot.snapshot()["cart"].get(self.user_id(who))
        is_live = cart and cart["expiresAt"] > self.epoch()
        return {each: line["quantity"] for each, line in cart["lines"].items()} if is_live else {}

    def user_id(self, who: str) -> str:
        return self.world.user_ids[who]

    def may_see(self, who: str, order: rules.Item) -> bool:
        return who == "admin" or order["userId"] == self.user_id(who)

    def tell(self, what: str, order: rules.Item, answer: ShopAnswer | None) -> None:
        stands = f"{order['orderId']} ({order['status']}/{order['paymentStatus']})"
        note(f"  {what} {stands} → {answer and (answer.status, answer.body.get('code') or answer.body.get('status'))}")
        assert answer is None or answer.status < 500, answer


def describe(told: Told) -> str:
    event = told.event
    state = event.outcome.state if event.outcome else event.refund and event.refund.state
    return f"the message that {event.order_id}'s {event.kind} is {state}"


def test_no_order_of_events_sells_charges_or_gives_back_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    OrderMachine.world, OrderMachine.monkeypatch = World.made(shop, monkeypatch), monkeypatch
    profile = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS_EACH, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=PHASES, print_blob=False,
    )  # fmt: skip
    OrderMachine.counts.clear()
    OrderMachine.ends.clear()

    with auditor.audited() as OrderMachine.auditor:
        run_state_machine_as_test(seed(SEED)(OrderMachine), settings=profile)

    steps = OrderMachine.counts.total()
    took = time.monotonic() - begun
    print(f"{steps} steps, {OrderMachine.auditor.commits} commits, seed {SEED}, {took:.0f} s")  # noqa: T201
    print(f"steps: {dict(OrderMachine.counts)}\nends: {dict(OrderMachine.ends)}")  # noqa: T201
    assert steps >= LEAST_STEPS
