"""What a request costs: round trips to DynamoDB, counted at the client (the budgets of docs/budgets.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from chalicelib.auth import tokens
from chalicelib.aws import clients, keyring
from tests.support.pictures import PNG
from tools.testing.shop import Shop, ShopAnswer

Count = Callable[[Callable[[], ShopAnswer]], list[str]]


@pytest.fixture
def calls(aws: None) -> Count:
    """The DynamoDB operations that a request makes, the authorizer's read excepted."""

    def count(request: Callable[[], ShopAnswer]) -> list[str]:
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


@pytest.mark.fault("F23")
def test_named_items_cost_a_checkout_no_call_for_the_cart_that_they_are_taken_out_of(shop: Shop, calls: Count) -> None:
    mug = shop.admin().product()["productId"]
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})

    made = [calls(lambda: ada.order((mug, 1))) for _ in ("part of a line", "the rest", "none is left")]

    authorizer, simulator = ["GetItem"], ["TransactWriteItems", "GetItem"]
    own = ["BatchGetItem", "TransactWriteItems"]
    assert made == [[*authorizer, *own, *simulator, "TransactWriteItems"]] * 3


def test_a_coupon_costs_a_checkout_no_further_call_and_its_check_three(shop: Shop, calls: Count) -> None:
    admin = shop.admin()
    mug = admin.product()["productId"]
    admin.coupon("SPRING", totalLimit=5, perUserLimit=5)
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]

    checked = calls(lambda: shop("POST", "/cart/coupon", {"code": "SPRING"}, X_Cart_Token=token))
    ordered = calls(lambda: ada.order(couponCode="SPRING", Idempotency_Key="one"))

    assert checked == ["UpdateItem", "GetItem", "BatchGetItem", "BatchGetItem"]  # the first counts it
    authorizer, simulator = ["GetItem"], ["TransactWriteItems", "GetItem"]
    assert ordered == [*authorizer, "GetItem", "BatchGetItem", "TransactWriteItems", *simulator, "TransactWriteItems"]


def test_a_list_of_orders_costs_one_call(shop: Shop, calls: Count) -> None:
    mug = shop.admin().product()["productId"]
    ada = shop.customer()
    for _ in range(3):
        ada.order((mug, 1))

    assert calls(lambda: ada("GET", "/orders")) == ["GetItem", "Query"]


def test_a_login_costs_three_calls_and_one_more_where_a_lease_is_taken(shop: Shop, calls: Count) -> None:
    shop.register()
    credentials = {"email": "ada@example.com", "password": "correct horse battery"}

    made = [calls(lambda: shop("POST", "/auth/login", credentials)) for _ in range(3)]

    lease, own = "UpdateItem", ["UpdateItem", "GetItem", "TransactWriteItems"]
    assert made == [[lease, *own], [lease, *own], own]  # the second lease is of two


def test_the_authorizer_costs_one_eventually_consistent_read(shop: Shop) -> None:
    header = shop.customer().headers["Authorization"]
    keyring.get_keys()
    asked: list[dict[str, Any]] = []
    clients.dynamodb().meta.events.register(
        "provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params)
    )

    tokens.authenticate(header)

    assert [request["ConsistentRead"] for request in asked] == [False]


def test_an_image_costs_one_call_to_ask_for_and_two_to_confirm(shop: Shop, calls: Count) -> None:
    admin = shop.admin()
    path = f"/products/{admin.product()['productId']}/images"
    asked: list[ShopAnswer] = []

    def ask() -> ShopAnswer:
        asked.append(admin("POST", path, {"contentType": "image/png"}))
        return asked[0]

    authorizer, session = ["GetItem"], ["GetItem"]
    assert calls(ask) == authorizer + session + ["BatchGetItem"]
    boto3.client("s3").put_object(Bucket="ecommerce-test", Key=asked[0].body["upload"]["fields"]["key"], Body=PNG)
    confirmed = calls(lambda: admin("PUT", f"{path}/{asked[0].body['imageId']}"))
    assert confirmed == authorizer + session + ["BatchGetItem", "UpdateItem"]
