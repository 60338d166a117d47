"""An order, and a change of its buyer at the same moment: at whichever call the one meets the other (F22)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from chalicelib.auth import accounts
from chalicelib.aws import db, keys
from chalicelib.core import ids
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from tests.support import faults
from tools.testing.shop import ADDRESS, PASSWORD, Shop, ShopAnswer

pytestmark = [pytest.mark.no_cover, pytest.mark.fault("F22")]  # uncounted, it takes half the time

NEW_PASSWORD = "another passphrase"


@dataclass
class Pair:
    """An admin, and a buyer with a cart who is about to order and to change at once."""

    shop: Shop
    admin: Shop
    buyer: Shop
    user_id: str
    email: str

    @property
    def user(self) -> User:
        found = user_store.get(self.user_id, consistent=True)
        assert found
        return found

    @property
    def orders(self) -> list[Order]:
        return order_store.list_of_user(self.user_id, limit=10, after=None, consistent=True)[0]

    def order(self) -> ShopAnswer:
        return self.buyer.order(Idempotency_Key="one")

    def change(self, name: str) -> ShopAnswer:
        return CHANGES[name](self)


def _path(pair: Pair) -> str:
    return f"/users/{pair.user_id}"


def change_password(pair: Pair) -> ShopAnswer:
    return pair.buyer("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD})


def reset_password(pair: Pair) -> ShopAnswer:
    accounts.request_password_reset(pair.email)
    asked = db.get(keys.reset_request(ids.digest(pair.email)), consistent=True)
    assert asked
    body = {"token": accounts.reset_token(pair.email, asked["nonce"]), "password": NEW_PASSWORD}
    return pair.shop("POST", "/auth/password/reset", body)


def change_email(pair: Pair) -> ShopAnswer:
    pair.buyer("PUT", "/users/profile", {"email": f"new.{pair.email}"})
    return pair.shop("POST", "/auth/verify", {"token": accounts.verify_token(pair.user)})


CHANGES: dict[str, Callable[[Pair], ShopAnswer]] = {
    "erase": lambda pair: pair.buyer("DELETE", "/users/profile"),
    "erase by letter": lambda pair: pair.admin("POST", f"{_path(pair)}/erasure"),
    "disable": lambda pair: pair.admin("PUT", f"{_path(pair)}/status", {"status": "disabled"}),
    "delete": lambda pair: pair.admin("DELETE", _path(pair)),
    "role": lambda pair: pair.admin("POST", f"{_path(pair)}/roles", {"role": "admin"}),
    "password": change_password,
    "reset": reset_password,
    "email": change_email,
}
WRITES = "transact"
# Where the one meets the other: at every call of the gravest pair, and else at whatever writes.
MEETINGS = [(change, "" if change == "erase" else WRITES) for change in CHANGES]


@pytest.fixture
def pairs(shop: Shop) -> Iterator[Pair]:
    """As many as are wanted, each with a buyer of its own."""
    admin = shop.admin()
    mug = admin.product(stock=1000)["productId"]

    def make() -> Iterator[Pair]:
        for number in itertools.count():
            email = f"ada{number}@example.com"
            buyer = shop.customer(email)
            buyer("POST", "/cart/items", {"productId": mug, "quantity": 1}).expect(201)
            yield Pair(shop, admin, buyer, buyer("GET", "/auth/me").body["userId"], email)

    return make()


def meetings(
    pairs: Iterator[Pair], first: Callable[[Pair], ShopAnswer], second: Callable[[Pair], ShopAnswer], only: str
) -> Iterator[tuple[Pair, ShopAnswer, ShopAnswer]]:
    """The first with the second in the middle of it, before each of those calls in turn, and both answers."""
    for number in itertools.count(1):
        pair, met = next(pairs), []
        with faults.injected(faults.interleave(number, lambda pair=pair, met=met: met.append(second(pair)), only=only)):
            answer = first(pair)
        if not met:
            return
        yield pair, answer, met[0]


def require_sound(pair: Pair, ordered: ShopAnswer, changed: ShopAnswer) -> None:
    """Whatever came first: who has an open order can be written to and sent things, and the answers say how it is."""
    assert ordered.status in (201, 401, 409) or ordered.body["code"] == "empty_cart", ordered
    assert changed.status in (200, 202, 204, 409), changed
    assert len(pair.orders) == (ordered.status == 201)
    for order in pair.orders:
        assert order.status == "processing"
        assert order.shipping_address.street == ADDRESS["street"]
        assert order.email in (pair.email, f"new.{pair.email}")
        assert not pair.user.is_erased
    if pair.user.is_erased:
        assert changed.status == 204


@pytest.mark.parametrize(("change", "only"), MEETINGS)
def test_an_order_in_which_its_buyer_changes_stands_with_its_address_or_is_refused(
    pairs: Iterator[Pair], change: str, only: str
) -> None:
    seen = list(meetings(pairs, Pair.order, lambda pair: pair.change(change), only))

    assert len(seen) > 2
    for pair, ordered, changed in seen:
        require_sound(pair, ordered, changed)


@pytest.mark.parametrize(("change", "only"), MEETINGS)
def test_a_change_of_a_buyer_who_orders_in_the_middle_of_it_leaves_no_order_without_an_address(
    pairs: Iterator[Pair], change: str, only: str
) -> None:
    seen = list(meetings(pairs, lambda pair: pair.change(change), Pair.order, only))

    assert seen
    for pair, changed, ordered in seen:
        require_sound(pair, ordered, changed)
