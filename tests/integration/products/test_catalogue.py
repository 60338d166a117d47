"""Browsing: pages, categories, cursors (rules H)."""

from __future__ import annotations

import pytest

from chalicelib.core import settings
from tools.testing.shop import Shop


def walk(shop: Shop, path: str, limit: int) -> list[str]:
    """Every product's name from the first page to the last."""
    names: list[str] = []
    cursor = ""
    while True:
        page = shop("GET", f"{path}?limit={limit}{cursor}").body
        assert page["count"] == len(page["products"]) <= limit
        names += [product["name"] for product in page["products"]]
        if page["nextCursor"] is None:
            return names
        cursor = f"&cursor={page['nextCursor']}"


@pytest.mark.parametrize("shards", ["1", "3"])
def test_a_walk_visits_every_product_once_newest_first(
    shop: Shop, shards: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDEX_SHARDS", shards)
    settings.current.cache_clear()
    admin = shop.admin()
    for number in range(12):
        admin.product(name=f"Mug {number:02}", category="kitchen" if number % 2 else "office")

    newest_first = [f"Mug {number:02}" for number in reversed(range(12))]
    try:
        assert walk(shop, "/products", 5) == newest_first
        assert walk(shop, "/products/category/kitchen", 4) == newest_first[::2]
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()


def test_a_cursor_serves_only_its_own_list(shop: Shop) -> None:
    admin = shop.admin()
    for _ in range(3):
        admin.product()
    cursor = shop("GET", "/products?limit=1").body["nextCursor"]

    for path in (
        f"/products/category/kitchen?cursor={cursor}",
        f"/products?cursor={cursor[:-1]}",
        "/products?cursor=x",
    ):
        answer = shop("GET", path)
        assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")
    assert shop("GET", f"/products?limit=2&cursor={cursor}").body["count"] == 2


def test_an_inactive_product_is_not_shown(shop: Shop) -> None:
    hidden = shop.admin().product(isActive=False)["productId"]

    assert shop("GET", f"/products/{hidden}").status == 404
    assert shop("GET", "/products").body["products"] == []


def test_only_an_admin_creates_products_and_only_valid_ones(shop: Shop) -> None:
    product = {"name": "Mug", "price": 1, "category": "kitchen"}
    ada, admin = shop.customer(), shop.admin()

    assert shop("POST", "/products", product).status == 401
    assert ada("POST", "/products", product).status == 403
    assert admin("POST", "/products", {**product, "price": -1}).fields == {("price", "out_of_range")}
    assert admin("POST", "/products", product).body["price"] == 1.0


def test_creating_with_a_key_creates_once(shop: Shop) -> None:
    admin, product = shop.admin(), {"name": "Mug", "price": 1, "category": "kitchen"}

    answers = [admin("POST", "/products", product, Idempotency_Key="k") for _ in range(2)]

    assert answers[0].text == answers[1].text
    assert shop("GET", "/products").body["count"] == 1


def test_a_category_name_may_be_written_with_percent_signs(shop: Shop) -> None:
    shop.admin().product(category="home decor")

    assert shop("GET", "/products/category/home%20decor").body["count"] == 1
