"""Routes whose body has nothing to say take none, or an empty object (H5); none takes more than a MiB (H4)."""

from __future__ import annotations

import pytest

from chalicelib.api import spelling
from tools.testing.shop import Shop


@pytest.fixture
def order(ada: Shop, mug: str) -> str:
    return str(ada.order((mug, 1)).body["orderId"])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"reason": "changed my mind"}', "validation_failed"),
        ("[]", "validation_failed"),
        ("null", "validation_failed"),
        ("garbage", "invalid_json"),
        ('{"orderId":', "invalid_json"),
    ],
)
def test_cancelling_with_a_body_that_it_does_not_know_is_refused(ada: Shop, order: str, raw: str, code: str) -> None:
    refused = ada("PUT", f"/orders/{order}/cancel", raw=raw)

    assert (refused.status, refused.body["code"]) == (400, code)
    assert ada("GET", f"/orders/{order}").body["status"] == "processing"


@pytest.mark.parametrize("raw", ["", "{}", " { } "])
def test_cancelling_with_nothing_to_say_is_fine(ada: Shop, order: str, raw: str) -> None:
    assert ada("PUT", f"/orders/{order}/cancel", raw=raw).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/cart"), ("POST", "/auth/logout"), ("DELETE", "/users/profile"), ("DELETE", "/sessions/ses_1")],
)
def test_the_other_routes_without_a_body_are_as_strict(ada: Shop, method: str, path: str) -> None:
    refused = ada(method, path, {"everything": True})

    assert (refused.status, refused.fields) == (400, {("everything", "unknown_field")})
    assert ada(method, path, raw="{}").status in (200, 204, 404)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/orders"), ("PUT", "/cart/items/prd_1"), ("POST", "/auth/logout"), ("GET", "/cart")]
)
def test_a_body_that_is_larger_than_any_is_refused_unread(ada: Shop, method: str, path: str) -> None:
    refused = ada(method, path, raw=" " * (spelling.MAX_BODY_BYTES + 1))

    assert (refused.status, refused.body["code"]) == (413, "payload_too_large")
    assert refused.body["detail"] == "A body may have at most 1 MiB."


def test_a_body_that_is_as_large_as_any_may_be_is_read(shop: Shop) -> None:
    refused = shop("POST", "/auth/login", raw=" " * spelling.MAX_BODY_BYTES)

    assert (refused.status, refused.body["code"]) == (400, "invalid_json")
