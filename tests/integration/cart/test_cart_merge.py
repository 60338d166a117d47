"""A guest's cart comes along at login (K1, K2), over the app's routes and where things go wrong."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from chalicelib.auth import service as auth
from chalicelib.auth.schemas import Credentials
from chalicelib.aws import db
from chalicelib.cart import service as cart
from tests.support.faults import Crash, crash, injected, lose_answer, refuse
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

EMAIL = "ada@example.com"


def guest_cart(shop: Shop, *lines: tuple[str, int]) -> str:
    """The token of a guest who has put those products into a cart."""
    guest = shop
    for product, quantity in lines:
        added = guest("POST", "/cart/items", {"productId": product, "quantity": quantity})
        assert added.status == 201, added
        guest = Shop(shop.client, {"X-Cart-Token": added.headers["X-Cart-Token"]})
    return guest.headers["X-Cart-Token"]


def login(shop: Shop, token: str, path: str = "/auth/login") -> ShopAnswer:
    return shop("POST", path, {"email": EMAIL, "password": PASSWORD, "cartToken": token})


def quantities(shop: Shop) -> dict[str, int]:
    return {item["productId"]: item["quantity"] for item in shop("GET", "/cart").body["items"]}


@pytest.mark.parametrize("path", ["/auth/login", "/sessions"])
def test_quantities_add_up_and_the_guests_cart_is_gone(shop: Shop, ada: Shop, mug: str, path: str) -> None:
    pot = shop.login("root@example.com").product(name="Pot")["productId"]
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    token = guest_cart(shop, (mug, 3), (pot, 1))

    answer = login(shop, token, path)

    assert answer.body["cart"] == {"merged": 2, "changes": []}
    assert quantities(ada) == {mug: 5, pot: 1}
    assert shop("GET", "/cart", X_Cart_Token=token).body["code"] == "cart_not_found"


def test_logging_in_again_with_the_token_adds_nothing(shop: Shop, ada: Shop, mug: str) -> None:
    token = guest_cart(shop, (mug, 3))

    answers = [login(shop, token) for _ in range(3)]

    assert [answer.body["cart"] for answer in answers] == [{"merged": merged, "changes": []} for merged in (1, 0, 0)]
    assert quantities(ada) == {mug: 3}


def test_a_token_of_no_cart_keeps_nobody_out(shop: Shop, ada: Shop) -> None:
    answer = login(shop, "made up")

    assert (answer.status, answer.body["cart"]) == (200, {"merged": 0, "changes": []})


def test_a_wrong_password_takes_nothing(shop: Shop, ada: Shop, mug: str) -> None:
    token = guest_cart(shop, (mug, 3))

    refused = shop("POST", "/auth/login", {"email": EMAIL, "password": "wrong password", "cartToken": token})

    assert refused.status == 401
    assert quantities(Shop(shop.client, {"X-Cart-Token": token})) == {mug: 3}


def test_every_cap_is_reported_and_what_does_not_fit_stays_with_the_guest(shop: Shop, ada: Shop) -> None:
    admin = shop.admin("second@example.com")
    mugs = [admin.product(name=f"Mug {number}", stock=500)["productId"] for number in range(31)]
    for product in mugs[:30]:
        ada("POST", "/cart/items", {"productId": product, "quantity": 60})
    token = guest_cart(shop, (mugs[0], 50), (mugs[30], 4))

    answer = login(shop, token)

    assert answer.body["cart"]["changes"] == [
        {"productId": mugs[0], "code": "quantity_capped", "requested": 110, "quantity": 99},
        {"productId": mugs[30], "code": "too_many_items", "requested": 4, "quantity": 0},
    ]
    assert quantities(ada) == {mugs[0]: 99, **dict.fromkeys(mugs[1:30], 60)}
    assert quantities(Shop(shop.client, {"X-Cart-Token": token})) == {mugs[30]: 4}


def test_another_currency_stays_with_the_guest(shop: Shop, ada: Shop, mug: str) -> None:
    tea = shop.login("root@example.com").product(name="Tea", price=500, currency="JPY")["productId"]
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    token = guest_cart(shop, (tea, 2))

    answer = login(shop, token)

    (change,) = answer.body["cart"]["changes"]
    assert (change["code"], change["quantity"]) == ("cart_currency_mismatch", 0)
    assert (quantities(ada), quantities(Shop(shop.client, {"X-Cart-Token": token}))) == ({mug: 1}, {tea: 2})


@pytest.mark.parametrize("number", range(1, 4))
@pytest.mark.parametrize("after", [False, True])
def test_a_merge_that_dies_at_any_call_is_completed_by_the_next_login(
    shop: Shop, ada: Shop, mug: str, number: int, *, after: bool
) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    token = guest_cart(shop, (mug, 3))
    user = cart.of_user(ada("GET", "/auth/me").body["userId"])

    try:
        with injected(crash(number, after=after)):
            cart._merge(user, cart.owner(None, token))
    except Crash:
        pass
    login(shop, token)

    assert quantities(ada) == {mug: 5}


@pytest.mark.parametrize("fault", [lose_answer(2), refuse("TransactionConflict", times=2, only="transact")])
def test_a_merge_whose_answer_is_lost_or_that_collides_happens_once(
    shop: Shop, ada: Shop, mug: str, fault: Any
) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    token = guest_cart(shop, (mug, 3))
    user = cart.of_user(ada("GET", "/auth/me").body["userId"])

    with injected(fault):
        cart._merge(user, cart.owner(None, token))

    assert quantities(ada) == {mug: 5}


@pytest.mark.parametrize("with_mug", [False, True])
@pytest.mark.parametrize("who", ["user", "guest"])
def test_what_is_added_while_carts_are_merged_is_not_lost(
    shop: Shop, ada: Shop, mug: str, who: str, *, with_mug: bool
) -> None:
    pot = shop.login("root@example.com").product(name="Pot")["productId"]
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    token = guest_cart(shop, (mug, 3))
    user = cart.of_user(ada("GET", "/auth/me").body["userId"])
    somebody = ada if who == "user" else Shop(shop.client, {"X-Cart-Token": token})
    added = []

    def add_first(operation: str, _: Any, go_on: Any) -> Any:
        if operation == "transact_write_items" and not added:
            added.append(operation)
            for product in (mug, pot) if with_mug else (pot,):
                somebody("POST", "/cart/items", {"productId": product, "quantity": 1})
        return go_on()

    with injected(add_first):
        db.retry_on_conflict(lambda: cart._merge(user, cart.owner(None, token)))

    assert quantities(ada) == {mug: 6 if with_mug else 5, pot: 1}


def test_a_table_that_is_too_busy_to_merge_keeps_nobody_out_and_loses_nothing(shop: Shop, ada: Shop, mug: str) -> None:
    token = guest_cart(shop, (mug, 3))
    logged_in = auth.login(Credentials(email=EMAIL, password=PASSWORD), device="")

    with injected(refuse("TransactionConflict", times=99, only="transact")):
        merged = cart.merge_at_login(logged_in, token)
    assert (merged.refresh_token, merged.cart) == (logged_in.refresh_token, UNSET)

    assert login(shop, token).body["cart"] == {"merged": 1, "changes": []}
