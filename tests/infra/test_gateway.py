"""The gateway in front of the local app answers what never reaches it, over real sockets."""

from __future__ import annotations

import gzip
import json
import threading
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

import pytest
from chalice import AuthResponse, Chalice
from chalice.config import Config
from chalice.local import LocalChalice, LocalDevServer

from chalicelib.api import http
from tools.local import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json"}


class App(LocalChalice):
    """A shop of three routes."""


def app() -> Chalice:
    small = App(app_name="small")
    small.api.binary_types = []

    @small.authorizer()
    def guard(request: Any) -> AuthResponse:
        if request.token == "Bearer forged":
            raise Exception("Unauthorized")  # noqa: TRY002 - API Gateway's protocol for a 401
        if request.token == "Bearer broken":
            raise KeyError(request.token)
        return AuthResponse(routes=["*"] if request.token == "Bearer good" else [], principal_id="usr_1")

    @small.route("/hello")
    def hello() -> dict[str, str]:
        return {"message": "hello"}

    @small.route("/echo", methods=["POST"])
    def echo() -> dict[str, str]:
        return {"body": small.current_request.raw_body.decode()}

    @small.route("/mine", authorizer=guard)
    def mine() -> dict[str, str]:
        return {"owner": small.current_request.context["authorizer"]["principalId"]}

    http.answer_head(small)
    return small


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = Config(config_from_disk={"minimum_compression_size": 1024})
    server = LocalDevServer(app(), config, "127.0.0.1", 0, gateway.GatewayHandler, gateway.GatewayServer)
    threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server.server_port
    server.shutdown()
    server.server.server_close()


class Caller:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)

    def __call__(self, method: str, path: str, **given: Any) -> tuple[HTTPResponse, bytes]:
        self.connection.request(method, path, **given)
        answer = self.connection.getresponse()
        return answer, answer.read()


@pytest.fixture
def call(port: int) -> Iterator[Caller]:
    caller = Caller(port)
    yield caller
    caller.connection.close()


def problem(answered: tuple[HTTPResponse, bytes]) -> tuple[int, str]:
    answer, body = answered
    document = json.loads(body)

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Request-Id"] == document["requestId"]
    assert answer.headers["Server"] is None
    assert set(document) == {"type", "title", "status", "detail", "instance", "code", "requestId"}
    assert document["status"] == answer.status
    return answer.status, document["code"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer good"}])
def test_an_unknown_route_is_not_found_with_or_without_a_token(call: Caller, headers: dict[str, str]) -> None:
    assert problem(call("GET", "/nowhere", headers=headers)) == (404, "not_found")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (None, (401, "unauthorized")),
        ("Bearer forged", (401, "unauthorized")),
        ("Bearer other", (403, "forbidden")),
        ("Bearer broken", (500, "internal_error")),
    ],
)
def test_an_authorizer_that_does_not_allow_is_answered_by_the_gateway(
    call: Caller, token: str | None, expected: tuple[int, str]
) -> None:
    answered = call("GET", "/mine", headers={"Authorization": token} if token else {})

    assert problem(answered) == expected
    assert answered[0].headers.get("WWW-Authenticate") == ("Bearer" if expected[0] == 401 else None)


def test_an_allowed_request_reaches_the_app_with_its_principal(call: Caller) -> None:
    _, body = call("GET", "/mine", headers={"Authorization": "Bearer good"})

    assert json.loads(body) == {"owner": "usr_1"}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"\xff\xfe", {}, (400, "invalid_json")),
        (b"x", {"Content-Length": "many"}, (400, "bad_request")),
        (b"x", {"Content-Length": "-1"}, (400, "bad_request")),
        (b"", {"Content-Length": str(10 * 1024 * 1024 + 1)}, (413, "payload_too_large")),
        (b"", {"Content-Length": "9" * 30}, (413, "payload_too_large")),
        (b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}, (411, "length_required")),
    ],
)
def test_a_body_that_the_gateway_cannot_take_is_refused(
    call: Caller, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    call.connection.putrequest("POST", "/echo")
    for name, value in {**JSON, "Content-Length": str(len(body)), **headers}.items():
        call.connection.putheader(name, value)
    call.connection.endheaders(body)
    answer = call.connection.getresponse()

    assert problem((answer, answer.read())) == expected


def test_a_body_arrives_as_the_text_that_was_sent(call: Caller) -> None:
    _, body = call("POST", "/echo", body="grüße".encode(), headers=JSON)

    assert json.loads(body) == {"body": "grüße"}


LARGE = {"body": "a" * 2000}


def test_a_large_answer_is_packed_for_whoever_takes_that(call: Caller) -> None:
    sent = json.dumps(LARGE["body"]).encode()
    plain, whole = call("POST", "/echo", body=sent, headers=JSON)
    answer, packed = call("POST", "/echo", body=sent, headers={**JSON, "Accept-Encoding": "br;q=1, gzip;q=0.5"})
    small, body = call("GET", "/hello", headers={"Accept-Encoding": "gzip"})

    assert (answer.headers["Content-Encoding"], gzip.decompress(packed)) == ("gzip", whole)
    assert answer.headers["Content-Length"] == str(len(packed))
    assert plain.headers["Content-Encoding"] is None
    assert (small.headers["Content-Encoding"], json.loads(body)) == (None, {"message": "hello"})


def test_a_packed_body_arrives_as_it_was_before(call: Caller) -> None:
    _, body = call("POST", "/echo", body=gzip.compress("grüße".encode()), headers={**JSON, "Content-Encoding": "gzip"})

    assert json.loads(body) == {"body": "grüße"}


@pytest.mark.parametrize(
    ("coding", "sent", "expected"),
    [
        ("br", b"{}", (415, "unsupported_media_type")),
        ("gzip", b"{}", (415, "unsupported_media_type")),
        ("gzip", gzip.compress(b" " * (10 * 1024 * 1024 + 1), mtime=0), (413, "payload_too_large")),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(
    call: Caller, coding: str, sent: bytes, expected: tuple[int, str]
) -> None:
    assert problem(call("POST", "/echo", body=sent, headers={**JSON, "Content-Encoding": coding})) == expected


@pytest.mark.fault("F16")
def test_head_answers_as_get_without_a_body_and_keeps_the_connection(call: Caller) -> None:
    head, nothing = call("HEAD", "/hello")
    get, body = call("GET", "/hello")

    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(body))
    assert set(head.headers) == set(get.headers)


@pytest.mark.fault("F16")
@pytest.mark.parametrize("path", ["/nowhere", "/echo", "/mine"])
def test_head_is_refused_as_get_is_and_without_a_body(call: Caller, path: str) -> None:
    head, nothing = call("HEAD", path)
    get, body = call("GET", path)

    assert (head.status, nothing) == (get.status, b"")
    assert get.status >= 400
    assert body


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "QUERY"])
def test_another_method_is_left_to_the_app(call: Caller, method: str) -> None:
    answer, _ = call(method, "/hello")

    assert answer.status == 405


def test_an_unknown_method_is_a_problem_too(call: Caller) -> None:
    assert problem(call("BREW", "/hello")) == (501, "not_implemented")
