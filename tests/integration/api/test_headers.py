"""What every answer says about itself, over all routes; a route that is new is private until it is declared public."""

from __future__ import annotations

import re

import pytest
from chalice.app import Chalice

import app
from chalicelib.api import permissions, problems
from chalicelib.api.permissions import ROUTES, Audience
from tests.integration.api.test_rbac import BODIES, RbacWorld
from tools.testing.shop import Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

# What is the same for everybody, and how long anybody may keep it.
KEPT = {
    ("GET", "/"): "public, max-age=60",
    ("GET", "/problems"): "public, max-age=86400",
    ("GET", "/problems/{code}"): "public, max-age=86400",
    ("GET", "/hello"): "public, max-age=60",
    ("GET", "/openapi.json"): "public, no-cache",
    ("GET", "/asyncapi.json"): "public, no-cache",
    ("GET", "/health"): "no-cache",
    ("GET", "/docs"): "public, max-age=60",
    ("GET", "/products"): "public, max-age=60",
    ("GET", "/products/category/{category}"): "public, max-age=60",
    ("GET", "/products/{product_id}"): "public, no-cache",
    ("GET", "/categories"): "public, max-age=60",
}
READS = [path for method, path in ROUTES if method == "GET"]
# On every answer, in stages that are reached over HTTPS alone.
SAID = {
    "Access-Control-Allow-Origin": "*",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
OF_THE_REQUEST = {"X-Request-Id", "x-amzn-RequestId"}


@pytest.fixture
def world(shop: Shop) -> RbacWorld:
    return RbacWorld.of(shop)


def ask(world: RbacWorld, persona: str, method: str, path: str, **headers: str) -> ShopAnswer:
    body = world._filled(BODIES.get((method, path)))
    return world.callers[persona](method, world._fill(path), body, **headers)


OFFERED = ("/", "/problems", "/problems/{code}")  # in several media types


def expected(route: tuple[str, str], status: int) -> str:
    return KEPT.get(route, "no-store") if status < 400 else "no-store"


@pytest.mark.fault("F27")
@pytest.mark.parametrize("persona", ["anonymous", "admin"])
def test_every_answer_says_what_browsers_are_told_and_how_long_it_may_be_kept(world: RbacWorld, persona: str) -> None:
    last = {("POST", "/auth/logout"), ("PUT", "/users/password"), ("DELETE", "/users/profile")}
    routes = sorted(ROUTES, key=lambda route: (route in last, route[0] == "DELETE"))

    for route in routes:
        answer = ask(world, persona, *route)
        if "X-Request-Id" not in answer.headers:  # the gateway's own, which tests/infra looks at
            continue
        said = {name for name in SAID if route[1] != "/docs" or "Policy" not in name}  # which says its own
        assert {name: answer.headers[name] for name in said} == {name: SAID[name] for name in said}, route
        assert answer.headers["Cache-Control"] == expected(route, answer.status), (route, answer.status)
        kept = answer.headers["Cache-Control"] != "no-store"
        varies = ["Accept"] * (route[1] in OFFERED and answer.status == 200) + ["Accept-Encoding"] * kept
        assert answer.headers.get("Vary") == (", ".join(varies) or None), route


@pytest.mark.fault("F27")
def test_what_may_be_kept_is_what_is_public_and_changes_nothing() -> None:
    assert {ROUTES[route] for route in KEPT} == {Audience.PUBLIC}
    assert {method for method, _ in KEPT} == {"GET"}
    assert {route for route, audience in ROUTES.items() if audience is Audience.PUBLIC and route[0] == "GET"} == set(
        KEPT
    )


@pytest.mark.fault("F27")
def test_what_is_the_same_for_everybody_is_so_for_a_signed_in_caller_as_well(world: RbacWorld) -> None:
    for method, path in KEPT:
        if path not in ("/health", "/problems/{code}"):  # which say when they were asked
            by_anyone, by_a_user = (ask(world, persona, method, path) for persona in ("anonymous", "customer"))
            assert re.sub(r'"nextCursor":"[^"]*"', "", by_anyone.text) == by_a_user.text, path
            assert by_anyone.headers["Cache-Control"] == by_a_user.headers["Cache-Control"]


@pytest.mark.fault("F27")
def test_an_answer_that_is_known_already_says_so_too(world: RbacWorld) -> None:
    tag = ask(world, "anonymous", "GET", "/products/{product_id}").headers["ETag"]

    known = ask(world, "anonymous", "GET", "/products/{product_id}", If_None_Match=tag)

    assert (known.status, known.text) == (304, "")
    assert (known.headers["Cache-Control"], known.headers["ETag"]) == ("public, no-cache", tag)
    assert known.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/products/prd_nothing", 404),
        ("GET", "/products?limit=0", 400),
        ("TRACE", "/products", 405),
        ("GET", "/cart", 401),
    ],
)
def test_a_failure_is_kept_by_nobody(shop: Shop, method: str, path: str, status: int) -> None:
    refused = shop(method, path, Authorization="Bearer made.up.token")

    assert refused.status == status
    assert refused.headers["Cache-Control"] == "no-store"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_of_one_origin_alone_may_show_what_a_stage_of_that_origin_answers() -> None:
    headers = problems.cors("https://shop.example.com").get_access_control_headers()

    assert headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_on_one_machine_nobody_is_told_to_come_back_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "local")

    headers = problems.cors().get_access_control_headers()

    assert headers == {name: value for name, value in headers.items() if name != "Strict-Transport-Security"}


@pytest.mark.fault("F27")
def test_a_failure_of_ours_is_kept_by_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("chalicelib.products.service.get", breaks)

    broken = shop("GET", "/products/prd_nothing")

    assert (broken.status, broken.headers["Cache-Control"]) == (500, "no-store")
    assert broken.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.fault("F16")
@pytest.mark.parametrize("persona", ["anonymous", "customer", "admin"])
def test_head_is_answered_as_get_is_on_every_route(world: RbacWorld, persona: str) -> None:
    for path in READS:
        get, head = (ask(world, persona, method, path) for method in ("GET", "HEAD"))

        assert head.status == get.status, path
        assert set(head.headers) == set(get.headers), path
        for name in set(head.headers) - OF_THE_REQUEST:
            assert head.headers[name] == get.headers[name], (path, name)


@pytest.mark.fault("F16")
def test_head_knows_what_the_caller_has_already_and_takes_the_cursors_of_get(world: RbacWorld) -> None:
    tag = ask(world, "customer", "GET", "/users/profile").headers["ETag"]
    admin = world.callers["admin"]
    cursor = admin("GET", "/users?limit=1").body["nextCursor"]

    assert ask(world, "customer", "HEAD", "/users/profile", If_None_Match=tag).status == 304
    assert admin("HEAD", f"/users?limit=1&cursor={cursor}").status == 200
    assert admin("HEAD", f"/users?limit=1&cursor={cursor}x").status == 400


@pytest.mark.fault("F16")
def test_the_session_of_a_head_is_looked_up_where_that_of_a_get_is(world: RbacWorld) -> None:
    for path in READS:
        get, head = (ask(world, "revoked", method, path) for method in ("GET", "HEAD"))
        assert head.status == get.status, path


@pytest.mark.fault("F16")
def test_a_path_without_get_does_not_answer_head(shop: Shop) -> None:
    for path in {path for _, path in ROUTES} - set(READS):
        refused = shop("HEAD", path.replace("{", "").replace("}", ""))

        assert refused.status == 405, path
        assert refused.headers["Allow"] == ", ".join(permissions.methods_of(path))


def test_every_route_of_the_app_has_a_twin_for_head_behind_the_same_authorizer() -> None:
    shown: Chalice = app.app

    for methods in shown.routes.values():
        assert ("HEAD" in methods) == ("GET" in methods)
        if "GET" in methods:
            assert methods["HEAD"].authorizer is methods["GET"].authorizer
            assert (methods["GET"].method, methods["HEAD"].method) == ("GET", "HEAD")
