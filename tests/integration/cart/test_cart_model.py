"""Carts held to a model: any order of adding, changing, removing, clearing and merging gives the model's cart."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.idempotency import NO_CLAIM
from chalicelib.cart import service as cart
from chalicelib.cart.models import MAX_PRODUCTS, Owner
from chalicelib.cart.schemas import MAX_QUANTITY, NewLine
from chalicelib.core import ids
from chalicelib.core.errors import ShopError
from chalicelib.core.money import Amount
from chalicelib.core.principal import Principal, Role
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from chalicelib.products.schemas import NewProduct
from tests.support.table import load, renew

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

DOLLARS = 34  # more products than a cart may hold
PRODUCTS = st.one_of(st.integers(0, 3), st.integers(0, DOLLARS))  # a few often, one of them in another currency
QUANTITIES = st.integers(1, MAX_QUANTITY)
OWNERS = st.sampled_from(["user", "guest"])

Lines = dict[int, int]


def shelf() -> list[str]:
    """An empty shop's products with more than enough in stock; the last is paid in another currency."""
    renew()
    new = [NewProduct(name=f"P{n}", price=Amount(5), category="c", stock=9999) for n in range(DOLLARS)]
    new.append(NewProduct(name="Yen", price=Amount(5), currency="JPY", category="c", stock=9999))
    products = [Product.create(each, default_currency="USD") for each in new]
    load([write for product in products for write in product_store.create(product, actor="test")])
    return [product.product_id for product in products]


class Model:
    """What the rules say a user's and a guest's cart hold, by number of product."""

    def __init__(self) -> None:
        self.carts: dict[str, Lines] = {"user": {}, "guest": {}}

    def add(self, whose: str, product: int, quantity: int) -> None:
        lines = self.carts[whose]
        full = product not in lines and len(lines) >= MAX_PRODUCTS
        if not full and accepts(lines, product) and lines.get(product, 0) + quantity <= MAX_QUANTITY:
            lines[product] = lines.get(product, 0) + quantity

    def change(self, whose: str, product: int, quantity: int) -> None:
        if product in self.carts[whose]:
            self.carts[whose][product] = quantity

    def remove(self, whose: str, product: int) -> None:
        self.carts[whose].pop(product, None)

    def clear(self, whose: str) -> None:
        self.carts[whose].clear()

    def merge(self) -> dict[int, tuple[int, int]]:
        """Take the guest's lines over; what was not as asked: the product, how many were asked for, how many are in."""
        changes, mine = {}, self.carts["user"]
        for product, quantity in list(self.carts["guest"].items()):
            if not accepts(mine, product) or (product not in mine and len(mine) >= MAX_PRODUCTS):
                changes[product] = (quantity, 0)
                continue
            asked = mine.get(product, 0) + quantity
            mine[product] = min(asked, MAX_QUANTITY)
            if asked > MAX_QUANTITY:
                changes[product] = (asked, MAX_QUANTITY)
            del self.carts["guest"][product]
        return changes


def accepts(lines: Lines, product: int) -> bool:
    return all((other == DOLLARS) == (product == DOLLARS) for other in lines)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), OWNERS, PRODUCTS, QUANTITIES),
        st.tuples(st.just("change"), OWNERS, PRODUCTS, QUANTITIES),
        st.tuples(st.just("remove"), OWNERS, PRODUCTS),
        st.tuples(st.just("clear"), OWNERS),
        st.tuples(st.just("merge")),
        st.tuples(st.just("fill"), OWNERS, st.integers(1, 31)),
    ),
    min_size=1,
    max_size=12,
)


class Carts:
    """The real carts of one user and one guest."""

    def __init__(self) -> None:
        self.shelf = shelf()
        self.user = Principal(user_id=ids.new("usr"), email="", roles=(Role.CUSTOMER,), session_id="")
        self.token = ids.secret()
        # A token that the shop made: the first item makes the cart, later requests find it.
        self.known = False

    def owner(self, whose: str) -> Owner:
        if whose == "user":
            return cart.owner(self.user, None)
        found = cart.owner(None, self.token)
        return Owner(key=found.key, token=found.token, is_new=not self.known)

    def add(self, whose: str, product: int, quantity: int) -> None:
        with suppress(ShopError):
            cart.add_item(NewLine(product_id=self.shelf[product], quantity=quantity), self.owner(whose), NO_CLAIM)
            self.known = self.known or whose == "guest"

    def change(self, whose: str, product: int, quantity: int) -> None:
        with suppress(ShopError):
            cart.update_item(self.shelf[product], quantity, self.owner(whose))

    def remove(self, whose: str, product: int) -> None:
        with suppress(ShopError):
            cart.remove_item(self.shelf[product], self.owner(whose))

    def clear(self, whose: str) -> None:
        with suppress(ShopError):
            cart.clear(self.owner(whose))

    def merge(self) -> dict[int, tuple[int, int]]:
        changes = cart._merge(cart.of_user(self.user.user_id), self.owner("guest")).changes
        if not self.lines("guest"):
            self.known = False  # an empty guest's cart may be gone; its token starts anew
        return {self.shelf.index(each.product_id): (each.requested, each.quantity) for each in changes}

    def lines(self, whose: str) -> Lines:
        owner = self.owner(whose)
        shown = cart.get(Owner(key=owner.key, token=owner.token, is_new=True))
        return {self.shelf.index(item.product_id): item.quantity for item in shown.items}


@settings(max_examples=30)
@given(operations=OPERATIONS)
def test_any_order_of_operations_gives_the_models_cart(aws: None, operations: list[tuple[Any, ...]]) -> None:
    real, model = Carts(), Model()

    for name, *arguments in operations:
        if name == "fill":
            whose, most = arguments
            for product in range(most):
                real.add(whose, product, 1)
                model.add(whose, product, 1)
        else:
            assert getattr(real, name)(*arguments) == getattr(model, name)(*arguments)
        assert {whose: real.lines(whose) for whose in model.carts} == model.carts
