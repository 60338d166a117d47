"""The local AWS within a process, with nothing between it and the clients: thousands of calls a minute.

For a process of its own only: every client of the process talks to it from then on.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
import types
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.waiter
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.endpoint import Endpoint
from ministack import app
from ministack.services import lambda_svc

from tools.local import shims


class Cloud:
    """The local AWS in this process: takes the requests of every client, and answers at once."""

    def __init__(self) -> None:
        """Answer every client of this process, and let nobody wait for what becomes ready."""
        lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0
        botocore.waiter.time = types.SimpleNamespace(sleep=lambda _: time.sleep(0.001))  # type: ignore[attr-defined]
        shims.apply()
        self._app, self._loop = app.app, asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        Endpoint._send = lambda _, request: self.send(request)

    def forget(self) -> None:
        """Become an account that has nothing."""
        self.send(AWSPreparedRequest("POST", "http://aws/_ministack/reset", {}, b"", stream_output=False))

    def send(self, request: Any) -> AWSResponse:
        """What the local AWS answers a request."""
        parts, body = urlsplit(request.url), request.body or b""
        body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
        scope = {
            "type": "http",
            "method": request.method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), _bytes(value)) for name, value in request.headers.items()],
        }
        status, headers, content = asyncio.run_coroutine_threadsafe(self._ask(scope, body), self._loop).result()
        return AWSResponse(request.url, status, headers, _Raw(content))

    async def _ask(self, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:])


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
