"""Checkout and what becomes of an order over the app's routes (rules I, C, S, P, O)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.orders import checkout
from tests.support.schedule import swept_after
from tools.testing.shop import ADDRESS, Shop


def test_one_product_in_two_lines_is_added_up_before_the_stock_is_checked(shop: Shop, ada: Shop, mug: str) -> None:
    refused = ada.order((mug, 6), (mug, 5))

    assert (refused.status, refused.body["code"]) == (409, "insufficient_stock")
    assert [(e["requested"], e["available"]) for e in refused.body["errors"]] == [(11, 10)]
    assert shop.stock(mug) == 10


def test_all_short_lines_are_reported_at_once(shop: Shop, ada: Shop, mug: str) -> None:
    tea = shop.admin("second@example.com").product(name="Tea", stock=1)["productId"]

    refused = ada.order((mug, 11), (tea, 2))

    assert {(e["productId"], e["available"]) for e in refused.body["errors"]} == {(mug, 10), (tea, 1)}


def test_a_product_that_nobody_knows_is_told_from_one_that_is_gone(shop: Shop, ada: Shop, mug: str) -> None:
    root = shop.admin("second@example.com")
    gone = root.product(name="Tea")["productId"]
    root("DELETE", f"/products/{gone}")

    refused = ada.order(("prd_none", 1), (gone, 2))

    assert (refused.status, refused.body["code"]) == (404, "product_not_found")
    assert [(e["field"], e["detail"]) for e in refused.body["errors"]] == [
        ("items[0].productId", "There is no such product."),
        ("items[1].productId", "It is no longer for sale."),
    ]


def test_faulty_lines_of_all_kinds_come_in_the_order_of_the_request(ada: Shop, mug: str) -> None:
    refused = ada.order(("prd_none", 1), (mug, 11), ("prd_nothing", 2))

    assert (refused.status, refused.body["code"]) == (409, "insufficient_stock")
    assert [(e["field"], e["code"], e["requested"], e["available"]) for e in refused.body["errors"]] == [
        ("items[0].productId", "product_not_found", 1, 0),
        ("items[1].quantity", "insufficient_stock", 11, 10),
        ("items[2].productId", "product_not_found", 2, 0),
    ]


def test_a_country_that_is_none_is_a_faulty_field_of_orders_and_profiles(shop: Shop, ada: Shop, mug: str) -> None:
    british = {**ADDRESS, "country": "UK"}

    answers = [
        ada.order((mug, 1), shippingAddress=british),
        ada("PUT", "/users/profile", {"addresses": [british, ADDRESS, {**ADDRESS, "country": "QQ"}]}),
    ]

    assert [(each.status, each.body["code"]) for each in answers] == [(400, "validation_failed")] * 2
    assert [each.fields for each in answers] == [
        {("shippingAddress.country", "invalid_value")},
        {("addresses[0].country", "invalid_value"), ("addresses[2].country", "invalid_value")},
    ]
    assert shop.stock(mug) == 10
    assert ada.order((mug, 1), shippingAddress={**ADDRESS, "country": "XK"}).status == 201


def test_the_same_key_is_one_order_with_the_same_bytes(shop: Shop, ada: Shop, mug: str) -> None:
    first = ada.order((mug, 2), Idempotency_Key='"k-1"')
    again = ada.order((mug, 2), Idempotency_Key="k-1")

    assert (first.status, again.status) == (201, 201)
    assert first.text == again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.stock(mug) == 8


def test_the_same_key_after_the_cart_was_emptied_by_the_order_replays_it(ada: Shop, mug: str) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    first = ada.order(Idempotency_Key="k")

    assert ada.order(Idempotency_Key="k").text == first.text


def test_the_same_key_with_another_body_is_refused(ada: Shop, mug: str) -> None:
    ada.order((mug, 2), Idempotency_Key="k")

    refused = ada.order((mug, 3), Idempotency_Key="k")

    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")


def test_a_decline_is_replayed_too(shop: Shop, ada: Shop, mug: str) -> None:
    first = ada.order((mug, 2), token="tok_declined", Idempotency_Key="k")
    again = ada.order((mug, 2), token="tok_declined", Idempotency_Key="k")

    assert (first.status, again.status) == (402, 402)
    assert first.text == again.text
    assert shop.stock(mug) == 10


def test_somebody_elses_key_is_their_own(shop: Shop, ada: Shop, mug: str) -> None:
    bob = shop.customer("bob@example.com")

    orders = {who.order((mug, 1), Idempotency_Key="k").body["orderId"] for who in (ada, bob)}

    assert len(orders) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "caf\u00e9", "a\tb"])
def test_a_malformed_key_is_refused(ada: Shop, mug: str, key: str) -> None:
    refused = ada.order((mug, 1), Idempotency_Key=key)

    assert (refused.status, refused.body["code"]) == (400, "invalid_idempotency_key")


def test_another_total_than_expected_sells_nothing(shop: Shop, ada: Shop, mug: str) -> None:
    refused = ada.order((mug, 2), expectedTotal=24.99)

    assert (refused.status, refused.body["code"], refused.body["totalAmount"]) == (409, "cart_changed", 25.0)
    assert shop.stock(mug) == 10
    assert ada.order((mug, 2), expectedTotal=25).status == 201


@pytest.mark.parametrize(
    ("token", "status", "payment", "left"),
    [("tok_timeout", "processing", "paid", 8), ("tok_timeout_before", "cancelled", "failed", 10)],
)
def test_an_unknown_outcome_is_settled_by_the_schedule(
    shop: Shop, ada: Shop, mug: str, token: str, status: str, payment: str, left: int
) -> None:
    placed = ada.order((mug, 2), token=token)
    assert (placed.status, placed.body["status"], placed.body["paymentStatus"]) == (202, "pending", "unknown")
    path = f"/orders/{placed.body['orderId']}"
    assert ada("PUT", f"{path}/cancel").body["code"] == "payment_outcome_unknown"

    swept_after(3, 7)

    settled = ada("GET", f"{path}/status").body
    assert (settled["status"], settled["paymentStatus"]) == (status, payment)
    assert shop.stock(mug) == left


def test_cancelling_twice_gives_the_stock_and_the_money_back_once(shop: Shop, ada: Shop, mug: str) -> None:
    order = ada.order((mug, 3)).body["orderId"]

    first = ada("PUT", f"/orders/{order}/cancel")
    again = ada("PUT", f"/orders/{order}/cancel")

    assert [(a.status, a.body["status"], a.body["paymentStatus"]) for a in (first, again)] == [
        (200, "cancelled", "refunded")
    ] * 2
    assert shop.stock(mug) == 10
    assert [entry["status"] for entry in again.body["timeline"]] == ["pending", "processing", "cancelled"]


def test_an_order_whose_buyer_does_nothing_expires_after_fifteen_minutes_and_not_before(
    shop: Shop, ada: Shop, mug: str
) -> None:
    placed = ada.order((mug, 2), token="tok_requires_action")
    assert (placed.status, placed.body["paymentStatus"]) == (202, "requires_action")
    assert placed.body["payment"]["nextAction"]

    assert [run["expired"] for run in swept_after(14, 16, 17)] == [0, 1, 0]

    order = ada("GET", f"/orders/{placed.body['orderId']}").body
    assert (order["status"], order["paymentStatus"]) == ("expired", "voided")
    assert shop.stock(mug) == 10


def test_expiry_is_judged_when_somebody_looks(shop: Shop, ada: Shop, mug: str) -> None:
    placed = ada.order((mug, 2), token="tok_requires_action").body

    with clock.fixed(clock.now() + timedelta(minutes=16)):
        assert ada("GET", f"/orders/{placed['orderId']}/status").body["status"] == "expired"

    assert shop.stock(mug) == 10


def test_a_free_order_needs_no_payment(shop: Shop, ada: Shop) -> None:
    sample = shop.admin().product(name="Sample", price=0)["productId"]

    placed = ada.order((sample, 1), token="tok_declined")

    assert (placed.status, placed.body["status"], placed.body["paymentStatus"]) == (201, "processing", "none")


def test_somebody_elses_order_is_not_found_but_an_admins_view_is(shop: Shop, ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    bob, admin = shop.customer("bob@example.com"), shop.admin("second@example.com")

    for method, path in (("GET", ""), ("GET", "/status"), ("PUT", "/cancel")):
        assert bob(method, f"/orders/{order}{path}").body["code"] == "order_not_found"
    assert admin("GET", f"/orders/{order}").body["orderId"] == order
    assert [o["orderId"] for o in admin("GET", "/orders?status=processing").body["orders"]] == [order]
    assert bob("GET", "/orders").body == {"orders": [], "count": 0, "nextCursor": None}


def test_a_logged_out_session_cannot_buy(ada: Shop, mug: str) -> None:
    assert ada("POST", "/auth/logout").status == 204

    assert ada.order((mug, 1)).status == 401


def test_a_price_that_changed_since_reading_is_read_again(shop: Shop, ada: Shop, mug: str) -> None:
    db.commit(db.update(keys.stock(mug), "SET price = :price", {":price": 1500}))

    assert ada.order((mug, 1)).body["totalAmount"] == 15.0


def test_a_session_that_is_ended_while_it_buys_buys_nothing(
    shop: Shop, ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = checkout.prepare

    def log_out_meanwhile(*said: Any) -> Any:
        prepared = real(*said)
        assert ada("POST", "/auth/logout").status == 204
        return prepared

    monkeypatch.setattr(checkout, "prepare", log_out_meanwhile)

    assert ada.order((mug, 1)).status == 401
    assert shop.stock(mug) == 10
    assert shop.login()("GET", "/orders").body["orders"] == []


def test_a_key_is_free_again_after_a_day_and_not_before(shop: Shop, ada: Shop, mug: str) -> None:
    first = ada.order((mug, 1), Idempotency_Key="k").body["orderId"]

    placed = []
    for hours in (23.9, 24.1):
        with clock.fixed(clock.now() + timedelta(hours=hours)):
            again = shop.login().order((mug, 1), Idempotency_Key="k")
            placed.append((again.status, again.body["orderId"] == first))

    assert placed == [(201, True), (201, False)]
    assert shop.stock(mug) == 8
