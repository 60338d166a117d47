"""An order of named items and the cart that they are in (C3, C7, K4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.orders import sweep
from tests.support.meanwhile import changed_after_preparing
from tests.support.schedule import swept_after
from tools.testing.shop import Shop


@pytest.fixture
def goods(shop: Shop) -> dict[str, str]:
    """Products that there are many of, by name."""
    admin = shop.admin()
    return {name: str(admin.product(name=name, stock=500)["productId"]) for name in ("mug", "cup", "tea")}


def put(ada: Shop, goods: dict[str, str], **quantities: int) -> None:
    for name, quantity in quantities.items():
        added = ada("POST", "/cart/items", {"productId": goods[name], "quantity": quantity})
        assert added.status == 201, added


def cart(ada: Shop, goods: dict[str, str]) -> dict[str, int]:
    """How many of each are in the cart, by name."""
    names = {product_id: name for name, product_id in goods.items()}
    return {names[item["productId"]]: item["quantity"] for item in ada("GET", "/cart").body["items"]}


@pytest.mark.fault("F23")
@pytest.mark.parametrize(
    ("held", "ordered", "left"),
    [
        ({"mug": 2, "cup": 1, "tea": 3}, {"mug": 2}, {"cup": 1, "tea": 3}),
        ({"mug": 2, "cup": 1}, {"mug": 1}, {"mug": 1, "cup": 1}),
        ({"mug": 2, "cup": 1}, {"mug": 5}, {"cup": 1}),
        ({"mug": 2, "cup": 1}, {"mug": 1, "cup": 1, "tea": 1}, {"mug": 1}),
        ({"mug": 2, "cup": 1}, {"mug": 2, "cup": 1}, {}),
        ({"mug": 2}, {"tea": 1}, {"mug": 2}),
    ],
)
def test_an_order_of_named_items_takes_these_out_of_the_cart_and_a_decline_brings_them_back(
    ada: Shop, goods: dict[str, str], held: dict[str, int], ordered: dict[str, int], left: dict[str, int]
) -> None:
    put(ada, goods, **held)
    items = [(goods[name], quantity) for name, quantity in ordered.items()]

    declined, after_decline = ada.order(*items, token="tok_declined"), cart(ada, goods)
    placed, after_order = ada.order(*items), cart(ada, goods)

    assert (declined.status, after_decline) == (402, held)
    assert (placed.status, after_order) == (201, left)


@pytest.mark.fault("F23")
def test_one_product_in_two_lines_is_taken_out_of_the_cart_together(ada: Shop, goods: dict[str, str]) -> None:
    put(ada, goods, mug=3)

    ada.order((goods["mug"], 1), (goods["mug"], 1))

    assert cart(ada, goods) == {"mug": 1}


@pytest.mark.fault("F23")
def test_a_cart_without_the_named_items_is_not_written(ada: Shop, goods: dict[str, str]) -> None:
    put(ada, goods, mug=3)
    key = keys.user_cart(ada("GET", "/auth/me").body["userId"])
    before = db.get(key, consistent=True)

    with clock.fixed(clock.now() + timedelta(minutes=1)):
        for token in ("tok_success", "tok_declined"):
            ada.order((goods["tea"], 1), token=token)

    assert db.get(key, consistent=True) == before


@pytest.mark.fault("F23")
def test_a_cart_that_changes_while_named_items_are_ordered_does_not_stop_the_order(
    ada: Shop, goods: dict[str, str]
) -> None:
    put(ada, goods, mug=1, cup=1)
    mug = f"/cart/items/{goods['mug']}"

    with changed_after_preparing(
        lambda: ada("PUT", mug, {"quantity": 4}), lambda: ada("DELETE", mug), lambda: put(ada, goods, tea=1)
    ):
        placed = ada.order((goods["mug"], 2))

    assert (placed.status, [item["quantity"] for item in placed.body["items"]]) == (201, [2])
    assert cart(ada, goods) == {"cup": 1, "tea": 1}


@pytest.mark.fault("F23")
def test_what_comes_back_is_added_up_to_the_most_that_a_line_holds(ada: Shop, goods: dict[str, str]) -> None:
    put(ada, goods, mug=60, cup=3)
    waiting = ada.order((goods["mug"], 60), (goods["cup"], 5), token="tok_timeout_before")
    put(ada, goods, mug=50, cup=1)

    swept_after(3, 7)

    assert ada("GET", f"/orders/{waiting.body['orderId']}").body["paymentStatus"] == "failed"
    assert cart(ada, goods) == {"mug": 99, "cup": 4}


@pytest.mark.fault("F23")
def test_a_line_that_stayed_keeps_its_price_and_place_when_the_rest_comes_back(
    shop: Shop, ada: Shop, goods: dict[str, str]
) -> None:
    put(ada, goods, mug=3, cup=1)
    shop.login("root@example.com")("PATCH", f"/products/{goods['mug']}", {"price": 20})

    ada.order((goods["mug"], 1), token="tok_declined")

    first = ada("GET", "/cart").body["items"][0]
    assert (first["productId"], first["quantity"], first["priceChanged"]) == (goods["mug"], 3, True)


@pytest.mark.fault("F23")
@pytest.mark.parametrize("whole", [True, False])
def test_an_order_that_is_let_go_comes_back_to_no_cart_however_it_was_ordered(
    ada: Shop, goods: dict[str, str], *, whole: bool
) -> None:
    """Only a decline brings lines back (C7): who cancels or lets the time go by does not want them."""
    for ending in ("cancel", "expiry"):
        put(ada, goods, mug=2)
        items = [] if whole else [(goods["mug"], 2)]
        order = ada.order(*items, token="tok_requires_action").body
        if ending == "cancel":
            ada("PUT", f"/orders/{order['orderId']}/cancel")
        else:
            with clock.fixed(clock.now() + timedelta(minutes=16)):
                sweep.run(seconds=60)

        assert ada("GET", f"/orders/{order['orderId']}").body["paymentStatus"] == "voided"
        assert cart(ada, goods) == {}


@pytest.mark.fault("F23")
def test_a_guests_cart_is_nobodys_order(shop: Shop, ada: Shop, goods: dict[str, str]) -> None:
    token = shop("POST", "/cart/items", {"productId": goods["mug"], "quantity": 1}).headers["X-Cart-Token"]

    ada.order((goods["mug"], 1))

    assert shop("GET", "/cart", X_Cart_Token=token).body["itemCount"] == 1


@pytest.mark.fault("F23")
def test_the_same_key_takes_out_of_the_cart_once(ada: Shop, goods: dict[str, str]) -> None:
    put(ada, goods, mug=5)

    for _ in range(2):
        ada.order((goods["mug"], 2), Idempotency_Key="k")

    assert cart(ada, goods) == {"mug": 3}
