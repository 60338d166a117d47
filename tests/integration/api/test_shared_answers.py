"""What API Gateway keeps for all depends on nothing that its key does not know, in a stage that has it keep answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from chalice.app import CaseInsensitiveMapping

from chalicelib.api import caching, callers
from chalicelib.core import settings
from tools.testing.shop import Shop, ShopAnswer

# What a stage without the cache refuses, and what the cache's key does not know.
UNKNOWN = [
    ("?colour=red", {}),
    ("?colour=red&colour=blue", {}),
    ("", {"Authorization": "Bearer nonsense"}),
    ("", {"X_Cart_Token": "nonsense", "Idempotency_Key": "\u00e9"}),
]
# What the key may not tell from nothing.
EMPTY = [
    ("?limit=", {}),
    ("?q=&sku=&cursor=&inStock=&currency=", {}),
    ("?minPrice=&maxPrice=&category=", {}),
    ("", {"If_None_Match": ""}),
]


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHED_BY_GATEWAY", "true")


def paths(mug: str) -> list[str]:
    return [each.format(product_id=mug, category="kitchen") for each in caching.SHARED]


def told(answer: ShopAnswer) -> tuple[int, object, object]:
    return answer.status, answer.body, answer.headers.get("ETag")


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize(("query", "headers"), [*UNKNOWN, *EMPTY])
def test_nobody_can_have_another_answer_kept_for_all(shop: Shop, mug: str, query: str, headers: dict[str, str]) -> None:
    for path in paths(mug):
        assert told(shop("GET", path + query, **headers)) == told(shop("GET", path))


@pytest.mark.usefixtures("cached")
def test_the_place_of_the_next_page_does_not_depend_on_it_either(shop: Shop) -> None:
    admin = shop.admin()
    for number in range(3):
        admin.product(name=f"Mug {number}")

    cursor = shop("GET", "/products?limit=1&colour=red").body["nextCursor"]

    assert shop("GET", f"/products?limit=1&cursor={cursor}").status == 200


@pytest.mark.usefixtures("cached")
def test_nobody_can_have_a_search_too_many_kept_for_all(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", "search=1/60")
    settings.current.cache_clear()

    answers = [shop("GET", "/products?q=mug") for _ in range(3)]

    settings.current.cache_clear()
    assert [each.status for each in answers] == [200] * 3
    assert "RateLimit-Policy" not in answers[0].headers


@pytest.mark.usefixtures("cached")
def test_what_the_key_knows_is_still_checked_and_told_apart(shop: Shop, mug: str) -> None:
    tag = shop("GET", f"/products/{mug}").headers["ETag"]

    assert shop("GET", "/products?limit=0").status == 400
    assert shop("GET", f"/products/{mug}", If_None_Match=tag).status == 304
    assert shop("GET", "/products", Content_Type="text/plain").status == 415
    assert shop("GET", "/categories?colour=red").status == 400


def test_a_stage_without_the_cache_refuses_what_it_does_not_know(shop: Shop, mug: str) -> None:
    assert [shop("GET", path + "?colour=red").status for path in paths(mug)] == [400, 400, 400]
    assert [shop("GET", path + "?limit=").status for path in paths(mug)] == [400, 400, 400]


def test_who_is_calling_is_told_by_what_stands_before_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = CaseInsensitiveMapping({"true-client-ip": "203.0.113.7"})
    request = SimpleNamespace(context={"identity": {"sourceIp": "130.176.0.1"}}, headers=headers)

    past = callers.source(request)
    monkeypatch.setenv("CLIENT_ADDRESS_HEADER", "True-Client-IP")

    assert (past, callers.source(request)) == ("130.176.0.1", "203.0.113.7")
