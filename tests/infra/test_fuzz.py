"""Strange HTTP over real sockets, against the app on an AWS in memory; and that what is wrong would be found."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from chalice.config import Config
from chalice.local import LocalChalice, LocalDevServer

import app
from chalicelib.api import http, permissions
from tests.support.payments import SECRET, keep_secret
from tools.fuzz import cases, run, samples, verdict, wire, world
from tools.fuzz.__main__ import local_port
from tools.fuzz.cases import Case
from tools.fuzz.run import RunFigures
from tools.fuzz.wire import Exchange
from tools.fuzz.world import TooOften, World
from tools.local import gateway
from tools.local.seed import ACCOUNTS, ADMIN
from tools.local.shop import learn_shapes
from tools.refusal import Refusal
from tools.testing.shop import PASSWORD, Shop

pytestmark = [pytest.mark.real_time, pytest.mark.no_cover]

SEED, COUNT = 14, 200


@pytest.fixture
def port(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The whole app behind the local gateway, with an admin."""
    monkeypatch.setitem(ACCOUNTS, ADMIN, PASSWORD)
    monkeypatch.setenv("WEBHOOK_RECEIVERS", "near")
    shop.admin(ADMIN)
    keep_secret({"webhookSecret": SECRET})
    learn_shapes()
    monkeypatch.setattr(app.app, "__class__", type("LocalShop", (LocalChalice, type(app.app)), {}))
    config = Config(config_from_disk={"minimum_compression_size": 1024})
    server = LocalDevServer(app.app, config, "127.0.0.1", 0, gateway.GatewayHandler, gateway.GatewayServer)
    threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server.server_port
    server.shutdown()
    server.server.server_close()


def test_nothing_strange_gets_a_failure_a_trace_or_no_answer(port: int) -> None:
    told: list[RunFigures] = []

    figures = run.run(port, SEED, range(COUNT), told.append, at_once=1)  # moto is for one at a time

    assert figures.findings == []
    assert figures.requests == COUNT
    assert told[-1] is figures
    assert {200, 201, 400, 401, 403, 404, 411, 415, 501} <= set(figures.statuses)


@pytest.mark.parametrize(("failure", "outcome"), [(TooOften("often"), "goes on"), (Refusal("500"), "ends")])
def test_a_run_goes_on_in_an_old_world_only_where_new_ones_were_asked_for_too_often(
    monkeypatch: pytest.MonkeyPatch, failure: Refusal, outcome: str
) -> None:
    worlds = iter([World({}, {}), failure])

    def make(port: int) -> World:
        made = next(worlds)
        if isinstance(made, Refusal):
            raise made
        return made

    monkeypatch.setattr(world, "make", make)
    monkeypatch.setattr(run, "RENEWED_AFTER", 1)
    monkeypatch.setattr(cases, "make", lambda seed, number, here: Case(number, (), (), is_head=False, most_answers=1))
    monkeypatch.setattr(run, "_ask", lambda port, case: (case, Exchange((), b"", 0.0, is_late=False)))
    monkeypatch.setattr(verdict, "of", lambda case, came: "")

    if outcome == "ends":
        with pytest.raises(Refusal, match="500"):
            run.run(0, SEED, range(2), lambda figures: None)
    else:
        assert "anew 1 times" in run.run(0, SEED, range(2), lambda figures: None).told()


def test_every_route_is_asked_and_every_body_is_known() -> None:
    takes = {
        (method, path)
        for path, methods in app.app.routes.items()
        for method, entry in methods.items()
        if http.contract_of(entry.view_function).takes
    }

    assert set(cases.ROUTES) == set(permissions.ROUTES)
    assert set(samples.BODIES) == takes


GOOD = {
    "x-content-type-options": "nosniff", "cache-control": "no-store", "content-security-policy": "default-src 'none'",
    "access-control-allow-origin": "*", "content-type": "application/problem+json",
}  # fmt: skip
PROBLEM = {
    "type": "t",
    "title": "t",
    "status": 404,
    "detail": "d",
    "instance": "/",
    "code": "not_found",
    "requestId": "r",
}
CASE = Case(0, ("method",), (b"GET / HTTP/1.1\r\n\r\n",), is_head=False, most_answers=1)


def came(status: int = 404, body: bytes | None = None, **headers: str) -> Exchange:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    document = json.dumps(PROBLEM | {"status": status}).encode() if body is None else body
    return Exchange((wire.RawAnswer(status, GOOD | said, document),), b"", 0.1, is_late=False)


GOOD_ANSWER = came().answers[0]
WRONG = {
    "a failure of ours": (came(500), "the answer is 500"),
    "a shop that is busy": (came(503), "the answer is 503"),
    "a trace": (came(200, b'{"detail": "Traceback (most recent call last)"}'), "has a trace in it"),
    "the inside": (came(body=json.dumps(PROBLEM | {"detail": "msgspec.ValidationError"}).encode()),
    "tells of the inside"), "no problem document": (came(body=b"{}"), "is no problem document"),
    "another status within": (came(400, json.dumps(PROBLEM).encode()), "is no problem document"),
    "no JSON": (came(body=b"<html>"), "is no JSON"),
    "a page": (came(content_type="text/html"), "no problem document"),
    "a header from outside": (came(x_injected="1"), "a header that nobody meant to give"),
    "two answers": (Exchange((GOOD_ANSWER, GOOD_ANSWER), b"", 0.1, is_late=False), "2 answers came"),
    "no answer": (Exchange((), b"", 0.1, is_late=False), "no answer came"),
    "no HTTP": (Exchange((), b"Oops", 0.1, is_late=False), "no HTTP"),
    "no end": (Exchange((), b"", 30.0, is_late=True), "did not finish"),
}  # fmt: skip


@pytest.mark.parametrize(("exchange", "wrong"), WRONG.values(), ids=list(WRONG))
def test_what_no_answer_may_be_is_found(exchange: Exchange, wrong: str) -> None:
    assert wrong in str(verdict.of(CASE, exchange))


@pytest.mark.parametrize("exchange", [came(), came(501), came(505), came(200, b"{}")])
def test_what_an_answer_may_be_is_let_pass(exchange: Exchange) -> None:
    assert verdict.of(CASE, exchange) is None


def test_answers_are_read_one_behind_another_with_and_without_bodies() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"

    answers, rest = wire.read(b"HTTP/1.1 100 Continue\r\n\r\n" + ok + b"{}" + nothing + ok + b"[]", is_head=False)
    of_heads, _ = wire.read(ok + ok, is_head=True)

    assert [(each.status, each.body) for each in answers] == [(200, b"{}"), (204, b""), (200, b"[]")]
    assert rest == b""
    assert [each.body for each in of_heads] == [b"", b""]
    assert wire.read(ok + b"{", is_head=False)[1] == b"(the body is shorter than it says)"


@pytest.mark.parametrize(
    "shop", ["https://shop.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"]
)
def test_no_shop_but_one_on_this_machine_is_asked(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"shop.example.com": "203.0.113.7"}
    monkeypatch.setattr("socket.getaddrinfo", lambda host, port: [(0, 0, 0, "", (known.get(host, host or ""), port))])

    with pytest.raises(Refusal):
        local_port(shop)


def test_the_local_shop_may_be_asked() -> None:
    assert (local_port("http://127.0.0.1:8123"), local_port("http://localhost")) == (8123, 80)
