"""What a client sends again, what it does not, and how long it waits."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from clients.python.calling.problems import NoAnswer, ShopProblem
from clients.python.calling.requests import KEY, Request
from tests.unit.clients.scripted import (
    LOST,
    ORDER,
    READ,
    REFUSED,
    TOKENS,
    Scripted,
    ScriptedShop,
    Time,
    call,
    client,
    login,
    ok,
    problem,
)

CHANGE = Request(method="patch", url="/products/prd_1", json={"price": 1}, takes_token=True)
DELETE = Request(method="delete", url="/cart/items/prd_1", takes_token=True)
CONDITIONAL = Request(method="put", url="/products/prd_1", json={}, headers={"If-Match": '"1"'}, takes_token=True)
PASSWORD = Request(method="put", url="/users/password", json={}, takes_token=True)
CANCEL = Request(method="put", url="/orders/ord_1/cancel", takes_token=True)
LOGIN = Request(method="post", url="/auth/login", json={})
TIMEOUT = httpx.ReadTimeout("nothing came")


@pytest.mark.parametrize("lost", [LOST, TIMEOUT, httpx.RemoteProtocolError("closed"), problem(504, "gateway_timeout")])
def test_an_order_whose_answer_is_lost_is_sent_again_as_it_was(lost: Scripted) -> None:
    shop = ScriptedShop(lost, lost, ok(201, orderId="ord_1"))

    assert call(client(shop, tokens=TOKENS)) == {"orderId": "ord_1"}

    keys = shop.headers(KEY)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(keys[0] or "") == 36
    assert len({request.content for request in shop.sent}) == 1


def test_each_order_has_a_key_of_its_own_but_for_one_that_is_given() -> None:
    shop = ScriptedShop(*[ok(201)] * 3)
    caller = client(shop, tokens=TOKENS)

    for request in (ORDER, ORDER, replace(ORDER, headers={KEY: "mine"})):
        call(caller, request)

    assert len(set(shop.headers(KEY))) == 3
    assert shop.headers(KEY)[2] == "mine"


@pytest.mark.parametrize("request_", [CHANGE, DELETE, CONDITIONAL, PASSWORD, LOGIN], ids=lambda each: each.url)
@pytest.mark.parametrize("lost", [LOST, TIMEOUT, problem(503, after="1"), problem(504)], ids=str)
def test_what_might_have_been_done_and_is_not_the_same_twice_is_sent_once(request_: Request, lost: Scripted) -> None:
    shop = ScriptedShop(lost, ok())

    with pytest.raises((NoAnswer, ShopProblem)):
        call(client(shop, tokens=TOKENS), request_)

    assert len(shop.sent) == 1


@pytest.mark.parametrize("request_", [ORDER, CHANGE, DELETE, CONDITIONAL, PASSWORD, LOGIN, CANCEL, READ])
@pytest.mark.parametrize("undone", [REFUSED, httpx.ConnectTimeout(""), problem(429, "too_many_requests", after="1")])
def test_what_surely_was_not_done_is_sent_again_whatever_it_is(request_: Request, undone: Scripted) -> None:
    shop = ScriptedShop(undone, login(1))

    call(client(shop, tokens=TOKENS), request_)

    assert len(shop.sent) == 2


@pytest.mark.parametrize("request_", [READ, CANCEL])
@pytest.mark.parametrize("lost", [LOST, problem(503, "temporarily_unavailable", after="0"), problem(504)])
def test_what_reads_or_sets_is_sent_again(request_: Request, lost: Scripted) -> None:
    shop = ScriptedShop(lost, ok())

    call(client(shop, tokens=TOKENS), request_)

    assert len(shop.sent) == 2


@pytest.mark.parametrize(
    "refused",
    [
        problem(409, "insufficient_stock"),
        problem(409, "payment_outcome_unknown"),
        problem(402, "payment_declined"),
        problem(422, "idempotency_key_reused"),
        problem(429, "too_many_attempts", after="2"),
        problem(429, "quota_exceeded"),
        problem(500, "internal_error"),
        problem(503, "unhealthy"),
        httpx.Response(302, headers={"Location": "/"}),
        httpx.Response(502, text="<html>"),
    ],
    ids=lambda each: str(each.status_code),
)
def test_an_answer_that_stays_is_not_asked_for_again(refused: httpx.Response) -> None:
    shop, time = ScriptedShop(refused), Time()

    with pytest.raises(ShopProblem) as raised:
        call(client(shop, time, tokens=TOKENS))

    assert raised.value.status == refused.status_code
    assert time.waits == []


def test_a_first_request_that_is_still_being_worked_on_is_waited_for() -> None:
    working = problem(409, "request_in_progress", after="2")
    shop, time = ScriptedShop(working, working, ok(201, orderId="ord_1")), Time()

    assert call(client(shop, time, tokens=TOKENS)) == {"orderId": "ord_1"}

    assert time.waits == [pytest.approx(2.2), pytest.approx(2.4)]
    assert len(set(shop.headers(KEY))) == 1


def test_the_wait_doubles_up_to_a_bound_and_is_a_random_part_of_that() -> None:
    shop, time = ScriptedShop(*[LOST] * 5, ok()), Time()
    retries = time.retries(attempts=6, base_seconds=1, most_seconds=5)
    call(client(shop, time, tokens=TOKENS, retries=retries), READ)
    lucky = ScriptedShop(LOST, ok())
    call(client(lucky, other := Time(), tokens=TOKENS, retries=replace(retries, chance=lambda: 0.0)), READ)

    assert time.waits == [1, 2, 4, 5, 5]
    assert other.waits == [0]


def test_a_client_gives_up_after_its_attempts() -> None:
    shop = ScriptedShop(*[LOST] * 5)

    with pytest.raises(
        NoAnswer, match=r"^POST /orders: no answer came, and whether it was done is not known\."
    ) as lost:
        call(client(shop, tokens=TOKENS), replace(ORDER, headers={KEY: "mine"}))

    assert (lost.value.was_sent, lost.value.idempotency_key) == (True, "mine")
    assert lost.value.__cause__ is LOST


def test_nothing_was_sent_if_nobody_ever_listened() -> None:
    with pytest.raises(NoAnswer, match=r"nothing was sent") as lost:
        call(client(ScriptedShop(*[REFUSED] * 5), tokens=TOKENS))

    assert not lost.value.was_sent


def test_it_is_not_known_if_only_the_last_attempts_found_nobody() -> None:
    with pytest.raises(NoAnswer) as lost:
        call(client(ScriptedShop(LOST, *[REFUSED] * 4), tokens=TOKENS))

    assert lost.value.was_sent


@pytest.mark.parametrize("hopeless", [httpx.UnsupportedProtocol("ftp"), httpx.LocalProtocolError("a header")])
def test_what_no_protocol_carries_is_not_tried_again(hopeless: httpx.TransportError) -> None:
    shop = ScriptedShop(hopeless)

    with pytest.raises(NoAnswer) as lost:
        call(client(shop, tokens=TOKENS))

    assert not lost.value.was_sent


def test_an_hour_is_not_waited_for() -> None:
    shop, time = ScriptedShop(problem(429, "too_many_requests", after="3600")), Time()

    with pytest.raises(ShopProblem) as raised:
        call(client(shop, time, tokens=TOKENS), READ)

    assert (raised.value.retry_after, time.waits) == (3600, [])


def test_no_attempt_begins_after_the_time_in_all() -> None:
    time = Time(answer_seconds=25)
    shop = ScriptedShop(*[TIMEOUT] * 5)

    with pytest.raises(NoAnswer):
        call(client(shop, time, tokens=TOKENS), READ)

    assert len(shop.sent) == 3


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Sat, 28 Nov 2026 10:00:30 GMT", "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"Retry-After": "Sat, 28 Nov 2026 09:00:00 GMT", "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 28 Nov 2026 10:00:30 -0000", "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}, None),
        ({"Retry-After": "Sat, 28 Nov 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_time(said: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(ShopProblem) as raised:
        call(client(ScriptedShop(httpx.Response(500, headers=said)), tokens=TOKENS))

    assert raised.value.retry_after == seconds
