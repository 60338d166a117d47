"""Many clients at once on one account and on one address, on an engine that takes threads as DynamoDB does.

Each race is run with one instance that all clients come to, and with an instance of its own for each request, which
knows nothing of what others have leased or refused.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus

import pytest

from bench import catalogue, route_costs
from chalicelib.aws import clients, rate_limits
from chalicelib.core import clock, quotas, settings
from tests.support import exact_engine
from tools import dynoxide
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # threads are slow under it, and others run these lines

CLIENTS, MOST, SEARCHES, SECONDS = 64, 5, 40, 600
INSTANCES = {"one instance": rate_limits.MAX_REMEMBERED, "an instance for each request": 0}
OPENING = clock.from_epoch(1_795_251_000)  # a window begins here, too


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    exact_engine.require()
    with dynoxide.running() as address:
        yield address


@pytest.fixture
def shop(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop with an empty table at the opening of a window, where only logins, orders and searches are limited."""
    narrow = {"login": quotas.Quota(MOST, SECONDS), "order": quotas.Quota(MOST, SECONDS),
              "search": quotas.Quota(SEARCHES, SECONDS)}  # fmt: skip
    # Chalice's client exchanges the environment for each request, and threads may leave one of its copies behind.
    monkeypatch.setattr(os, "environ", os.environ)
    monkeypatch.setenv("RATE_LIMITS", quotas.spell(narrow))
    settings.current.cache_clear()
    settings.current()
    rate_limits.memory.forget()
    with clock.fixed(OPENING), route_costs.visitor() as (meter, visitor):
        meter.url = url
        clients.dynamodb().create_table(**catalogue.table())
        yield visitor
        clients.dynamodb().delete_table(TableName=catalogue.table()["TableName"])
    settings.current.cache_clear()


@pytest.fixture(params=INSTANCES)
def instances(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "memory", rate_limits.Memory(INSTANCES[request.param]))


def at_once(call: Callable[[int], ShopAnswer]) -> Counter[int]:
    """How often each status came back to clients that all begin together."""
    barrier = threading.Barrier(CLIENTS, timeout=60)

    def one(number: int) -> int:
        barrier.wait()
        return call(number).status

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(one, range(CLIENTS)))


def wrong_login(shop: Shop, number: int) -> ShopAnswer:
    return shop("POST", "/auth/login", {"email": f"user{number}@example.com", "password": "wrong password"})


def test_of_64_logins_at_once_from_one_address_only_as_many_are_looked_at_as_are_allowed(
    shop: Shop, instances: None
) -> None:
    statuses = at_once(lambda number: wrong_login(shop, number))

    assert statuses == {HTTPStatus.UNAUTHORIZED: MOST, HTTPStatus.TOO_MANY_REQUESTS: CLIENTS - MOST}
    assert at_once(lambda number: wrong_login(shop, number)) == {HTTPStatus.TOO_MANY_REQUESTS: CLIENTS}


def test_of_64_orders_at_once_on_one_account_only_as_many_are_placed_as_are_allowed(
    shop: Shop, instances: None
) -> None:
    mug = shop.admin().product(stock=CLIENTS)["productId"]
    ada = shop.customer()

    statuses = at_once(lambda _: ada.order((mug, 1)))

    assert statuses == {HTTPStatus.CREATED: MOST, HTTPStatus.TOO_MANY_REQUESTS: CLIENTS - MOST}
    assert shop.stock(mug) == CLIENTS - MOST
    assert ada("GET", "/orders").body["count"] == MOST


def test_of_64_searches_at_once_from_one_address_no_more_than_allowed_are_answered(shop: Shop, instances: None) -> None:
    answered = at_once(lambda _: shop("GET", "/products?q=mug"))[HTTPStatus.OK]
    while shop("GET", "/products?q=mug").status == HTTPStatus.OK:
        answered += 1  # from a lease that came too late for those who were refused meanwhile

    assert answered == SEARCHES


@pytest.mark.parametrize("act", ["log in", "begin a cart"])
def test_64_who_share_an_address_and_are_within_its_limits_do_not_hinder_each_other(
    act: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "memory", rate_limits.Memory(INSTANCES["an instance for each request"]))
    wide = quotas.Quota(2 * CLIENTS, SECONDS)
    monkeypatch.setenv("RATE_LIMITS", quotas.spell(dict.fromkeys(("register", "login", "guest_cart"), wide)))
    settings.current.cache_clear()
    mug = shop.admin().product(stock=CLIENTS)["productId"]
    line = {"productId": mug, "quantity": 1}
    emails = [f"user{number}@example.com" for number in range(CLIENTS)]
    for email in emails if act == "log in" else ():
        shop.register(email)

    acts: dict[str, Callable[[int], ShopAnswer]] = {
        "log in": lambda number: shop("POST", "/auth/login", {"email": emails[number], "password": PASSWORD}),
        "begin a cart": lambda _: shop("POST", "/cart/items", line),
    }
    statuses = at_once(acts[act])

    assert statuses == {HTTPStatus.OK if act == "log in" else HTTPStatus.CREATED: CLIENTS}


def test_across_the_end_of_a_window_no_more_than_two_windows_allow_is_answered(shop: Shop, instances: None) -> None:
    before_the_end = OPENING + timedelta(seconds=SECONDS) - timedelta(milliseconds=CLIENTS)
    readings = itertools.count()

    with clock.read_from(lambda: before_the_end + timedelta(milliseconds=next(readings))):
        statuses = at_once(lambda number: wrong_login(shop, number))

    assert set(statuses) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    assert MOST <= statuses[HTTPStatus.UNAUTHORIZED] <= 2 * MOST


def test_who_is_limited_takes_nothing_of_the_table_from_others(shop: Shop) -> None:
    """Callers have counters of their own, and a refusal that is known asks the table for nothing."""
    at_once(lambda number: wrong_login(shop, number))
    made: list[str] = []
    clients.dynamodb().meta.events.register("before-call.dynamodb", lambda model, **_: made.append(model.name))

    refused = at_once(lambda number: wrong_login(shop, number))

    assert (refused, made) == ({HTTPStatus.TOO_MANY_REQUESTS: CLIENTS}, [])
    assert shop.register().status == HTTPStatus.CREATED
