"""A table that is busy, contended or silent, at any single call or for good: tried again, or nothing written (C4)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.core import clock
from chalicelib.payments import providers
from tests.support import books, emulator
from tests.support.faults import Fault, error, injected
from tests.support.schedule import swept_after
from tests.support.table import everything
from tools.testing.shop import Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

FAULTS = ("TransactionConflict", "ProvisionedThroughputExceededException", "timeout", "lost answer")


class Till:
    """A shop with one order to act upon, paid over books in memory."""

    def __init__(self, shop: Shop, books_: books.Books) -> None:
        self.admin, self.ada, self.books = shop.admin(), shop.customer(), books_
        self.mug = str(self.admin.product(stock=10)["productId"])
        self.admin.coupon("TEN")
        self.ada("POST", "/cart/items", {"productId": self.mug, "quantity": 2})
        self.path = ""

    def checkout(self) -> ShopAnswer:
        answer = self.ada.order(couponCode="TEN", Idempotency_Key="k")
        self.path = f"/orders/{answer.body.get('orderId')}"
        return answer

    def cancel(self) -> ShopAnswer:
        return self.ada("PUT", f"{self.path}/cancel")

    def refund(self) -> ShopAnswer:
        return self.admin("POST", f"{self.path}/refunds", {"amount": 5}, Idempotency_Key="r")


ACTIONS: dict[str, tuple[Callable[[Till], ShopAnswer], int, tuple[str, str]]] = {
    "checkout": (Till.checkout, 201, ("processing", "paid")),
    "cancel": (Till.cancel, 200, ("cancelled", "refunded")),
    "refund": (Till.refund, 201, ("processing", "partially_refunded")),
}


@pytest.fixture
def till(shop: Shop) -> Iterator[Till]:
    kept = books.Undisputed()
    with mock.patch.object(providers, "current", return_value=books.Paid(kept)):
        yield Till(shop, kept)


def begun(till: Till, name: str) -> Callable[[Till], ShopAnswer]:
    if name != "checkout":
        assert till.checkout().status == 201
    return ACTIONS[name][0]


def failing(kind: str, number: int, *, times: int) -> Fault:
    """The call of that number fails so often, and again and again if it is made anew."""
    count, first = 0, ""

    def fault(operation: str, request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal count, first
        count += 1
        if count < number or count >= number + times or (first and operation != first):
            return go_on()
        first = first or operation
        if kind == "lost answer":
            go_on()
        raise ReadTimeoutError(endpoint_url="http://localhost") if kind in ("timeout", "lost answer") else error(kind)

    return fault


def calls(till: Till, act: Callable[[Till], ShopAnswer]) -> int:
    """About how many calls to the table it takes."""
    return {"checkout": 5, "cancel": 8, "refund": 9}[act.__name__]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", ACTIONS)
def test_any_single_call_may_fail_three_times(till: Till, name: str, kind: str) -> None:
    act, restore = begun(till, name), saved(till)
    for number in range(1, calls(till, act) + 1):
        restore()

        with injected(failing(kind, number, times=3)):
            answer = act(till)

        assert answer.status == ACTIONS[name][1], (number, answer)
        order = till.ada("GET", till.path).body
        assert (order["status"], order["paymentStatus"]) == ACTIONS[name][2], number
        books.audit(till.books, {till.mug: 10})


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("kind", ["TransactionConflict", "ProvisionedThroughputExceededException", "timeout"])
def test_what_fails_for_good_is_a_503_with_nothing_half_done(till: Till, name: str, kind: str) -> None:
    act, restore = begun(till, name), saved(till)
    before, restored = what_counts(everything()), [*till.books.journal]
    for number in range(2, calls(till, act) + 1):  # the first is the authorizer's, for which the gateway answers
        restore()

        with injected(failing(kind, number, times=10_000)):
            answer = act(till)

        assert answer.status in (200, 201, 202, 503), answer
        if answer.status == 503:
            assert (answer.body["code"], bool(answer.headers["Retry-After"])) == ("temporarily_unavailable", True)
        if till.books.journal == restored:  # the provider was not asked
            assert what_counts(everything()) == before, number
        swept_after(2, 4, 8)
        with clock.fixed(clock.now() + timedelta(minutes=2)):
            assert act(till).status in (200, 201, 202, 402)
        swept_after(12, 14)
        books.audit(till.books, {till.mug: 10})


def what_counts(items: books.Items) -> Any:
    """Orders, money, goods, coupons, carts and records."""
    kept = ("ORDER#", "PAY#", "STOCK", "METADATA", "USE#", "USER#", "REFUND#", "CART", "RECORD")
    return {key: item for key, item in items.items() if key[1].startswith(kept)}


def saved(till: Till) -> Callable[[], None]:
    """What brings the present state back."""
    emulator.emulated().stream_shard = None
    restore_table, kept = emulator.saved(), copy.deepcopy(vars(till.books))

    def restore() -> None:
        restore_table()
        vars(till.books).update(copy.deepcopy(kept))

    return restore
