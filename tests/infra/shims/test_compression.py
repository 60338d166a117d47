"""Large answers of an API on the local AWS."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway

from tests.support.mended import ministack
from tools.local.shims import compression

BODY = b'{"much": "' + b"a" * 2000 + b'"}'


@pytest.fixture(autouse=True)
def _answering(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, BODY

    monkeypatch.setattr(gateway, "_execute_in_scope", answer)


def ask(least: int | None, taken: str) -> tuple[dict[str, str], bytes]:
    _, _, made = gateway._create_rest_api({"name": "shop", "minimumCompressionSize": least})
    api_id = next(each for each in gateway._rest_apis if each.encode() in made)
    headers = {"accept-encoding": taken}
    _, told, body = asyncio.run(gateway.handle_execute(api_id, "dev", "GET", "/", headers, b"", {}))
    return told, body


def test_ministack_still_compresses_nothing() -> None:
    with ministack():
        assert ask(1024, "gzip") == ({"Content-Type": "application/json"}, BODY)


def test_what_is_large_is_compressed() -> None:
    with ministack(compression):
        headers, body = ask(1024, "br, gzip")

    assert (headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", BODY)


@pytest.mark.parametrize(("least", "taken"), [(4096, "gzip"), (1024, "br"), (None, "gzip")])
def test_what_is_small_or_not_wanted_so_is_left_as_it_is(least: int | None, taken: str) -> None:
    with ministack(compression):
        headers, body = ask(least, taken)

    assert ("Content-Encoding" in headers, body) == (False, BODY)
