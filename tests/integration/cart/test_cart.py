"""Carts of users and guests over the app's routes (rules K)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from chalicelib.cart import store as cart_store
from chalicelib.core import clock
from tools.testing.shop import Shop


def test_adding_again_adds_up_and_a_put_sets(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    ada("POST", "/cart/items", {"productId": mug, "quantity": 3})
    assert ada("GET", "/cart").body["items"][0]["quantity"] == 5

    ada("PUT", f"/cart/items/{mug}", {"quantity": 1})

    cart = ada("GET", "/cart").body
    assert (cart["itemCount"], cart["totalAmount"], cart["currency"]) == (1, 12.5, "USD")


def test_zero_delete_and_clear_remove(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    for remove in (
        ("PUT", f"/cart/items/{mug}", {"quantity": 0}),
        ("DELETE", f"/cart/items/{mug}"),
        ("DELETE", "/cart"),
    ):
        ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

        assert ada(*remove).status == 204

        assert ada("GET", "/cart").body["items"] == []
    assert ada("DELETE", f"/cart/items/{mug}").body["code"] == "cart_item_not_found"


def test_zero_of_what_is_not_in_the_cart_changes_nothing(shop: Shop, mug: str) -> None:
    ada, stray = shop.customer(), Shop(shop.client, {"X-Cart-Token": "x" * 43})
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    answers = [ada("PUT", f"/cart/items/{mug}", {"quantity": 0}) for _ in range(3)]
    stranger = stray("PUT", f"/cart/items/{mug}", {"quantity": 0})

    assert [each.status for each in answers] == [204] * 3
    assert (stranger.status, stranger.body["code"]) == (404, "cart_not_found")


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, 1e9, 100, "1", None])
def test_a_quantity_that_is_none_is_refused_by_name(shop: Shop, mug: str, quantity: object) -> None:
    answer = shop("POST", "/cart/items", {"productId": mug, "quantity": quantity})

    assert (answer.status, answer.body["code"]) == (400, "validation_failed")
    assert {field for field, _ in answer.fields} == {"quantity"}


def test_more_than_in_stock_says_how_many_are_left(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 8})

    refused = ada("POST", "/cart/items", {"productId": mug, "quantity": 3})

    assert (refused.status, refused.body["code"]) == (409, "insufficient_stock")
    fault = refused.body["errors"][0]
    assert (fault["productId"], fault["requested"], fault["available"]) == (mug, 11, 10)
    assert ada("GET", "/cart").body["itemCount"] == 8


@pytest.mark.parametrize("unknown", ["prd_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "../x", "prd_" + "Z" * 60])
def test_an_unknown_product_is_not_found(shop: Shop, unknown: str) -> None:
    answer = shop("POST", "/cart/items", {"productId": unknown, "quantity": 1})

    assert (answer.status, answer.body["code"]) == (404, "product_not_found")


def test_the_thirty_first_product_is_refused(shop: Shop) -> None:
    admin, ada = shop.admin(), shop.customer()
    for number in range(30):
        product = admin.product(name=f"Mug {number}")["productId"]
        assert ada("POST", "/cart/items", {"productId": product, "quantity": 1}).status == 201

    refused = ada("POST", "/cart/items", {"productId": admin.product()["productId"], "quantity": 1})

    assert (refused.status, refused.body["code"]) == (422, "too_many_items")


def test_a_cart_shows_nothing_of_what_becomes_of_a_product_that_is_not_for_sale(
    shop: Shop, ada: Shop, mug: str
) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    change = {"isActive": False, "name": "Secret", "price": 77}
    assert shop.login("root@example.com")("PATCH", f"/products/{mug}", change).status == 200

    (line,) = ada("GET", "/cart").body["items"]
    assert (line["productName"], line["price"], line["available"]) == ("Mug", 12.5, False)


def test_a_cart_holds_one_currency(shop: Shop, mug: str) -> None:
    tea = shop.admin("second@example.com").product(name="Tea", price=500, currency="JPY")["productId"]
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    refused = ada("POST", "/cart/items", {"productId": tea, "quantity": 1})

    assert (refused.status, refused.body["code"]) == (409, "cart_currency_mismatch")


@pytest.mark.fault("F21")
def test_a_product_in_another_currency_is_refused_with_every_line_and_its_currency(shop: Shop, mug: str) -> None:
    tea = shop.admin("second@example.com").product(name="Tea", price=500, currency="JPY")["productId"]
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    refused = ada("POST", "/cart/items", {"productId": tea, "quantity": 1})

    code = "cart_currency_mismatch"
    assert refused.body["errors"] == [
        {"field": "productId", "code": code, "detail": "It is paid in JPY.", "productId": tea, "currency": "JPY"},
        {"field": f"cart.{mug}", "code": code, "detail": "It is paid in USD.", "productId": mug, "currency": "USD"},
    ]


@pytest.mark.fault("F21")
def test_a_line_whose_product_has_a_new_currency_is_refused_another_quantity_by_name(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    assert shop.login("root@example.com")("PATCH", f"/products/{mug}", {"price": 9, "currency": "EUR"}).status == 200

    refused = ada("PUT", f"/cart/items/{mug}", {"quantity": 2})

    assert (refused.status, refused.body["code"]) == (409, "cart_currency_mismatch")
    named = [(each["field"], each["productId"], each["currency"]) for each in refused.body["errors"]]
    assert named == [(f"cart.{mug}", mug, "EUR")]


@pytest.mark.fault("F21")
@pytest.mark.parametrize("from_cart", [False, True])
def test_a_checkout_in_two_currencies_names_every_line_with_its_currency(
    shop: Shop, mug: str, *, from_cart: bool
) -> None:
    admin, ada = shop.login("root@example.com"), shop.customer()
    tea = admin.product(name="Tea", price=5)["productId"]
    for each in (mug, tea):
        ada("POST", "/cart/items", {"productId": each, "quantity": 1})
    assert admin("PATCH", f"/products/{tea}", {"price": 500, "currency": "JPY"}).status == 200

    refused = ada.order() if from_cart else ada.order((mug, 1), (tea, 1))

    assert (refused.status, refused.body["code"]) == (409, "cart_currency_mismatch")
    fields = [f"cart.{mug}", f"cart.{tea}"] if from_cart else ["items[0].productId", "items[1].productId"]
    named = [(each["field"], each["productId"], each["currency"]) for each in refused.body["errors"]]
    assert named == [(fields[0], mug, "USD"), (fields[1], tea, "JPY")]


@pytest.mark.fault("F4")
def test_an_empty_cart_is_in_the_stages_currency(shop: Shop, default_currency: Callable[[str], None]) -> None:
    default_currency("KWD")

    assert shop.customer()("GET", "/cart").body["currency"] == "KWD"


def test_two_currencies_added_at_once_do_not_mix(shop: Shop, mug: str) -> None:
    tea = shop.admin("second@example.com").product(name="Tea", price=500, currency="JPY")["productId"]
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    ada("DELETE", "/cart")
    original, first = (
        cart_store.get_with_listing,
        iter([lambda: ada("POST", "/cart/items", {"productId": mug, "quantity": 1})]),
    )

    def load_with(*arguments: Any) -> Any:
        loaded = original(*arguments)
        next(first, lambda: None)()
        return loaded

    with mock.patch.object(cart_store, "get_with_listing", load_with):
        late = ada("POST", "/cart/items", {"productId": tea, "quantity": 1})

    assert late.body["code"] == "cart_currency_mismatch"


def test_a_guest_gets_a_token_and_only_that_token_opens_the_cart(shop: Shop, mug: str) -> None:
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]

    assert len(token) >= 22  # 128 bits and more in base64
    assert shop("GET", "/cart", X_Cart_Token=token).body["itemCount"] == 1
    assert shop("GET", "/cart", X_Cart_Token=token[:-1] + "x").status == 404
    as_bytes = f"\u200b{token}\u00a0".encode().decode("latin-1")  # as a gateway gives the bytes of a header
    assert shop("GET", "/cart", X_Cart_Token=as_bytes).body["itemCount"] == 1
    assert shop("GET", "/cart").body["items"] == []


def test_a_bad_bearer_token_is_401_and_never_silently_a_guest(shop: Shop) -> None:
    for header in ("Bearer nonsense", "Basic dXNlcg==", "Bearer "):
        answer = shop("GET", "/cart", Authorization=header)

        assert (answer.status, answer.body["code"]) == (401, "invalid_token")


def test_a_guest_cart_expires_after_thirty_days_without_a_change(shop: Shop, mug: str) -> None:
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]

    with clock.fixed(clock.now() + timedelta(days=29)):
        assert shop("GET", "/cart", X_Cart_Token=token).status == 200
    with clock.fixed(clock.now() + timedelta(days=31)):
        assert shop("GET", "/cart", X_Cart_Token=token).status == 404


def test_the_same_key_adds_once(shop: Shop, mug: str) -> None:
    ada = shop.customer()

    answers = [ada("POST", "/cart/items", {"productId": mug, "quantity": 2}, Idempotency_Key="k") for _ in range(3)]

    assert {answer.status for answer in answers} == {201}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert ada("GET", "/cart").body["itemCount"] == 2
