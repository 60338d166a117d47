"""Behind a gateway that caches the authorizer's answer for 300 s: what an ended session may still do (A3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

import app
from chalicelib import access
from chalicelib.auth import tokens
from tests.shop import ADDRESS, Shop

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/orders"): {
        "items": [{"productId": "{item_id}", "quantity": 1}],
        "shippingAddress": ADDRESS,
        "paymentMethod": {"type": "card", "token": "tok_success"},
    },
    ("POST", "/products"): {"name": "Mug", "price": 1, "category": "kitchen"},
    ("POST", "/users"): {"email": "new@example.com", "firstName": "N", "lastName": "N"},
    ("PUT", "/users/{user_id}"): {"firstName": "A", "lastName": "K"},
    ("PATCH", "/users/{user_id}"): {"firstName": "A"},
    ("PUT", "/users/{user_id}/status"): {"status": "active"},
    ("POST", "/users/{user_id}/roles"): {"role": "customer"},
    ("PUT", "/users/password"): {"oldPassword": "x", "newPassword": "a new passphrase"},
}
AT_ONCE = sorted({*access.RECHECKED, ("POST", "/orders")})


def call(method: str, path: str, context: dict[str, str], names: dict[str, str]) -> dict[str, Any]:
    """The app's answer to the event that API Gateway would send with a cached policy's context."""
    body = json.dumps(BODIES.get((method, path))) if (method, path) in BODIES else None
    for name, value in names.items():
        body = body.replace(f"{{{name}}}", value) if body else None
    event = {
        "requestContext": {
            "httpMethod": method, "resourcePath": path, "path": path, "authorizer": context,
            "identity": {"sourceIp": "127.0.0.1"}, "requestId": "test",
        },
        "headers": {"content-type": "application/json"},
        "pathParameters": names,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    }  # fmt: skip
    answer: dict[str, Any] = app.app(event, None)
    return answer


@pytest.fixture
def ended(shop: Shop) -> tuple[dict[str, str], dict[str, str]]:
    """The context of an admin whose session has ended, and the things that paths name."""
    admin, ada = shop.admin(), shop.customer()
    mug = admin.product()["productId"]
    names = {
        "user_id": ada("GET", "/auth/me").body["userId"],
        "order_id": ada.order((mug, 1)).body["orderId"],
        "role": "customer",
        "item_id": mug,
        "session_id": "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    }
    context = access.to_context(tokens.authenticate(admin.headers["Authorization"]))
    admin("POST", "/auth/logout")
    return context, names


@pytest.mark.parametrize("route", AT_ONCE, ids=" ".join)
def test_money_and_admin_routes_refuse_an_ended_session_at_once(
    ended: tuple[dict[str, str], dict[str, str]], route: tuple[str, str]
) -> None:
    answer = call(*route, *ended)

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_token")


def test_other_routes_serve_it_until_the_gateways_cache_expires(ended: tuple[dict[str, str], dict[str, str]]) -> None:
    assert call("GET", "/auth/me", *ended)["statusCode"] == 200


def test_without_a_principal_nothing_behind_the_authorizer_is_served(
    ended: tuple[dict[str, str], dict[str, str]],
) -> None:
    behind = [route for route, audience in access.ROUTES.items() if audience not in ("public", "guest")]

    assert {call(*route, {}, ended[1])["statusCode"] for route in behind} == {401}
