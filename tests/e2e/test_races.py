"""Buyers, admins and the payment provider at the same things at once; the provider's ledger says what was paid.

The local AWS never reports a conflict of two transactions: they meet as conditions that fail.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.core.quotas import DEFAULTS
from tests.e2e import customers
from tests.e2e.conftest import Browser, OpenShop, at_once
from tools.testing.shop import PASSWORD, ShopAnswer

ROUNDS = 12
PRICE, UNITS = 10, 100
# By the order's payment status: where the payment stands, how often it was taken, how many cents went back.
LEGAL_ENDS = {"voided": ("voided", 0, 0), "refunded": ("refunded", 1, 2 * PRICE * 100)}


class LedgerOverHttp:
    """The payment service's own books, by order."""

    def __init__(self, shop: OpenShop) -> None:
        self._shop = shop

    def __call__(self) -> dict[str, list[dict[str, Any]]]:
        return dict(self._shop.payments("GET", "/_simulator/ledger").body)

    def once_told(self, order_id: str) -> dict[str, list[dict[str, Any]]]:
        deadline, books = time.monotonic() + 60, self()
        while any(event["orderId"] == order_id and not event["deliveries"] for event in books["events"]):
            assert time.monotonic() < deadline, "the shop does not take a message"
            time.sleep(0.05)
            books = self()
        return books

    def of(self, order_id: str) -> tuple[str, int, int]:
        """Where the order's only payment stands, how often it was taken, and how much of it went back.

        By then the shop has been told everything of it.
        """
        books, key = self.once_told(order_id), f"{order_id}:1"
        (payment,) = [row for row in books["payments"] if row["orderId"] == order_id]
        taken = sum(line["effect"] == "captured" and line["key"] == key for line in books["journal"])
        back = [row["amount"] for row in books["refunds"] if (row["orderId"], row["state"]) == (order_id, "succeeded")]
        assert payment["merchantKey"] == key
        assert payment["refunded"] == sum(back) <= payment["amount"]
        return payment["state"], taken, sum(back)


@pytest.fixture
def ledger(open_shop: OpenShop) -> Iterator[LedgerOverHttp]:
    """The books; when the test is over, no order has been paid twice, and no payment given back beyond itself."""
    books = LedgerOverHttp(open_shop)
    yield books
    everything = books()
    taken = Counter(line["key"].partition(":")[0] for line in everything["journal"] if line["effect"] == "captured")
    assert max(taken.values(), default=0) <= 1
    assert all(row["refunded"] <= row["amount"] for row in everything["payments"])


@pytest.fixture
def mug(admin: Browser) -> str:
    product = {"name": "Mug", "price": PRICE, "category": "races", "stock": UNITS}
    return str(admin("POST", "/products", product).body["productId"])


def stock(guest: Browser, product_id: str) -> int:
    return int(guest("GET", f"/products/{product_id}").body["stock"])


def test_a_coupons_last_use_goes_to_one_of_two_buyers(
    guest: Browser, admin: Browser, ledger: LedgerOverHttp, mug: str
) -> None:
    buyers = [guest.customer(f"couple{side}@example.com") for side in "ab"]

    for number in range(5):
        code = f"LAST{number}"
        admin("POST", "/coupons", {"code": code, "kind": "percentage", "percent": 50, "totalLimit": 1})
        for buyer in buyers:
            assert buyer("POST", "/cart/items", {"productId": mug, "quantity": 1}).status == 201

        answers = at_once(2, lambda side, code=code: buyers[side].check_out(couponCode=code))

        won, lost = sorted(answers, key=lambda answer: answer.status)
        assert (won.status, won.body["couponCode"], won.body["discount"]) == (201, code, PRICE / 2)
        assert (lost.status, lost.body["code"]) == (409, "coupon_exhausted")
        assert ledger.of(won.body["orderId"]) == ("captured", 1, 0)
        assert admin("GET", f"/coupons/{code}").body["uses"] == 1
        assert sum(buyer("GET", "/orders").body["count"] for buyer in buyers) == number + 1
        assert stock(guest, mug) == UNITS - number - 1
        for buyer in buyers:
            buyer("DELETE", "/cart")


def test_a_payment_that_races_with_its_orders_cancelling_is_let_go_or_paid_back(
    guest: Browser, open_shop: OpenShop, ledger: LedgerOverHttp, mug: str
) -> None:
    ada, payments = guest.customer("hesitant@example.com"), open_shop.payments

    for number in range(ROUNDS):
        placed = ada.check_out("tok_requires_action", items=[{"productId": mug, "quantity": 2}])
        assert (placed.status, placed.body["paymentStatus"]) == (202, "requires_action")
        order = placed.body["orderId"]

        def cancel_or_pay(pays: int, order: str = order, late: float = number * 0.008) -> ShopAnswer:
            """The buyer changes their mind, and the bank hears of their consent ever later."""
            time.sleep(pays * late)
            complete = f"/_simulator/payments/{order}:1/complete"
            return payments("POST", complete) if pays else ada("PUT", f"/orders/{order}/cancel")

        cancelled, paid = at_once(2, cancel_or_pay)
        booked = ledger.of(order)
        found = ada("GET", f"/orders/{order}").body

        assert (cancelled.status, found["status"]) == (200, "cancelled")
        assert (found["paymentStatus"], paid.body["state"]) in (("voided", "voided"), ("refunded", "captured"))
        assert booked == LEGAL_ENDS[found["paymentStatus"]]
        assert stock(guest, mug) == UNITS


def test_of_ten_refunds_of_a_fifth_five_succeed(visitors: customers.Visitors, ledger: LedgerOverHttp, mug: str) -> None:
    ada, admin = visitors.customer("generous@example.com"), visitors.admin()
    order = ada.place_order(customers.wanted((mug, 5))).order_id
    fifth = customers.RefundRequest(amount=PRICE)

    refusals = at_once(10, lambda _: customers.code_of(admin.refund_order, order, fifth))

    assert Counter(refusals) == {"": 5, "refund_exceeds_payment": 5}
    assert ledger.of(order) == ("refunded", 1, 5 * PRICE * 100)
    found = ada.get_order(order)
    assert (found.payment_status, found.refunded) == ("refunded", 5 * PRICE)
    assert len(list(ada.iter_refunds(order, limit=2))) == 5


def test_eight_clicks_on_one_key_are_one_order_and_one_answer(guest: Browser, ledger: LedgerOverHttp, mug: str) -> None:
    ada = guest.customer("nervous@example.com")

    def click(number: int) -> ShopAnswer:
        """Press the button, and again as long as the first press is being worked on."""
        deadline = time.monotonic() + 60
        while (answer := ada.order(mug, 1, Idempotency_Key="nervous")).status == 409 and time.monotonic() < deadline:
            assert answer.body["code"] == "request_in_progress"
            time.sleep(0.05)
        return answer

    answers = at_once(8, click)

    assert Counter(answer.status for answer in answers) == {201: 8}
    assert len({answer.text for answer in answers}) == 1
    assert [order["orderId"] for order in ada("GET", "/orders").body["orders"]] == [answers[0].body["orderId"]]
    assert ledger.of(answers[0].body["orderId"]) == ("captured", 1, 0)
    assert stock(guest, mug) == UNITS - 1


def test_an_order_has_thirty_lines_and_the_next_product_is_refused(
    visitors: customers.Visitors, ledger: LedgerOverHttp
) -> None:
    ada, admin = visitors.customer("collector@example.com"), visitors.admin()
    cups = [customers.new_product(admin, name="Cup", price=1, category="races", stock=3) for _ in range(31)]

    added = [customers.code_of(ada.add_to_cart, customers.NewLine(product_id=cup, quantity=1)) for cup in cups]
    ordered = ada.place_order(customers.wanted())

    assert added == [""] * 30 + ["too_many_items"]
    assert (ordered.status, len(ordered.items), ordered.total_amount) == ("processing", 30, 30)
    assert ledger.of(ordered.order_id) == ("captured", 1, 0)
    assert [ada.get_product(cup).stock for cup in cups] == [2] * 30 + [3]


def test_of_64_tries_at_once_at_one_account_no_more_than_allowed_are_looked_at(guest: Browser) -> None:
    ada, allowed = guest.customer("besieged@example.com"), DEFAULTS["password"].most
    wrong = {"oldPassword": "wrong password", "newPassword": "another password"}

    answers = at_once(64, lambda _: ada("PUT", "/users/password", wrong))

    counts = Counter((answer.status, answer.body["code"]) for answer in answers)
    looked_at = counts.pop((400, "wrong_password"))
    assert allowed <= looked_at <= 2 * allowed  # twice where a window ended meanwhile
    assert counts == {(429, "too_many_requests"): 64 - looked_at}
    assert all("RateLimit-Policy" in answer.headers for answer in answers)
    assert guest.login("besieged@example.com", PASSWORD)("GET", "/cart").status == 200
