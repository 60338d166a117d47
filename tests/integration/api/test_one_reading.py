"""One spelling for one thing: what could be read in two ways is refused, by the app as by the gateway (F26)."""

from __future__ import annotations

import base64

import pytest
from chalice.local import LambdaContext

import app
from chalicelib.api import spelling
from chalicelib.auth import accounts
from chalicelib.aws import db, keys
from chalicelib.core import ids
from chalicelib.users import store as user_store
from tests.integration.api.test_iam import event
from tools.testing.shop import Shop, ShopAnswer

pytestmark = pytest.mark.fault("F26")

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def with_token(shop: Shop, header: str) -> list[int]:
    """What a route behind the authorizer and one that reads the token itself answer."""
    return [shop("GET", path, Authorization=header).status for path in ("/auth/me", "/cart")]


def respelled(token: str) -> dict[str, str]:
    """Other texts from which a lenient reader of base64 makes the same bytes."""
    head, claims, signature = token.split(".")
    last = LETTERS.index(signature[-1])
    twin = signature[:-1] + LETTERS[last ^ 1]
    assert base64.urlsafe_b64decode(twin + "=") == base64.urlsafe_b64decode(signature + "=")
    return {
        "one =": f"{token}=",
        "two =": f"{token}==",
        "= in the claims": f"{head}.{claims}=.{signature}",
        "= in the header": f"{head}=.{claims}.{signature}",
        "bits that say nothing": f"{head}.{claims}.{twin}",
        "a blank within": f"{head}.{claims}.{signature[:9]} {signature[9:]}",
        "a line break within": f"{head}.{claims}.{signature[:9]}\n{signature[9:]}",
        "a line break behind": f"{token}\n",
        "a blank behind": f"{token} ",
        "two blanks before": f" {token}",
        "a tab before": f"\t{token}",
        "a blank without a width": f"{token}\u200b",
        "a blank of another kind": f"\u00a0{token}",
        "another alphabet": f"{head}.{claims}.{signature.replace('-', '+').replace('_', '/')}+",
        "letters of no alphabet": f"{head}.{claims}.{signature[:9]}!{signature[9:]}",
        "a quarter too much": f"{head}.{claims}.{signature}A",
        "quotes": f'"{token}"',
    }


def test_a_token_has_one_spelling(shop: Shop, ada: Shop) -> None:
    token = ada.headers["Authorization"].removeprefix("Bearer ")

    assert with_token(shop, f"Bearer {token}") == [200, 200]
    assert with_token(shop, f"bearer {token}") == [200, 200]
    for name, other in respelled(token).items():
        assert with_token(shop, f"Bearer {other}") == [401, 401], name
    assert with_token(shop, f"Bearer\t{token}") == [401, 401]
    assert with_token(shop, f"Bearer{token}") == [401, 401]


def test_a_token_from_a_mail_has_one_spelling(shop: Shop, ada: Shop) -> None:
    user = user_store.get(ada("GET", "/auth/me").body["userId"])
    assert user is not None
    verify = accounts.verify_token(user)
    shop("POST", "/auth/password/forgot", {"email": user.email})
    asked = db.get(keys.reset_request(ids.digest(user.email)))
    assert asked is not None
    reset = accounts.reset_token(user.email, asked["nonce"])

    for token, path, more in (
        (verify, "/auth/verify", {}),
        (reset, "/auth/password/reset", {"password": "another passphrase"}),
    ):
        name, _, seal = token.partition(".")
        for other in (f"{name}.x.{seal}", f"{name}..{seal}", f"{token}.", f"{name}.{seal.upper()}", f"{token}="):
            assert shop("POST", path, {"token": other, **more}).status == 400, other
        assert shop("POST", path, {"token": token, **more}).status in (200, 204)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_is_taken_under_its_name(ada: Shop, kind: str) -> None:
    assert ada("PUT", "/users/profile", {"firstName": "Augusta"}, Content_Type=kind).status == 200


@pytest.mark.parametrize(
    "kind",
    ["*/*", "application/*", "*", "", "text/json", "text/plain", "application/problem+json", "application/jsonp",
     "application/json; charset=latin-1", "application/json; charset=utf-16", "application/json, text/plain",
     "text/plain, application/json", "text/plain;application/json", "application/json;*/*", "application/json;",
     "application/json; boundary=x", "application / json", "application/json\u00a0",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_what_is_not_called_json_is_not_taken_for_it(ada: Shop, kind: str) -> None:
    refused = ada("PUT", "/users/profile", {"firstName": "Augusta"}, Content_Type=kind)

    assert (refused.status, refused.body["code"]) == (415, "unsupported_media_type")
    assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["limit=5&limit=6", "limit=5&limit=5", "q=mug&q=cup", "cursor=&cursor="])
def test_a_parameter_that_stands_twice_is_refused(shop: Shop, query: str) -> None:
    refused = shop("GET", f"/products?{query}")

    assert (refused.status, refused.fields) == (400, {(query.partition("=")[0], "repeated")})


def send(headers: dict[str, list[str]]) -> ShopAnswer:
    given = event("GET", "/products") | {"multiValueHeaders": headers}
    answer = app.app(given, LambdaContext("ecommerce-prod", 1769))
    return ShopAnswer(answer["statusCode"], answer["body"], answer["headers"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": ["application/json", "text/plain"]},
        {"Authorization": ["Bearer a", "Bearer b"]},
        {"X-Cart-Token": ["a"], "x-cart-token": ["b"]},
        {"Idempotency-Key": ["a", "a"]},
        {"If-Match": ['"1"', '"2"']},
        *({name.title(): ["a", "b"]} for name in sorted(spelling.SINGLE)),
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_header_that_says_one_thing_and_stands_twice_is_refused(headers: dict[str, list[str]]) -> None:
    refused = send(headers)

    assert (refused.status, {code for _, code in refused.fields}) == (400, {"repeated"})


@pytest.mark.usefixtures("shop")
def test_a_header_that_is_a_list_may_stand_twice() -> None:
    assert send({"Accept": ["application/json", "*/*"], "If-None-Match": ['"1"', '"2"']}).status == 200


@pytest.mark.parametrize("part", ["%00", "%ff", "a%0ab", "%C0%AF", "%ed%a0%80"])
def test_a_part_of_a_path_that_is_no_text_is_refused(ada: Shop, part: str) -> None:
    found = [ada("GET", f"{path}/{part}") for path in ("/products", "/products/category", "/orders", "/sessions")]

    assert [answer.status for answer in found] == [400] * 4
    assert {code for answer in found for _, code in answer.fields} == {"invalid_value"}


@pytest.mark.parametrize("part", ["%2f", "..%2f..", "%E2%80%AE", "%zz", "%"])
def test_a_part_of_a_path_that_is_some_text_names_nothing(ada: Shop, part: str) -> None:
    found = [ada("GET", f"{path}/{part}").status for path in ("/products", "/orders", "/sessions")]

    assert found == [404] * 3
