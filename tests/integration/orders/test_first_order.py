"""The newcomer's story: register, browse, buy, look it up, cancel."""

from __future__ import annotations

import pytest

from tools.testing.shop import Shop


def test_a_newcomer_buys_something_and_changes_their_mind(shop: Shop) -> None:
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()

    added = ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    assert (added.status, added.body["subtotal"]) == (201, 25.0)
    ordered = ada.order()

    assert (ordered.status, ordered.body["status"], ordered.body["paymentStatus"]) == (201, "processing", "paid")
    assert ordered.body["totalAmount"] == 25.0
    assert shop.stock(mug) == 8
    assert ada("GET", "/cart").body["items"] == []
    assert [order["orderId"] for order in ada("GET", "/orders").body["orders"]] == [ordered.body["orderId"]]

    cancelled = ada("PUT", f"/orders/{ordered.body['orderId']}/cancel")
    assert (cancelled.body["status"], cancelled.body["paymentStatus"]) == ("cancelled", "refunded")
    assert shop.stock(mug) == 10


@pytest.mark.parametrize("token", ["tok_declined", "tok_nonsense"])
def test_a_declined_payment_gives_everything_back(shop: Shop, token: str) -> None:
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})

    declined = ada.order(token=token)

    assert (declined.status, declined.body["code"]) == (402, "payment_declined")
    order = ada("GET", f"/orders/{declined.body['orderId']}").body
    assert (order["status"], order["paymentStatus"]) == ("cancelled", "failed")
    assert shop.stock(mug) == 10
    assert [(i["productId"], i["quantity"]) for i in ada("GET", "/cart").body["items"]] == [(mug, 2)]
