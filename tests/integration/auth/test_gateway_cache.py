"""Behind a gateway that caches the authorizer's answer for 300 s: what an ended session may still do (A3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

import app
from chalicelib.api import permissions
from chalicelib.auth import tokens
from tools.testing.shop import ADDRESS, Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

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
    ("PUT", "/users/profile"): {"firstName": "A"},
    ("PUT", "/users/password"): {"oldPassword": "x", "newPassword": "a new passphrase"},
}
# Whatever changes something, shows everything, or is done with an admin's rights; a logout just changes nothing.
BEHIND = [route for route, audience in permissions.ROUTES.items() if audience not in ("public", "guest")]
CHANGES = [route for route in BEHIND if route[0] != "GET"]
AT_ONCE = [route for route in CHANGES if route != ("POST", "/auth/logout")] + [("GET", "/users/profile/export")]
ADMIN_READS = [
    route
    for route, audience in permissions.ROUTES.items()
    if route[0] == "GET" and audience == permissions.Audience.ADMIN
] + [("GET", path) for path in ("/users/{user_id}", "/orders", "/orders/{order_id}/refunds")]


def call(method: str, path: str, context: dict[str, str], names: dict[str, str], query: Any = None) -> dict[str, Any]:
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
        "multiValueQueryStringParameters": query,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    }  # fmt: skip
    answer: dict[str, Any] = app.app(event, None)
    return answer


Ended = tuple[dict[str, str], dict[str, str]]


def ended_session(shop: Shop, who: Shop) -> Ended:
    """The context that a gateway has cached for somebody whose session has ended, and things that paths name."""
    admin = shop.admin("other-admin@example.com")
    mug, bob = admin.product()["productId"], shop.customer("bob@example.com")
    names = {
        "user_id": bob("GET", "/auth/me").body["userId"],
        "order_id": bob.order((mug, 1)).body["orderId"],
        "role": "customer",
        "item_id": mug,
        "product_id": mug,
        "image_id": "img_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "code": "SPRING",
        "webhook_id": "whk_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "delivery_id": "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "session_id": "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    }
    context = permissions.to_context(tokens.authenticate(who.headers["Authorization"]))
    who("POST", "/auth/logout")
    return context, names


@pytest.mark.parametrize("route", [*AT_ONCE, *ADMIN_READS], ids=" ".join)
def test_an_ended_session_of_an_admin_is_refused_at_once(shop: Shop, route: tuple[str, str]) -> None:
    answer = call(*route, *ended_session(shop, shop.admin()))

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("route", [route for route in AT_ONCE if permissions.ROUTES[route] != "admin"], ids=" ".join)
def test_an_ended_session_of_a_customer_changes_nothing(shop: Shop, route: tuple[str, str]) -> None:
    answer = call(*route, *ended_session(shop, shop.customer()))

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_token")


def test_a_customers_reads_go_on_until_the_gateways_cache_expires(shop: Shop) -> None:
    assert call("GET", "/auth/me", *ended_session(shop, shop.customer()))["statusCode"] == 200


def test_a_logout_behind_the_cache_ends_no_other_session(shop: Shop) -> None:
    ada = shop.customer()
    phone = shop.login()
    context, names = ended_session(shop, ada)

    assert call("POST", "/auth/logout", context, names, query={"all": ["true"]})["statusCode"] == 204

    assert phone("GET", "/auth/me").status == 200


def test_without_a_principal_nothing_behind_the_authorizer_is_served(shop: Shop) -> None:
    _, names = ended_session(shop, shop.customer())

    assert {call(*route, {}, names)["statusCode"] for route in BEHIND} == {401}
