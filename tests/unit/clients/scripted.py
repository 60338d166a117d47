"""A shop that answers as a script says, and a client of it that only notes how long it would wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from clients.python.calling.callers import Caller
from clients.python.calling.requests import Request
from clients.python.calling.retries import Retries
from clients.python.calling.sessions import Tokens

TOKENS = Tokens("access-1", "refresh-1")
ORDER = Request(method="post", url="/orders", json={"note": "ring twice"}, takes_key=True, takes_token=True)
READ = Request(method="get", url="/orders", takes_token=True)
LOST = httpx.ReadError("the connection is gone")
REFUSED = httpx.ConnectError("nobody listens")

Scripted = httpx.Response | httpx.TransportError
Handler = Callable[[httpx.Request], httpx.Response]


def problem(status: int, code: str = "", *, after: str | None = None, **members: Any) -> httpx.Response:
    headers = {"Content-Type": "application/problem+json"} | ({"Retry-After": after} if after is not None else {})
    said = {"code": code, "status": status, "detail": "It is so.", "requestId": "req-1", **members}
    return httpx.Response(status, headers=headers, content=json.dumps(said))


def ok(status: int = 200, **body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


def login(number: int, **more: object) -> httpx.Response:
    return ok(accessToken=f"access-{number}", refreshToken=f"refresh-{number}", **more)


class ScriptedShop:
    """Answers one after the other as the script says, and remembers what it was sent."""

    def __init__(self, *script: Scripted) -> None:
        self._script = iter(script)
        self.sent: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        answer = next(self._script)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    def headers(self, name: str) -> list[str | None]:
        return [request.headers.get(name) for request in self.sent]

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.sent]


class Time:
    """A clock that goes on only while somebody waits."""

    def __init__(self, *, answer_seconds: float = 0.0) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._answer_seconds = answer_seconds

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def read(self) -> float:
        self.now += self._answer_seconds
        return self.now

    def retries(self, **changes: Any) -> Retries:
        return Retries(chance=lambda: 1.0, now=self.read, **changes)


def client(handler: Handler, time: Time | None = None, **more: Any) -> Caller:
    time = time or Time()
    retries = more.pop("retries", None) or time.retries()
    return Caller(
        "https://shop.example.com/api", transport=httpx.MockTransport(handler), wait=time.wait, retries=retries, **more
    )


def call(caller: Caller, request: Request = ORDER) -> Any:
    return caller._call(request, lambda response: response.json() if response.content else None)


def bodies(requests: Iterable[httpx.Request]) -> list[Any]:
    return [json.loads(request.content) for request in requests]
