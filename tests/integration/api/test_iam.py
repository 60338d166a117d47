"""User management for services that sign their requests with SigV4, as API Gateway hands them on (rule A)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.local import LambdaContext

import app
from chalicelib.api import permissions
from chalicelib.core.principal import Principal, Role
from tools.testing.shop import Shop, ShopAnswer

SERVICE = "arn:aws:sts::123456789012:assumed-role/back-office/nightly"


def event(method: str, resource: str, body: Any = None, *, signer: str | None = None, **more: Any) -> dict[str, Any]:
    """A request as API Gateway sends it; `signer` is whom SigV4 has authenticated, if the route asks for that."""
    path = resource.format(**more.get("pathParameters", {}))
    return {
        "resource": resource, "path": path, "httpMethod": method, "isBase64Encoded": False, "stageVariables": None,
        "headers": {"Content-Type": "application/json"}, "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None,
        "body": None if body is None else json.dumps(body),
        "requestContext": {
            "resourcePath": resource, "httpMethod": method, "path": f"/prod{path}", "stage": "prod",
            "requestId": "r-1", "apiId": "a1b2c3", "accountId": "123456789012",
            "identity": {"sourceIp": "203.0.113.7", "userArn": signer, "accessKey": None, "caller": None},
            "authorizer": more.get("authorizer"),
        },
        **{name: more[name] for name in more if name != "authorizer"},
    }  # fmt: skip


def send(*request: Any, **more: Any) -> ShopAnswer:
    """The app's answer to that event."""
    answer = app.app(event(*request, **more), LambdaContext("ecommerce-prod", 1769))
    return ShopAnswer(answer["statusCode"], answer["body"], answer["headers"])


def a_user(shop: Shop) -> str:
    return str(shop.customer()("GET", "/auth/me").body["userId"])


@pytest.fixture
def iam(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_MANAGEMENT_AUTH", "iam")


@pytest.mark.usefixtures("iam")
def test_a_service_that_signs_manages_users_as_an_admin_would(shop: Shop) -> None:
    user = {"user_id": a_user(shop)}

    listed = send("GET", "/users", signer=SERVICE)
    seen = send("GET", "/users/{user_id}", signer=SERVICE, pathParameters=user)
    disable = {"status": "disabled"}
    changed = send("PUT", "/users/{user_id}/status", disable, signer=SERVICE, pathParameters=user)

    assert (listed.status, [each["email"] for each in listed.body["users"]]) == (200, ["ada@example.com"])
    assert (seen.status, seen.body["email"]) == (200, "ada@example.com")
    assert (changed.status, changed.body["status"]) == (200, "disabled")


@pytest.mark.fault("F16")
@pytest.mark.usefixtures("iam")
def test_a_service_that_signs_may_ask_with_head_where_it_may_with_get(shop: Shop) -> None:
    user = {"user_id": a_user(shop)}

    for signer in (SERVICE, None):
        for resource in ("/users", "/users/{user_id}", "/users/{user_id}/audit"):
            get, head = (send(method, resource, signer=signer, pathParameters=user) for method in ("GET", "HEAD"))
            assert head.status == get.status == (200 if signer else 401), resource


@pytest.mark.usefixtures("iam")
def test_every_management_route_is_closed_to_who_has_not_signed(shop: Shop) -> None:
    managed = [route for route in permissions.ROUTES if permissions.is_user_management(route[1])]
    path = {"user_id": a_user(shop), "role": "admin"}

    answers = [send(method, resource, pathParameters=path) for method, resource in managed]

    assert len(managed) == 11
    assert {(answer.status, answer.body["code"]) for answer in answers} == {(401, "unauthorized")}


@pytest.mark.usefixtures("iam")
@pytest.mark.parametrize("resource", ["/orders", "/sessions", "/users/profile", "/users/profile/export"])
def test_a_signature_opens_nothing_but_user_management(resource: str) -> None:
    assert send("GET", resource, signer=SERVICE).status == 401


def test_where_admins_have_tokens_a_signer_is_nobody(shop: Shop) -> None:
    user = {"user_id": a_user(shop)}

    assert send("GET", "/users", signer=SERVICE).status == 401
    assert send("DELETE", "/users/{user_id}", signer=SERVICE, pathParameters=user).status == 401


def test_where_admins_have_tokens_a_signer_adds_nothing_to_a_customer(shop: Shop) -> None:
    ada = Principal(user_id=a_user(shop), email="ada@example.com", roles=(Role.CUSTOMER,), session_id="ses_1")

    refused = send("GET", "/users", signer=SERVICE, authorizer=permissions.to_context(ada))

    assert (refused.status, refused.body["code"]) == (403, "forbidden")
