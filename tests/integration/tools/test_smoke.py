"""The smoke test: what a customer's way finds, and that it leaves nothing behind however it ends."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.api import caching
from tests.support.table import everything
from tools.package.edge import cache
from tools.release.smoke.journey import Journey
from tools.release.smoke.ways import Failed, Reply
from tools.testing.shop import Shop


class InProcess:
    """The app as a way to the shop, with what is to be answered otherwise."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.instead: dict[tuple[str, str], list[Reply]] = {}

    def __call__(
        self, method: str, path: str, body: Any = None, *, resource: str | None = None, **headers: str
    ) -> Reply:
        if waiting := self.instead.get((method, resource or path)):
            return waiting.pop()
        answer = Shop(self.shop.client, headers)(method, path, body)
        return Reply(answer.status, answer.body)


class Kept(InProcess):
    """The same behind API Gateway's cache of products, in which nothing grows old while a test runs."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.kept: dict[tuple[str | None, ...], Reply] = {}

    def __call__(
        self, method: str, path: str, body: Any = None, *, resource: str | None = None, **headers: str
    ) -> Reply:
        def ask() -> Reply:
            return InProcess.__call__(self, method, path, body, resource=resource, **headers)

        if method != "GET" or (resource or path.partition("?")[0]) not in caching.SHARED:
            return ask()
        key = (path, *map(headers.get, cache.HEADERS))
        self.kept[key] = self.kept.get(key) or ask()
        return self.kept[key]


@pytest.fixture
def api(shop: Shop) -> InProcess:
    return InProcess(shop)


def journey(api: InProcess, token: str = "tok_success", **more: Any) -> Journey:
    return Journey(api, token, lambda _: True, patience=0.0, mail_patience=0.0, **more)


def left_behind() -> list[str]:
    """Accounts that are not erased, and orders that are not over."""
    items = everything().values()
    accounts = [
        str(each["email"]) for each in items if each["SK"] == "PROFILE" and "simulator" in str(each.get("email"))
    ]
    return accounts + [
        each["status"] for each in items if each["SK"].startswith("ORDER#") and each["status"] != "cancelled"
    ]


def test_a_customer_can_buy_and_nothing_is_left(api: InProcess, shop: Shop, mug: str) -> None:
    made = journey(api)

    made.go()

    assert made.steps[-1] == "erase the account"
    assert "give the stock back" in made.steps
    assert made.notes == []
    assert shop.stock(mug) == 10
    assert left_behind() == []


def test_what_a_cache_keeps_of_products_is_not_taken_for_the_stock(
    shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHED_BY_GATEWAY", "true")
    made = journey(Kept(shop))

    made.go()

    assert (made.notes, shop.stock(mug)) == ([], 10)


def test_a_step_that_fails_is_a_sentence_and_leaves_nothing(api: InProcess, shop: Shop, mug: str) -> None:
    api.instead["GET", "/orders/{order_id}"] = [Reply(500, {"code": "internal_error"})]

    with pytest.raises(Failed, match="get the money back: the answer is 500 instead of 200"):
        journey(api).go()

    assert shop.stock(mug) == 10
    assert left_behind() == []


def test_an_order_that_was_not_answered_is_cancelled(api: InProcess, shop: Shop, mug: str) -> None:
    made = journey(api)
    ask = api.__call__

    def lose_the_order(method: str, path: str, *rest: Any, **more: Any) -> Reply:
        reply = ask(method, path, *rest, **more)
        return Reply(500, None) if (method, path) == ("POST", "/orders") else reply

    made.api = lose_the_order

    with pytest.raises(Failed, match="Step 6, buy: the answer is 500"):
        made.go()

    assert shop.stock(mug) == 10
    assert left_behind() == []


def test_where_real_cards_are_needed_a_declined_order_has_to_end_well(api: InProcess, shop: Shop, mug: str) -> None:
    made = journey(api, "tok_declined", takes_real_money=True)

    made.go()

    assert made.notes == ["The shop takes no test card, so the order was to end as declined."]
    assert "give the stock back after a declined card" in made.steps
    assert shop.stock(mug) == 10


def test_stock_that_is_not_taken_is_found(api: InProcess, mug: str) -> None:
    shown = {"productId": mug, "stock": 10}
    api.instead["GET", "/products/{product_id}"] = [Reply(200, shown) for _ in range(4)]

    with pytest.raises(Failed, match="take the stock: there are 10 where there should be 9"):
        journey(api).go()

    assert left_behind() == []


def test_a_mail_that_does_not_go_out_is_found(api: InProcess, mug: str) -> None:
    made = journey(api)
    made.has_mailed = lambda _: False

    with pytest.raises(Failed, match="mail: no mail about the order went out"):
        made.go()

    assert left_behind() == []


def test_an_empty_shop_is_a_note(api: InProcess) -> None:
    made = journey(api)

    made.go()

    assert made.notes == ["Nothing is for sale, so nothing was bought."]
    assert left_behind() == []
