"""No text of a caller's becomes a key that the table does not take, and none is a failure of the shop's (W1, W2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.api.permissions import ROUTES
from chalicelib.aws import transport
from tests.support import stream
from tests.support.table import everything
from tests.unit.test_pasted import SAMPLES
from tools.testing.shop import ADDRESS, PASSWORD, Shop

pytestmark = pytest.mark.fault("F9")

LIMITS = {"PK": 2048, "SK": 1024, ":pk": 2048, "GSI1PK": 2048, "GSI1SK": 1024, "GSI2PK": 2048, "GSI2SK": 1024}
LONG = {"wide letters": "茶" * 1000, "letters": "x" * 1000, "unseen within": "a" + "\u200b" * 900 + "b",
        "an address": "a" * 900 + "@example.com", "a wide domain": "a@" + "茶" * 998}  # fmt: skip
METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}
# What is asked for under a path with parts; a route that is not here takes nothing, or all of it may be left out.
ASKED = {
    ("POST", "/products/{product_id}/images"): {"contentType": "image/png"},
    ("POST", "/products/{product_id}/stock"): {"delta": 1, "reason": "found"},
    ("POST", "/users/{user_id}/roles"): {"role": "admin"},
    ("PUT", "/cart/items/{item_id}"): {"quantity": 1},
    ("PUT", "/orders/{order_id}/status"): {"status": "shipped"},
    ("PUT", "/products/{product_id}"): {"name": "Mug", "price": 1, "category": "kitchen"},
    ("PUT", "/users/{user_id}"): {"firstName": "Ada", "lastName": "Lovelace"},
    ("PUT", "/users/{user_id}/status"): {"status": "disabled"},
}
NAMES = {"firstName": "Ada", "lastName": "Lovelace"}
CARD = {"type": "card", "token": "tok_success"}
# Each body with one text that is looked up, by the name of its field inside.
BODIES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("email", "POST", "/auth/login", {"email": "?", "password": PASSWORD}),
    ("email", "POST", "/sessions", {"email": "?", "password": PASSWORD}),
    ("email", "POST", "/auth/password/forgot", {"email": "?"}),
    ("email", "POST", "/auth/register", {"email": "?", "password": PASSWORD, **NAMES}),
    ("email", "POST", "/users", {"email": "?", **NAMES}),
    ("email", "PUT", "/users/profile", {"email": "?"}),
    ("cart_token", "POST", "/auth/login", {"email": "root@example.com", "password": PASSWORD, "cartToken": "?"}),
    ("token", "POST", "/auth/password/reset", {"token": "?", "password": PASSWORD}),
    ("token", "POST", "/auth/password/reset", {"token": "?.0f", "password": PASSWORD}),
    ("token", "POST", "/auth/verify", {"token": "?.0f"}),
    ("refresh_token", "POST", "/auth/refresh", {"refreshToken": "?.?.?.0f"}),
    ("product_id", "POST", "/cart/items", {"productId": "?", "quantity": 1}),
    ("product_id", "POST", "/orders",
     {"items": [{"productId": "?", "quantity": 1}], "shippingAddress": ADDRESS, "paymentMethod": CARD}),
    ("coupon_code", "POST", "/orders", {"couponCode": "?", "shippingAddress": ADDRESS, "paymentMethod": CARD}),
    ("code", "POST", "/cart/coupon", {"code": "?"}),
    ("code", "POST", "/coupons", {"code": "?", "kind": "percentage", "percent": 10}),
    ("sku", "POST", "/products", {"name": "Mug", "price": 1, "category": "kitchen", "sku": "?"}),
    ("currency", "POST", "/products", {"name": "Mug", "price": 1, "category": "kitchen", "currency": "?"}),
    ("country", "POST", "/orders", {"shippingAddress": {**ADDRESS, "country": "?"}, "paymentMethod": CARD}),
    ("image_url", "POST", "/products", {"name": "Mug", "price": 1, "category": "kitchen", "imageUrl": "?"}),
    ("url", "POST", "/webhooks", {"url": "?", "events": ["*"]}),
    ("events", "POST", "/webhooks", {"url": "https://hooks.example.com/shop", "events": ["?"]}),
]  # fmt: skip


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The name and the length in bytes of every key that is sent to the table."""
    found: list[tuple[str, int]] = []
    call = transport.call

    def noted(operation: str, **request: Any) -> dict[str, Any]:
        found.extend(keys_in(request))
        return call(operation, **request)

    monkeypatch.setattr(transport, "call", noted)
    return found


def keys_in(request: Any) -> Iterator[tuple[str, int]]:
    if isinstance(request, list):
        for each in request:
            yield from keys_in(each)
    elif isinstance(request, dict):
        for name, each in request.items():
            if name in LIMITS and isinstance(each, dict) and "S" in each:
                yield name, len(each["S"].encode())
            else:
                yield from keys_in(each)


def too_long(sent: list[tuple[str, int]]) -> set[tuple[str, int]]:
    return {(name, length) for name, length in sent if length > LIMITS[name]}


def filled(template: Any, text: str) -> Any:
    if isinstance(template, dict):
        return {name: filled(each, text) for name, each in template.items()}
    if isinstance(template, list):
        return [filled(each, text) for each in template]
    return template.replace("?", text) if isinstance(template, str) else template


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_every_part_of_every_path_may_be_any_text(shop: Shop, sent: list[tuple[str, int]], text: str) -> None:
    admin = shop.admin()
    statuses = {}
    for method, template in sorted(ROUTES):
        if "{" in template:
            path = re.sub(r"\{[a-z_]+\}", quote(text, safe=""), template)
            body = ASKED.get((method, template), {} if method in METHODS_WITH_BODY else None)
            statuses[method, template] = admin(method, path, body).status

    assert statuses.pop(("GET", "/products/category/{category}")) == 200  # of which there is nothing
    assert {route: status for route, status in statuses.items() if status != 404} == {}
    assert too_long(sent) == set()


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_every_text_that_is_looked_up_may_be_any_text(shop: Shop, sent: list[tuple[str, int]], text: str) -> None:
    admin = shop.admin()

    statuses = {(name, path): admin(method, path, filled(body, text)).status for name, method, path, body in BODIES}
    for name in ("cursor", "q", "sku", "category"):
        statuses[name, "query"] = admin("GET", f"/products?{name}={quote(text)}").status
    statuses["X-Cart-Token", "header"] = shop("GET", "/cart", X_Cart_Token=text).status
    statuses["Idempotency-Key", "header"] = shop("POST", "/cart/items", {}, Idempotency_Key=text).status

    assert {which: status for which, status in statuses.items() if status >= 500} == {}
    assert too_long(sent) == set()


def test_every_field_that_names_something_is_tried() -> None:
    assert {name for name, *_ in BODIES} == set(SAMPLES)


@pytest.mark.parametrize("email", [LONG["wide letters"], LONG["an address"], "茶@茶.example"])
def test_what_no_address_can_be_is_answered_and_counted_like_an_unknown_one(shop: Shop, email: str) -> None:
    def tries(address: str) -> list[tuple[int, Any]]:
        return [
            (answer.status, answer.body.get("code"))
            for path in ("/auth/login", "/sessions") * 4
            for answer in [shop("POST", path, {"email": address, "password": PASSWORD})]
        ]

    assert tries(email) == tries("nobody@example.com")
    assert {status for status, _ in tries(email)} == {429}


@pytest.mark.parametrize("email", [LONG["wide letters"], LONG["an address"]])
def test_asking_for_a_reset_of_what_no_address_can_be_leaves_nothing_to_fail_in_the_stream(
    shop: Shop, email: str
) -> None:
    assert shop("POST", "/auth/password/forgot", {"email": email}).status == 202

    assert stream.deliver(shop) == []
    (asked,) = [item for key, item in everything().items() if key.pk.startswith("RESET#")]
    assert len(asked["email"]) <= 254
