"""How a route says that its end is near; the shop has none at present, so a small app of its own does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from chalice import Chalice
from chalice.test import Client

import app
from chalicelib.api import http, permissions, problems, versions
from chalicelib.api.permissions import Audience
from chalicelib.api.versions import Deprecated
from chalicelib.core import errors

GOING = Deprecated(since=date(2026, 12, 1), until=date(2027, 6, 30), instead="/greetings")


@pytest.fixture
def client(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """An app with a route that will go, and one that stays."""
    routes = {("GET", "/greetings"): Audience.PUBLIC, ("GET", "/hellos/{name}"): Audience.PUBLIC}
    monkeypatch.setattr(permissions, "ROUTES", routes)
    small = Chalice(app_name="small")
    small.api.cors = problems.cors()
    small.register_middleware(problems.for_gateway_answers, "http")
    endpoint = http.endpoint_for(small, authenticate=pytest.fail, require_open=pytest.fail)

    @small.route("/greetings", methods=["GET"])
    @endpoint()
    def greet(call: http.Call) -> Any:
        return {"message": "hello"}

    @small.route("/hellos/{name}", methods=["GET"])
    @endpoint(deprecated=GOING)
    def say_hello(call: http.Call, name: str) -> Any:
        if name == "nobody":
            raise errors.NotFound("There is nobody of that name.")
        return {"message": f"hello {name}"}

    http.answer_head(small)
    with Client(small) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "name", "status"), [("GET", "ada", 200), ("HEAD", "ada", 200), ("GET", "nobody", 404)]
)
def test_every_answer_of_a_route_that_will_go_says_so(client: Client, method: str, name: str, status: int) -> None:
    answer = client.http.request(method, f"/hellos/{name}")

    told = {header: answer.headers.get(header) for header in ("Deprecation", "Sunset", "Link")}
    assert answer.status_code == status
    assert told == {
        "Deprecation": "@1796083200",
        "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT",
        "Link": '</docs>; rel="deprecation"; type="text/html", </greetings>; rel="successor-version"',
    }


def test_a_route_that_stays_says_nothing_of_it(client: Client) -> None:
    answer = client.http.get("/greetings")

    assert answer.status_code == 200
    assert not {"Deprecation", "Sunset", "Link"} & set(answer.headers)


@pytest.mark.parametrize("base", ["", "/dev", "/v1"])
def test_links_stay_below_the_stage_or_the_domain_that_was_asked(base: str) -> None:
    link = versions.told(GOING, base)["Link"]

    assert link.startswith(f"<{base}/docs>;")
    assert f" <{base}/greetings>;" in link


def test_what_is_to_be_used_instead_is_one_address() -> None:
    with pytest.raises(ValueError, match="no parameters"):
        Deprecated(since=date(2026, 12, 1), until=date(2027, 6, 30), instead="/greetings/{name}")


def test_no_route_goes_sooner_than_callers_were_promised() -> None:
    with pytest.raises(ValueError, match="at least 180 days"):
        Deprecated(since=date(2026, 12, 1), until=date(2027, 5, 29), instead="/greetings")


def test_a_browser_may_read_of_the_end_and_every_route_to_use_instead_is_one() -> None:
    exposed = problems.cors().get_access_control_headers()["Access-Control-Expose-Headers"].split(",")
    views = [entry.view_function for methods in app.app.routes.values() for entry in methods.values()]
    going = [contract.deprecated for view in views if (contract := http.contract_of(view)).deprecated]

    assert {"Deprecation", "Sunset", "Link"} <= set(exposed)
    assert {each.instead for each in going if each} <= {path for _, path in permissions.ROUTES}
