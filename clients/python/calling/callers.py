"""The I/O of a client: requests are sent by httpx, blocking or asynchronously, and one at a time renews the tokens."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Self, TypeVar

import httpx

from .exchanges import Exchange, Renew, Send, Wait, answer, renewed
from .problems import ShopProblem
from .requests import Request
from .retries import Outcome, Retries
from .sessions import Session, Tokens

T = TypeVar("T")
P = ParamSpec("P")

TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # a gateway gives up after 29 seconds
_came: ContextVar[httpx.Response] = ContextVar("came")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came, with the status and the headers that it came with."""

    value: T
    status: int
    headers: httpx.Headers

    @property
    def etag(self) -> str:
        """What `if_match` takes, so that a change is refused if somebody else was first; empty without one."""
        return str(self.headers.get("ETag", ""))

    @property
    def is_replayed(self) -> bool:
        """Had the same Idempotency-Key given this answer before?"""
        return "Idempotent-Replayed" in self.headers


class _Caller:
    """What clients of both kinds keep."""

    def __init__(
        self,
        email: str | None,
        password: str | None,
        tokens: Tokens | None,
        on_tokens: Callable[[Tokens | None], None] | None,
        retries: Retries | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        self._headers = {"Accept": "application/json, application/problem+json", **(headers or {})}
        self.session = Session(email, password, tokens, on_tokens=on_tokens)
        self._retries = retries or Retries()

    def _begun(self, request: Request) -> Exchange:
        return answer(request.keyed(str(uuid.uuid4())), self.session, self._retries)


def _arguments(step: Send) -> dict[str, Any]:
    request = step.request
    found = {"params": request.params, "json": request.json, "content": request.content}
    said = {name: value for name, value in found.items() if value is not None}
    return {"method": request.method, "url": request.url, "headers": {**request.headers, **step.headers}, **said}


def _checked(response: httpx.Response) -> httpx.Response:
    _came.set(response)
    if not response.is_success:
        raise ShopProblem(response)
    return response


class Caller(_Caller):
    """A client that blocks; any number of threads may share it.

    With `email` and `password` it logs in when somebody is asked for; `tokens` are those of an earlier session. `wait`
    is what waits before another attempt, and `transport` what sends, for tests.
    """

    def __init__(  # noqa: PLR0913 - each has a default that serves
        self,
        url: str,
        *,
        email: str | None = None,
        password: str | None = None,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens | None], None] | None = None,
        retries: Retries | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(email, password, tokens, on_tokens, retries, headers)
        self._http = httpx.Client(base_url=url, headers=self._headers, timeout=timeout, transport=transport)
        self._wait = wait
        self._renewing = threading.Lock()

    def log_in(self, email: str, password: str) -> None:
        """Open a session, which the requests that follow are of; a guest's cart goes along."""
        self._call(self.session.login(email, password), _nothing)

    def in_full(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        """What an operation of this client gives, with the status and headers that came with it."""
        value = operation(*args, **kwargs)
        return Answer(value, _came.get().status_code, _came.get().headers)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, request: Request, read: Callable[[httpx.Response], T]) -> T:
        return read(_checked(self._run(self._begun(request))))

    def _run(self, steps: Exchange) -> httpx.Response:
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                response: httpx.Response = end.value
                return response
            outcome = self._step(step)

    def _step(self, step: Send | Wait | Renew) -> Outcome | None:
        match step:
            case Send():
                try:
                    return self._http.request(**_arguments(step))
                except httpx.TransportError as error:
                    return error
            case Wait(seconds):
                self._wait(seconds)
            case Renew(stale):
                with self._renewing:
                    if steps := renewed(self.session, self._retries, stale):
                        _checked(self._run(steps))
        return None


class AsyncCaller(_Caller):
    """A client for asyncio; any number of tasks may share it. Its arguments are as those of the one that blocks."""

    def __init__(  # noqa: PLR0913 - each has a default that serves
        self,
        url: str,
        *,
        email: str | None = None,
        password: str | None = None,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens | None], None] | None = None,
        retries: Retries | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(email, password, tokens, on_tokens, retries, headers)
        self._http = httpx.AsyncClient(base_url=url, headers=self._headers, timeout=timeout, transport=transport)
        self._wait = wait
        self._renewing = asyncio.Lock()

    async def log_in(self, email: str, password: str) -> None:
        """Open a session, which the requests that follow are of; a guest's cart goes along."""
        await self._call(self.session.login(email, password), _nothing)

    async def in_full(self, operation: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        """What an operation of this client gives, with the status and headers that came with it."""
        value = await operation(*args, **kwargs)
        return Answer(value, _came.get().status_code, _came.get().headers)

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(self, request: Request, read: Callable[[httpx.Response], T]) -> T:
        return read(_checked(await self._run(self._begun(request))))

    async def _run(self, steps: Exchange) -> httpx.Response:
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                response: httpx.Response = end.value
                return response
            outcome = await self._step(step)

    async def _step(self, step: Send | Wait | Renew) -> Outcome | None:
        match step:
            case Send():
                try:
                    return await self._http.request(**_arguments(step))
                except httpx.TransportError as error:
                    return error
            case Wait(seconds):
                await self._wait(seconds)
            case Renew(stale):
                async with self._renewing:
                    if steps := renewed(self.session, self._retries, stale):
                        _checked(await self._run(steps))
        return None


def _nothing(_: httpx.Response) -> None:
    return None
