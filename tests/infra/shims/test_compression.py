"""Large answers of an API on the local AWS, and bodies that were packed on their way to it."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway

from tests.support.mended import ministack
from tools.local.shims import compression

BODY = b'{"much": "' + b"a" * 2000 + b'"}'
Heard = list[tuple[bytes, list[str]]]


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What gets to the function: bodies, and the names of headers."""
    heard: Heard = []

    async def answer(*given: Any) -> tuple[int, dict[str, str], bytes]:
        heard.append((given[6], sorted(given[5])))
        return 200, {"Content-Type": "application/json"}, BODY

    monkeypatch.setattr(gateway, "_execute_in_scope", answer)
    return heard


def ask(least: int | None, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    _, _, made = gateway._create_rest_api({"name": "shop", "minimumCompressionSize": least})
    api_id = next(each for each in gateway._rest_apis if each.encode() in made)
    gateway._create_deployment(api_id, {"stageName": "dev"})
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    status, told, answered = asyncio.run(gateway.handle_execute(api_id, "dev", "POST", "/", sent, body, {}))
    return status, told, answered


def test_ministack_still_packs_and_unpacks_nothing(heard: Heard) -> None:
    with ministack():
        answer = ask(1024, gzip.compress(BODY, mtime=0), accept_encoding="gzip", content_encoding="gzip")

    assert answer == (200, {"Content-Type": "application/json"}, BODY)
    assert heard[0][0] == gzip.compress(BODY, mtime=0)


def test_what_is_large_is_packed() -> None:
    with ministack(compression):
        _, headers, body = ask(1024, accept_encoding="br, gzip")

    assert (headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", BODY)


@pytest.mark.parametrize(
    ("least", "taken"), [(4096, "gzip"), (1024, "br"), (1024, "*"), (1024, "gzip;q=0"), (None, "gzip")]
)
def test_what_is_small_or_not_wanted_so_is_left_as_it_is(least: int | None, taken: str) -> None:
    with ministack(compression):
        _, headers, body = ask(least, accept_encoding=taken)

    assert ("Content-Encoding" in headers, body) == (False, BODY)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("GZIP", gzip.compress(BODY, mtime=0)),
        ("identity", BODY),
    ],
)
def test_what_was_packed_gets_to_the_function_as_it_was_before(heard: Heard, coding: str, packed: bytes) -> None:
    with ministack(compression):
        status, _, _ = ask(1024, packed, content_encoding=coding)

    assert (status, heard) == (200, [(BODY, [])])


@pytest.mark.parametrize(
    ("coding", "sent", "refused"),
    [
        ("br", BODY, 415),
        ("gzip", BODY, 415),
        ("gzip", gzip.compress(BODY, mtime=0)[:-9], 415),
        ("gzip", gzip.compress(BODY, mtime=0) + b"more", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY, mtime=0), mtime=0), 415),
        ("gzip", gzip.compress(b"a" * (compression.MAX_BODY_BYTES + 1), mtime=0), 413),
    ],
)
def test_what_is_not_packed_as_it_says_gets_to_nobody(heard: Heard, coding: str, sent: bytes, refused: int) -> None:
    with ministack(compression):
        status, _, _ = ask(1024, sent, content_encoding=coding)

    assert (status, heard) == (refused, [])
