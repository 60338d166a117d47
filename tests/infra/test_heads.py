"""Bytes on a socket of the local gateway: what could be read in two ways is refused, and the connection ends (F26)."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from chalice.config import Config
from chalice.local import LocalDevServer

from chalicelib.api import spelling
from tests.infra.test_gateway import app
from tools.local import gateway, heads

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real_time, pytest.mark.fault("F26")]

HIDDEN = b"GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n"
GET = b"GET /hello HTTP/1.1\r\nHost: shop\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
LENGTH = str(len(HIDDEN)).encode()


class Impatient(gateway.GatewayHandler):
    """Waits for a body no longer than a test wants to."""

    timeout = 0.2


@contextmanager
def serving(handler: type[gateway.GatewayHandler]) -> Iterator[int]:
    server = LocalDevServer(app(), Config(), "127.0.0.1", 0, handler, gateway.GatewayServer)
    threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server.server_port
    server.shutdown()
    server.server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(gateway.GatewayHandler) as port:
        yield port


def exchange(port: int, sent: bytes, *, ends: bool = True) -> bytes:
    """All that comes back for these bytes until the server hangs up; `ends` says that no more will be sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        parts = list(iter(lambda: connection.recv(65536), b""))
    return b"".join(parts)


def statuses(answered: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answered)]


LINES = {
    "a blank before the colon": (POST + b"Content-Length : " + LENGTH + b"\r\n\r\n" + HIDDEN, 400),
    "a tab before the colon": (POST + b"Content-Length\t: " + LENGTH + b"\r\n\r\n" + HIDDEN, 400),
    "a blank before the coding's colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "a folded line": (GET + b"X-Note: one\r\n two\r\n\r\n" + HIDDEN, 400),
    "a folded length": (POST + b"Content-Length:\r\n " + LENGTH + b"\r\n\r\n" + HIDDEN, 400),
    "a first header that is folded": (b"GET /hello HTTP/1.1\r\n Host: shop\r\n\r\n" + HIDDEN, 400),
    "a header that ends in LF": (GET + b"X-Note: one\n\r\n" + HIDDEN, 400),
    "an end that is LF": (GET + b"\n" + HIDDEN, 400),
    "a request line that ends in LF": (b"GET /hello HTTP/1.1\nHost: shop\r\n\r\n", 400),
    "a CR within a header": (GET + b"X-Note: one\rContent-Length: 5\r\n\r\n" + HIDDEN, 400),
    "a CR at the end of a header": (GET + b"X-Note: one\r\r\n\r\n" + HIDDEN, 400),
    "NUL in a header": (GET + b"X-Note: o\x00ne\r\n\r\n" + HIDDEN, 400),
    "NUL in a name": (GET + b"X-\x00Note: one\r\n\r\n" + HIDDEN, 400),
    "a name that is not ASCII": (GET + "X-Größe: 1\r\n\r\n".encode() + HIDDEN, 400),
    "no colon": (GET + b"Content-Length 5\r\n\r\n" + HIDDEN, 400),
    "no name": (GET + b": five\r\n\r\n" + HIDDEN, 400),
    "no host": (b"GET /hello HTTP/1.1\r\n\r\n" + HIDDEN, 400),
    "two hosts": (GET + b"Host: other\r\n\r\n" + HIDDEN, 400),
    "two tokens": (GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n" + HIDDEN, 400),
    "two types": (POST + b"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n" + HIDDEN, 400),
    "two lengths": (POST + b"Content-Length: 0\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + HIDDEN, 400),
    "the same length twice": (POST + (b"Content-Length: " + LENGTH + b"\r\n") * 2 + b"\r\n" + HIDDEN, 400),
    "a length in capitals beside it": (POST + b"CONTENT-LENGTH: 0\r\ncontent-length: 9\r\n\r\n" + HIDDEN, 400),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\n" + HIDDEN, 400),
    "a length with a sign": (POST + b"Content-Length: +5\r\n\r\n" + HIDDEN, 400),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\n" + HIDDEN, 400),
    "a length in hex": (POST + b"Content-Length: 0x5\r\n\r\n" + HIDDEN, 400),
    "a length with a point": (POST + b"Content-Length: 5.0\r\n\r\n" + HIDDEN, 400),
    "a length with an underscore": (POST + b"Content-Length: 1_0\r\n\r\n" + HIDDEN, 400),
    "a length in other digits": (POST + "Content-Length: \u0665\r\n\r\n".encode() + HIDDEN, 400),
    "an empty length": (POST + b"Content-Length: \r\n\r\n" + HIDDEN, 400),
    "a length beyond all": (POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + HIDDEN, 413),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 411),
    "chunks and a length": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        411,
    ),
    "another coding": (POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN, 411),
    "a coding without a value": (POST + b"Transfer-Encoding:\r\n\r\n" + HIDDEN, 411),
    "HTTP/0.9": (b"GET /hello\r\n", 400),
    "HTTP/0.9 with a version": (b"GET /hello HTTP/0.9\r\nHost: shop\r\n\r\n", 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a version in small letters": (b"GET /hello http/1.1\r\nHost: shop\r\n\r\n", 400),
    "a version of more digits": (b"GET /hello HTTP/1.10\r\nHost: shop\r\n\r\n", 400),
    "two blanks": (b"GET  /hello HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "a tab for a blank": (b"GET\t/hello HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "a blank at the end": (b"GET /hello HTTP/1.1 \r\nHost: shop\r\n\r\n", 400),
    "a blank in the path": (b"GET /hel lo HTTP/1.1\r\nHost: shop\r\n\r\n", 400),
    "an empty line first": (b"\r\n" + HIDDEN, 400),
    "an unknown method": (b"BREW /hello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 501),
    "a method in small letters": (b"get /hello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 501),
    "a method that is no word": (b"G@T /hello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "an address with its host": (b"GET http://shop/hello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "no slash": (b"GET hello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "a fragment": (b"GET /hello#top HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "half a percent code": (b"GET /hello%2 HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "a byte that is not ASCII": (b"GET /hello\xff HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "NUL in the path": (b"GET /hello\x00 HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "an encoded slash": (b"GET %2fhello HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 400),
    "an endless request line": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN, 414),
    "an endless header": (GET + b"X-Note: " + b"a" * 70_000 + b"\r\n\r\n" + HIDDEN, 431),
    "too many headers": (GET + b"X-Note: 1\r\n" * 101 + b"\r\n" + HIDDEN, 431),
    "headers that are too long in all": (GET + (b"X-Note: " + b"a" * 8000 + b"\r\n") * 9 + b"\r\n" + HIDDEN, 431),
    "a body that is too short": (POST + b"Content-Length: 50\r\n\r\n" + b"short", 400),
}


@pytest.mark.parametrize(("sent", "status"), LINES.values(), ids=list(LINES))
def test_what_can_be_read_in_two_ways_is_one_problem_and_the_end_of_the_connection(
    port: int, sent: bytes, status: int
) -> None:
    answered = exchange(port, sent)
    head, _, body = answered.partition(b"\r\n\r\n")

    assert statuses(answered) == [status]
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    "path",
    [b"//hello", b"/hello//", b"//shop/hello", b"/hello;v=1", b"/hello%00", b"/hell%ff", b"/%68ello", b"/mine/../hello",
     b"/./hello", b"/hello%2f", b"/HELLO", b"//", b"/hello/%20"],
)  # fmt: skip
def test_a_path_is_that_of_a_route_or_of_none(port: int, path: bytes) -> None:
    answered = exchange(port, b"GET " + path + b" HTTP/1.1\r\nHost: shop\r\n\r\n" + HIDDEN)

    assert statuses(answered) == [404, 200]


def test_a_body_that_does_not_come_is_waited_for_in_vain() -> None:
    with serving(Impatient) as port:
        answered = exchange(port, POST + b"Content-Length: 50\r\n\r\nshort", ends=False)

    assert statuses(answered) == [408]
    assert b"\r\nConnection: close" in answered


def test_a_client_that_wants_leave_for_too_large_a_body_is_not_told_to_go_on(port: int) -> None:
    large = str(gateway.MAX_BODY_BYTES + 1).encode()

    answered = exchange(port, POST + b"Content-Length: " + large + b"\r\nExpect: 100-continue\r\n\r\n")

    assert statuses(answered) == [413]


def test_the_old_protocol_is_answered_once(port: int) -> None:
    answered = exchange(port, b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + HIDDEN)

    assert statuses(answered) == [200]


def test_what_has_one_reading_is_read_so_and_answered_in_turn(port: int) -> None:
    body = POST + b"Content-Length: " + LENGTH + b"\r\n\r\n" + HIDDEN
    blanks = GET + b"Accept:*/*\r\nX-Note: \t two words \t\r\nAccept: text/html\r\n\r\n"

    answered = exchange(port, body + blanks + HIDDEN)

    assert statuses(answered) == [200, 200, 200]
    assert answered.count(b'{"message":"hello"}') == 2


@pytest.mark.parametrize("name", sorted(spelling.SINGLE))
def test_whatever_the_app_wants_once_stands_once(name: str) -> None:
    twice = f"Host: shop\r\n{name}: a\r\n{name.title()}: b\r\n\r\n".encode()

    with pytest.raises(heads.Refused, match="stands twice"):
        heads.read(b"GET /hello HTTP/1.1\r\n", io.BytesIO(twice))


def test_blanks_around_a_value_are_no_part_of_it_and_lists_stay_whole() -> None:
    with_lists = b"Host: shop\r\nAccept: a/b \t\r\nACCEPT:c/d\r\nX-Empty:\r\n\r\nrest"
    more = io.BytesIO(with_lists)

    head = heads.read(b"GET /hello?a=1 HTTP/1.1\r\n", more)

    assert head == ("GET", "/hello?a=1", "1.1", {"host": "shop", "accept": "a/b, c/d", "x-empty": ""})
    assert more.read() == b"rest"
