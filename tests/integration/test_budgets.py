"""What a request costs: round trips to DynamoDB, counted at the client (the budgets of docs/budgets.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import clients, keyring
from chalicelib.auth import tokens
from tests.shop import Answer, Shop

Count = Callable[[Callable[[], Answer]], list[str]]


@pytest.fixture
def calls(aws: None) -> Count:
    """The DynamoDB operations that a request makes, the authorizer's read excepted."""

    def count(request: Callable[[], Answer]) -> list[str]:
        made: list[str] = []

        def note(model: Any, **_: Any) -> None:
            made.append(model.name)

        events = clients.dynamodb().meta.events
        events.register("before-call.dynamodb", note)
        answer = request()
        events.unregister("before-call.dynamodb", note)
        assert answer.status < 300, answer
        return made

    return count


def test_a_product_costs_one_call(shop: Shop, calls: Count) -> None:
    mug = shop.admin().product()["productId"]

    assert calls(lambda: shop("GET", f"/products/{mug}")) == ["BatchGetItem"]


@pytest.mark.parametrize("path", ["/products?limit=20", "/products/category/kitchen?limit=20"])
def test_a_page_of_twenty_products_costs_one_call(shop: Shop, calls: Count, path: str) -> None:
    admin = shop.admin()
    for number in range(21):
        admin.product(name=f"Mug {number}")

    assert calls(lambda: shop("GET", path)) == ["Query"]


def test_a_cart_costs_two_calls_however_many_lines_and_adding_two(shop: Shop, calls: Count) -> None:
    admin = shop.admin()
    mugs = [admin.product(name=f"Mug {number}")["productId"] for number in range(30)]
    guest = shop("POST", "/cart/items", {"productId": mugs[0], "quantity": 1}).headers["X-Cart-Token"]

    adding = [
        calls(lambda mug=mug: shop("POST", "/cart/items", {"productId": mug, "quantity": 1}, X_Cart_Token=guest))
        for mug in mugs
    ]

    assert all(made == ["BatchGetItem", "TransactWriteItems"] for made in adding)
    assert calls(lambda: shop("GET", "/cart", X_Cart_Token=guest)) == ["GetItem", "BatchGetItem"]


def test_a_checkout_of_a_cart_costs_four_calls_with_its_payment_bookkeeping(shop: Shop, calls: Count) -> None:
    admin = shop.admin()
    mugs = [admin.product(name=f"Mug {number}")["productId"] for number in range(5)]
    ada = shop.customer()
    for mug in mugs:
        ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    made = calls(lambda: ada.order(Idempotency_Key="one"))

    authorizer, simulator = ["GetItem"], ["TransactWriteItems", "GetItem"]  # neither is the checkout's own
    prepare, place, settle = ["GetItem", "BatchGetItem"], ["TransactWriteItems"], ["TransactWriteItems"]
    assert made == authorizer + prepare + place + simulator + settle


def test_a_list_of_orders_costs_one_call(shop: Shop, calls: Count) -> None:
    mug = shop.admin().product()["productId"]
    ada = shop.customer()
    for _ in range(3):
        ada.order((mug, 1))

    assert calls(lambda: ada("GET", "/orders")) == ["GetItem", "Query"]


def test_a_login_costs_three_calls(shop: Shop, calls: Count) -> None:
    shop.register()
    credentials = {"email": "ada@example.com", "password": "correct horse battery"}

    made = calls(lambda: shop("POST", "/auth/login", credentials))

    assert made == ["UpdateItem", "GetItem", "TransactWriteItems"]


def test_the_authorizer_costs_one_eventually_consistent_read(shop: Shop) -> None:
    header = shop.customer().headers["Authorization"]
    keyring.known()
    asked: list[dict[str, Any]] = []
    clients.dynamodb().meta.events.register(
        "provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params)
    )

    tokens.authenticate(header)

    assert [request["ConsistentRead"] for request in asked] == [False]
