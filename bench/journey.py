"""The requests whose cost is measured, in the order in which a visitor, a customer and an admin make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import catalogue
from chalicelib.products import search
from tools.testing.shop import ADDRESS, Shop, ShopAnswer

FLAT = ("`GET /products`", "`GET /products/category/{category}`", "`GET /products?q=`, one word")
_PAGES_BEFORE = 10
_LINES = 5


@dataclass(frozen=True)
class Step:
    """One request, and its name in the table."""

    name: str
    shop: Shop
    method: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> ShopAnswer:
        """Make the request, which must succeed."""
        answer = self.shop(self.method, self.path, self.body, **self.headers)
        if answer.status >= 300:  # noqa: PLR2004 - above all that is success
            raise RuntimeError(f"{self.name}: {answer}")
        return answer


@dataclass(frozen=True)
class Refresh:
    """What the stream's function does for the search after a product was created."""

    product_id: str
    name: str = "the search index, after `POST /products`"

    def __call__(self) -> None:
        """Do it."""
        search.refresh(self.product_id)


def lists(shop: Shop) -> list[Step]:
    """The lists of products; each page of twenty is full in a catalogue of a thousand, but where nothing fits."""
    everything, category, one_word = FLAT
    paths = {
        everything: "/products",
        f"{everything}, the eleventh page": f"/products?cursor={_cursor(shop, _PAGES_BEFORE)}",
        category: "/products/category/outdoors",
        one_word: "/products?q=outdoors",
        "`GET /products?q=`, two words": "/products?q=outdoors+and",
        "`GET /products?q=`, common words that no product has both": "/products?q=the+zz",
        "`GET /products?minPrice=&maxPrice=`": "/products?minPrice=20&maxPrice=60",
        "`GET /products?minPrice=`, nothing as dear": "/products?minPrice=100000",
    }
    return [Step(name, shop, "GET", path) for name, path in paths.items()]


def steps(shop: Shop) -> Iterator[Step | Refresh]:
    """All of them; what happens between two steps is only to prepare the next."""
    admin, ada = shop.admin(), shop.customer()
    yield from lists(shop)
    yield Step("`GET /products/{productId}`", shop, "GET", f"/products/{_id(0)}")
    yield Step("`GET /categories`", shop, "GET", "/categories")
    yield from _buy(ada)
    yield from _manage(admin)


def _buy(ada: Shop) -> Iterator[Step]:
    """A cart of five lines becomes an order."""
    for number in range(_LINES - 1):
        Step("", ada, "POST", "/cart/items", {"productId": _id(number), "quantity": 1})()
    fifth = {"productId": _id(_LINES - 1), "quantity": 1}
    order = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": "tok_success"}}
    yield Step("`POST /cart/items`, the fifth line", ada, "POST", "/cart/items", fifth)
    yield Step("`GET /cart`, five lines", ada, "GET", "/cart")
    yield Step("`POST /orders`, five lines, with a key", ada, "POST", "/orders", order, {"Idempotency_Key": "one"})
    yield Step("`GET /orders`, one order", ada, "GET", "/orders")


def _manage(admin: Shop) -> Iterator[Step | Refresh]:
    """An admin looks at the catalogue, adds to it, and changes a product."""
    path = f"/products/{_id(_LINES)}"
    new = {"name": "Stoneware Mug", "description": "Holds 350 ml.", "price": 12.5, "category": "kitchen", "stock": 10}
    yield Step("`GET /admin/products`", admin, "GET", "/admin/products")
    yield Step("`POST /products`", admin, "POST", "/products", new)
    yield Refresh(admin.product(**new)["productId"])
    yield Step("`PATCH /products/{productId}`", admin, "PATCH", path, {"price": 13.5})
    yield Step("`POST /products/{productId}/stock`", admin, "POST", f"{path}/stock", {"delta": 5, "reason": "delivery"})


def _id(number: int) -> str:
    return catalogue.product(number).product_id


def _cursor(shop: Shop, pages: int) -> str:
    """Where the list of all products goes on after so many pages."""
    cursor = str(shop("GET", "/products").body["nextCursor"])
    for _ in range(pages - 1):
        cursor = str(shop("GET", f"/products?cursor={cursor}").body["nextCursor"])
    return cursor
