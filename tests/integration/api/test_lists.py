"""Every list comes in pages of a size that is a whole number, with cursors that are its own (H1, H2, F18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.api.permissions import ROUTES
from chalicelib.auth.models import Session
from chalicelib.auth.store import _key
from chalicelib.aws import db
from chalicelib.core import ids
from chalicelib.users import store as user_store
from tests.integration.api.test_rbac import RbacWorld
from tools.testing.shop import Shop, ShopAnswer

pytestmark = [pytest.mark.no_cover, pytest.mark.fault("F18")]  # others run these lines

# What a body of the route calls its list, and who sees more than one of it in the world of these tests.
LISTS = {
    "/sessions": ("sessions", "customer"),
    "/users": ("users", "admin"),
    "/users/{user_id}/audit": ("entries", "admin"),
    "/products": ("products", "anonymous"),
    "/products/category/{category}": ("products", "anonymous"),
    "/products/{product_id}/stock": ("movements", "admin"),
    "/categories": ("categories", "anonymous"),
    "/admin/products": ("products", "admin"),
    "/coupons": ("coupons", "admin"),
    "/orders": ("orders", "customer"),
    "/orders/{order_id}/refunds": ("refunds", "customer"),
    "/admin/incidents": ("incidents", "admin"),
    "/webhooks": ("webhooks", "admin"),
    "/webhooks/{webhook_id}/deliveries": ("deliveries", "admin"),
}
NO_NUMBERS = ["1e2", "%2B5", "%205", "5%20", "%D9%A5", "5.0", "0x5", "1_0", "", "-", "five", "true", "null",
              "%EF%BC%95", "1%2C000", "0b1", "%C2%B2", "5%00", "5%0a", "Infinity", "NaN"]  # fmt: skip


@pytest.fixture
def world(shop: Shop) -> RbacWorld:
    """Two of everything that is listed."""
    made = RbacWorld.of(shop)
    admin, ada = made.callers["admin"], made.callers["customer"]
    mug = made.names["product_id"]
    shop.login()
    admin.product(name="Lamp", category="office")
    admin.product(name="Cup")
    for delta in (1, 2):
        admin("POST", f"/products/{mug}/stock", {"delta": delta, "reason": "found"})
        admin("POST", f"/orders/{made.names['order_id']}/refunds", {"amount": delta})
    ada.order((mug, 1))
    admin.coupon("AUTUMN")
    admin("POST", "/webhooks", {"url": "https://hooks.example.com/2", "events": ["*"]})
    admin("POST", f"/webhooks/{made.names['webhook_id']}/test")
    return made


def ask(world: RbacWorld, path: str, query: str = "") -> ShopAnswer:
    return world.callers[LISTS[path][1]]("GET", world._fill(path) + query)


def seen(answer: ShopAnswer, path: str) -> list[Any]:
    return list(answer.body[LISTS[path][0]])


def test_every_answer_that_is_a_list_is_one_of_the_table(world: RbacWorld) -> None:
    for path in [path for method, path in ROUTES if method == "GET" and path != "/docs"]:  # which is a page
        persona = LISTS.get(path, ("", "customer" if "order" in path else "admin"))[1]
        shown = world.callers[persona]("GET", world._fill(path))
        assert shown.status in (200, 404), path
        assert ("nextCursor" in shown.body) == (path in LISTS), path


def test_every_list_goes_on_page_by_page_until_all_were_seen_once(world: RbacWorld) -> None:
    for path in LISTS:
        whole = seen(ask(world, path), path)
        met, cursor = [], ""
        while cursor is not None:
            page = ask(world, path, f"?limit=1{cursor and '&cursor='}{cursor}")
            assert page.status == 200, path
            assert len(seen(page, path)) == page.body["count"] <= 1, path
            met += seen(page, path)
            cursor = page.body["nextCursor"]

        assert met == whole, path
        assert len(whole) > 1 or path in ("/users/{user_id}/audit", "/admin/incidents", "/categories"), path


def test_every_list_refuses_a_size_that_is_no_whole_number_and_a_cursor_that_is_not_its_own(world: RbacWorld) -> None:
    foreign = ask(world, "/coupons", "?limit=1").body["nextCursor"]

    for path in LISTS:
        for text in NO_NUMBERS:
            assert ask(world, path, f"?limit={text}").fields == {("limit", "invalid_type")}, (path, text)
        for text in ("0", "-1", "-0", "00"):
            assert ask(world, path, f"?limit={text}").fields == {("limit", "out_of_range")}, (path, text)
        for cursor in ("", "x", "null", f"{foreign}=", *([foreign] if path != "/coupons" else [])):
            refused = ask(world, path, f"?cursor={cursor}")
            assert (refused.status, refused.body["code"]) == (400, "invalid_cursor"), (path, cursor)
        for text in ("1", "100", "101", "9" * 30, "9" * 5000):
            assert ask(world, path, f"?limit={text}").status == 200, (path, text)


@pytest.mark.parametrize(
    "query",
    [f"{name}={text}" for name in ("minPrice", "maxPrice")
     for text in ("1e2", "%2B5", "%205", "%D9%A5", "0x5", "1_0", "", "-5", ".5", "5.", "1%2C5", "null", "5%0a")]
    + [f"inStock={text}" for text in ("1", "0", "TRUE", "yes", "", "null", "%20true")],
)  # fmt: skip
def test_every_value_of_a_query_has_one_spelling(shop: Shop, query: str) -> None:
    name = query.partition("=")[0]

    assert shop("GET", f"/products?{query}").fields == {(name, "invalid_type")}


def test_more_sessions_than_a_page_holds_can_be_seen_and_ended_one_by_one(shop: Shop, ada: Shop) -> None:
    me = ada("GET", "/auth/me").body["userId"]
    open_sessions(me, 130)

    met, cursor = [], ""
    while cursor is not None:
        page = ada("GET", f"/sessions?limit=50{cursor and '&cursor='}{cursor}").body
        met += [session["sessionId"] for session in page["sessions"]]
        cursor = page["nextCursor"]

    assert len(met) == len(set(met)) == 131
    assert ada("DELETE", f"/sessions/{met[-2]}").status == 204
    assert len(ada("GET", "/users/profile/export").body["sessions"]) == 130


def open_sessions(user_id: str, number: int) -> None:
    user = user_store.get(user_id)
    assert user is not None
    for _ in range(number):
        session_id = ids.new("ses")
        session = Session.start(
            user, refresh_token=ids.secret(), session_id=session_id, device="", idle=timedelta(days=1)
        )
        db.commit(db.insert(_key(session), msgspec.to_builtins(session)))
