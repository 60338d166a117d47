"""What a client makes of answers: problems, headers, pages; blocking and asynchronously."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from clients.python.calling.callers import AsyncCaller
from clients.python.calling.pages import walk, walk_async
from clients.python.calling.problems import FieldProblem, ShopProblem
from tests.unit.clients.scripted import (
    LOST,
    ORDER,
    READ,
    TOKENS,
    ScriptedShop,
    Time,
    call,
    client,
    login,
    ok,
    problem,
)

PAGES = {None: ([1, 2], "a"), "a": ([], "b"), "b": ([3], None)}


def test_a_problem_says_what_the_document_says() -> None:
    fault = {"field": "items[0]", "code": "insufficient_stock", "detail": "Only 1 is left.", "available": 1}
    refused = problem(409, "insufficient_stock", title="Out of stock", errors=[fault], orderId="ord_1")

    with pytest.raises(ShopProblem, match=r"^409 insufficient_stock: It is so\.$") as raised:
        call(client(ScriptedShop(refused), tokens=TOKENS))

    found = raised.value
    assert (found.status, found.code, found.title) == (409, "insufficient_stock", "Out of stock")
    assert found.request_id == "req-1"
    assert found.errors == (FieldProblem("items[0]", "insufficient_stock", "Only 1 is left.", {"available": 1}),)
    assert found.more == {"orderId": "ord_1"}


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(502, text="<html>Bad gateway</html>", headers={"Content-Type": "text/html"}),
        httpx.Response(502, text="{", headers={"Content-Type": "application/json"}),
        httpx.Response(502, json=["no", "document"]),
        httpx.Response(502, json={"errors": ["no", {"field": 1}]}),
        httpx.Response(502),
    ],
)
def test_an_answer_that_is_no_problem_document_has_no_code(odd: httpx.Response) -> None:
    with pytest.raises(ShopProblem, match=r"^502 Bad Gateway$") as raised:
        call(client(ScriptedShop(odd), tokens=TOKENS))

    assert (raised.value.status, raised.value.code) == (502, "")


def test_an_answer_in_full_has_its_status_and_headers() -> None:
    tagged = httpx.Response(200, json={"a": 1}, headers={"ETag": '"7"', "Idempotent-Replayed": "true"})
    caller = client(ScriptedShop(tagged, ok()), tokens=TOKENS)

    found = caller.in_full(call, caller, READ)
    plain = caller.in_full(call, caller, READ)

    assert (found.value, found.status, found.etag, found.is_replayed) == ({"a": 1}, 200, '"7"', True)
    assert (plain.value, plain.etag, plain.is_replayed) == ({}, "", False)


def test_a_list_is_gone_through_page_by_page_and_no_further_than_asked() -> None:
    asked: list[str | None] = []

    def read(cursor: str | None) -> Any:
        asked.append(cursor)
        return PAGES[cursor]

    assert next(walk(read)) == 1
    assert asked == [None]
    assert list(walk(read)) == [1, 2, 3]


class AsyncShop:
    """Refuses the first token of each of its callers, all together, and counts the refreshes."""

    def __init__(self, together: int) -> None:
        self.refreshes, self._barrier = 0, asyncio.Barrier(together)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/refresh":
            self.refreshes += 1
            await asyncio.sleep(0)
            return login(2)
        if request.headers["Authorization"] == "Bearer access-2":
            return ok(url=str(request.url))
        await self._barrier.wait()
        return problem(401, "unauthorized")


def async_client(handler: Any, **more: Any) -> AsyncCaller:
    async def wait(seconds: float) -> None:
        more["time"].wait(seconds)

    retries = more["time"].retries()
    transport = httpx.MockTransport(handler)
    return AsyncCaller("https://shop.example.com/api", tokens=TOKENS, transport=transport, wait=wait, retries=retries)


def test_eight_tasks_whose_token_expires_together_refresh_it_once() -> None:
    async def run() -> int:
        shop = AsyncShop(8)
        async with async_client(shop, time=Time()) as caller:
            answers = await asyncio.gather(*(caller._call(READ, lambda came: came.json()) for _ in range(8)))
        assert answers == [{"url": "https://shop.example.com/api/orders"}] * 8
        return shop.refreshes

    assert asyncio.run(run()) == 1


def test_an_asynchronous_client_sends_again_what_the_other_does() -> None:
    shop, time = ScriptedShop(LOST, problem(409, "request_in_progress", after="1"), ok(201, orderId="ord_1")), Time()

    async def run() -> Any:
        async with async_client(shop, time=time) as caller:
            return await caller._call(ORDER, lambda came: came.json())

    assert asyncio.run(run()) == {"orderId": "ord_1"}
    assert len(set(shop.headers("Idempotency-Key"))) == 1
    assert time.waits == [pytest.approx(0.2), pytest.approx(1.4)]


def test_an_asynchronous_list_is_gone_through_as_well() -> None:
    async def read(cursor: str | None) -> Any:
        return PAGES[cursor]

    async def run() -> list[int]:
        return [item async for item in walk_async(read)]

    assert asyncio.run(run()) == [1, 2, 3]
