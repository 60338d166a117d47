"""Rate limits: how often a caller may do something, what refusing costs, and what answers say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.api import limits, permissions
from chalicelib.api.limits import Moment
from chalicelib.aws import clients, rate_limits
from chalicelib.core import clock, quotas, settings
from chalicelib.core.quotas import DEFAULTS
from tests.support.faults import injected
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

MOST, SECONDS = 3, 600
NOBODY = {"email": "nobody@example.com", "password": "wrong password"}
TOKEN = "no.token"
ADDRESS_HEADER = "True-Client-IP"


@pytest.fixture(autouse=True)
def _narrow(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All limits are three in ten minutes, and a request says from which address it comes; time stands still."""
    narrow = dict.fromkeys(DEFAULTS, quotas.Quota(MOST, SECONDS))
    monkeypatch.setenv("RATE_LIMITS", quotas.spell(narrow))
    monkeypatch.setenv("CLIENT_ADDRESS_HEADER", ADDRESS_HEADER)
    settings.current.cache_clear()
    settings.current()
    with clock.fixed(clock.now()):
        yield
    settings.current.cache_clear()


@pytest.fixture
def mug(shop: Shop) -> str:
    return str(shop.admin().product(name="Mug", price=12.5, stock=99)["productId"])


@contextmanager
def calls() -> Iterator[list[str]]:
    """The names of the calls to DynamoDB that are made meanwhile."""
    made: list[str] = []

    def note(operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        made.append(operation)
        return go_on()

    with injected(note):
        yield made


def by(shop: Shop, address: str) -> Shop:
    return Shop(shop.client, {**shop.headers, ADDRESS_HEADER: address})


def registration(number: int) -> dict[str, Any]:
    return {"email": f"user{number}@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B"}


# What anybody may try, and what it answers while it may be tried.
TRIES: dict[str, tuple[Callable[[Shop, int], ShopAnswer], int]] = {
    "login": (lambda shop, n: shop("POST", "/auth/login", {**NOBODY, "email": f"n{n}@example.com"}), 401),
    "session": (lambda shop, n: shop("POST", "/sessions", {**NOBODY, "email": f"n{n}@example.com"}), 401),
    "register": (lambda shop, n: shop("POST", "/auth/register", registration(n)), 201),
    "forgot": (lambda shop, n: shop("POST", "/auth/password/forgot", {"email": f"n{n}@example.com"}), 202),
    "reset": (lambda shop, _: shop("POST", "/auth/password/reset", {"token": TOKEN, "password": PASSWORD}), 400),
    "verify": (lambda shop, _: shop("POST", "/auth/verify", {"token": TOKEN}), 400),
    "search": (lambda shop, _: shop("GET", "/products?q=mug"), 200),
    "search of a category": (lambda shop, _: shop("GET", "/products/category/kitchen?q=mug"), 200),
    "coupon": (lambda shop, _: shop("POST", "/cart/coupon", {"code": "NONE-1"}), 422),
    "guest's line": (lambda shop, _: shop("POST", "/cart/items", {"productId": mug_of(shop), "quantity": 1}), 201),
    "guest's change": (lambda shop, _: shop("PUT", "/cart/items/prd_1", {"quantity": 2}, X_Cart_Token="t"), 404),
    "guest's removal": (lambda shop, _: shop("DELETE", "/cart/items/prd_1", X_Cart_Token="t"), 404),
    "guest's clearing": (lambda shop, _: shop("DELETE", "/cart", X_Cart_Token="t"), 404),
}


def mug_of(shop: Shop) -> str:
    return str(shop("GET", "/products").body["products"][0]["productId"])


@pytest.mark.parametrize("what", TRIES)
def test_an_address_tries_as_often_as_allowed_and_is_told_when_to_come_again(what: str, shop: Shop, mug: str) -> None:
    attempt, usual = TRIES[what]
    one, other = by(shop, "198.51.100.7"), by(shop, "198.51.100.8")

    answers = [attempt(one, number) for number in range(MOST + 2)]

    assert [answer.status for answer in answers] == [usual] * MOST + [429] * 2
    late = answers[-1]
    assert late.body["code"] == "too_many_requests"
    assert 0 < int(late.headers["Retry-After"]) <= SECONDS
    assert f";q={MOST};w={SECONDS}" in late.headers["RateLimit-Policy"]
    assert f";r=0;t={late.headers['Retry-After']}" in late.headers["RateLimit"]
    assert attempt(other, 10).status == usual
    with clock.fixed(clock.now() + timedelta(seconds=int(late.headers["Retry-After"]))):
        assert attempt(one, 20).status == usual


def test_a_buyer_orders_as_often_as_allowed_and_failed_attempts_count(shop: Shop, mug: str) -> None:
    ada, bob = shop.customer(), shop.customer("bob@example.com")

    tries = [ada.order((mug, 1)), ada.order((mug, 100)), ada.order((mug, 1), token="tok_declined")]
    late = ada.order((mug, 1))

    assert [each.status for each in (*tries, late)] == [201, 400, 402, 201]  # what is malformed is no attempt
    assert ada.order((mug, 1)).status == 429
    assert [bob.order((mug, 98)).status for _ in range(MOST + 1)] == [409] * MOST + [429]
    assert shop.stock(mug) == 97


def test_a_repeated_order_is_replayed_also_for_a_buyer_who_is_refused_another(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    first = [ada.order((mug, 1), Idempotency_Key=key) for key in ("a", "b", "c")]

    again = [ada.order((mug, 1), Idempotency_Key=key) for key in ("a", "b", "c")]
    refused = [ada.order((mug, 1), Idempotency_Key="d"), ada.order((mug, 1))]
    known = [ada.order((mug, 1), Idempotency_Key=key) for key in ("a", "b", "c")]

    assert [each.text for each in again] == [each.text for each in known] == [each.text for each in first]
    assert {each.headers["Idempotent-Replayed"] for each in (*again, *known)} == {"true"}
    assert [each.status for each in refused] == [429, 429]


def test_a_repeated_registration_is_replayed_and_uses_nothing(shop: Shop) -> None:
    one = by(shop, "198.51.100.7")
    first = one("POST", "/auth/register", registration(1), Idempotency_Key="a")

    again = [one("POST", "/auth/register", registration(1), Idempotency_Key="a") for _ in range(3 * MOST)]

    assert {(each.status, each.text) for each in again} == {(201, first.text)}
    assert [one("POST", "/auth/register", registration(n)).status for n in (2, 3, 4)] == [201, 201, 429]
    assert one("POST", "/auth/register", registration(1), Idempotency_Key="a").text == first.text


def test_a_repeat_gives_back_what_it_took_of_a_lease(shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", "order=40/600")
    settings.current.cache_clear()
    ada = shop.customer()
    placed = ada.order((mug, 1), Idempotency_Key="a")
    failed = [ada.order(("prd_01DXF6DT009WF1APZETFVSME33", 1)) for _ in range(2)]  # the second takes two and uses one

    again = [ada.order((mug, 1), Idempotency_Key="a") for _ in range(9)]
    other = ada.order((mug, 1))

    assert {each.text for each in again} == {placed.text}
    left = [each.headers["RateLimit"].split(";")[1] for each in (placed, *failed, *again, other)]
    assert left == ["r=39", "r=38", *["r=37"] * 10, "r=36"]


def test_asking_again_while_an_order_is_being_placed_uses_nothing(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    asked: list[int] = []

    def ask_meanwhile(operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        answer = go_on()
        if operation == "transact_write_items" and not asked:  # it is reserved, and not yet paid
            asked.append(0)
            asked.extend(ada.order((mug, 1), Idempotency_Key="a").status for _ in range(MOST + 1))
        return answer

    with injected(ask_meanwhile):
        placed = ada.order((mug, 1), Idempotency_Key="a")

    assert asked[1:] == [409] * (MOST + 1)
    assert [placed.status, *(ada.order((mug, 1)).status for _ in range(MOST))] == [201] * MOST + [429]


def test_who_has_signed_in_fills_a_cart_without_limit_and_checks_coupons_by_name(shop: Shop, mug: str) -> None:
    ada, bob = shop.customer(), shop.customer("bob@example.com")
    by(shop, "192.0.2.1").login("root@example.com").coupon("SPRING")

    added = [ada("POST", "/cart/items", {"productId": mug, "quantity": 1}).status for _ in range(MOST + 1)]
    checked = [ada("POST", "/cart/coupon", {"code": "SPRING"}).status for _ in range(MOST + 1)]

    assert added == [201] * (MOST + 1)
    assert checked == [200] * MOST + [429]
    assert bob("POST", "/cart/coupon", {"code": "SPRING"}).status == 200


def test_a_password_and_an_address_are_changed_as_often_as_allowed(shop: Shop) -> None:
    ada = shop.customer()
    wrong = {"oldPassword": "wrong password", "newPassword": "another password"}

    guessed = [ada("PUT", "/users/password", wrong).status for _ in range(MOST + 1)]
    moved = [ada("PUT", "/users/profile", {"email": f"a{n}@example.com"}).status for n in range(MOST + 1)]

    assert guessed == [400] * MOST + [429]
    assert moved == [200] * MOST + [429]


def test_the_holder_of_a_network_of_ipv6_is_one_caller(shop: Shop) -> None:
    answers = [by(shop, f"2001:db8:1:2::{n}")("GET", "/products?q=mug").status for n in range(1, MOST + 2)]

    assert answers == [200] * MOST + [429]
    assert by(shop, "2001:db8:1:3::1")("GET", "/products?q=mug").status == 200


def test_only_a_search_of_a_list_is_limited(shop: Shop) -> None:
    assert {shop("GET", "/products").status for _ in range(MOST + 1)} == {200}
    assert "RateLimit-Policy" not in shop("GET", "/products").headers


# --- What answers say


def test_an_answer_tells_what_is_left_where_that_is_known(shop: Shop, mug: str) -> None:
    ada = shop.customer()

    wrong = shop("POST", "/auth/login", NOBODY)
    placed = ada.order((mug, 1))

    assert wrong.headers["RateLimit-Policy"] == f'"login";q={MOST};w={SECONDS}'
    assert wrong.headers["RateLimit"].startswith('"login";r=0;t=')  # two have logged in before
    assert placed.headers["RateLimit"].startswith(f'"order";r={MOST - 1};t=')


def test_an_answer_that_others_get_too_tells_the_policy_alone(shop: Shop) -> None:
    found = shop("GET", "/products?q=mug")

    assert found.headers["RateLimit-Policy"] == f'"search";q={MOST};w={SECONDS}'
    assert "RateLimit" not in found.headers


def test_pages_of_other_origins_may_read_the_limits(shop: Shop) -> None:
    exposed = shop("GET", "/hello").headers["Access-Control-Expose-Headers"]

    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= {each.strip() for each in exposed.split(",")}


# --- What it costs


@pytest.mark.parametrize("what", ["search", "guest's line", "login", "coupon"])
def test_refusing_costs_an_instance_one_write_at_most_and_then_nothing(what: str, shop: Shop, mug: str) -> None:
    attempt = TRIES[what][0]
    guest = by(shop, "198.51.100.7")
    for number in range(MOST):
        attempt(guest, number)
    rate_limits.memory.forget()  # as another instance

    with calls() as first:
        assert attempt(guest, 8).status == 429
    with calls() as then:
        assert attempt(guest, 9).status == 429

    writes = [name for name in first if name in ("update_item", "transact_write_items")]
    assert writes in ([], ["update_item"])
    assert set(then) <= {"query"}  # `mug_of` asks for a list


def test_refusing_an_order_costs_what_reading_it_costs_and_then_nothing(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    for _ in range(MOST):
        ada.order((mug, 1))

    with calls() as first:
        assert ada.order((mug, 1)).status == 429
    with calls() as then:
        assert ada.order((mug, 1)).status == 429

    authorizer = ["get_item"]
    assert (first, then) == ([*authorizer, "batch_get_item"], authorizer)


def test_who_is_refused_for_the_address_makes_no_account_wait(shop: Shop) -> None:
    shop.register()
    crowded, elsewhere = by(shop, "198.51.100.7"), by(shop, "198.51.100.8")
    right = {"email": "ada@example.com", "password": PASSWORD}
    for number in range(MOST):
        TRIES["login"][0](crowded, number)

    for _ in range(8):  # more than five failures make an account wait
        rate_limits.memory.forget()  # as another instance
        assert crowded("POST", "/auth/login", right).status == 429

    assert elsewhere("POST", "/auth/login", right).status == 200


def test_a_failed_login_costs_three_calls_whether_anybody_has_the_address_or_not(shop: Shop) -> None:
    shop.register()
    rate_limits.memory.forget()

    made = []
    for email in ("ada@example.com", "nobody@example.com"):
        with calls() as each:
            assert shop("POST", "/auth/login", {"email": email, "password": "wrong password"}).status == 401
        made.append(each)
        rate_limits.memory.forget()

    assert made == [["update_item", "update_item", "get_item"]] * 2


def test_a_busy_caller_costs_few_writes_since_an_instance_takes_ever_more_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMITS", "search=120/60")
    settings.current.cache_clear()

    with calls() as made:
        answers = [shop("GET", "/products?q=mug").status for _ in range(121)]

    assert answers == [200] * 120 + [429]
    assert made.count("update_item") == 11  # for 1 2 4 8 15 15 15 15 15 15 15; the last tells that none is left


def test_what_is_left_of_leases_is_given_to_nobody_else(aws: None) -> None:
    counter = rate_limits.counter("search", "somebody", quota=quotas.Quota(100, SECONDS))
    instances = [rate_limits.Memory() for _ in range(8)]
    given = 0

    while any(taken := [_may(each, counter) for each in instances]):
        given += sum(taken)

    assert given == 100
    other, lessee = rate_limits.counter("search", "other", quota=quotas.Quota(100, SECONDS)), rate_limits.Memory()
    assert all(_may(lessee, other) for _ in range(20))
    left = sum(_may(instances[0], other) for _ in range(100))
    assert 100 - 20 - 100 // rate_limits.LEASED_PART <= left <= 80


def _may(memory: rate_limits.Memory, counter: rate_limits.Counter) -> bool:
    try:
        memory.take(counter)
    except rate_limits.LimitReached:
        return False
    return True


def test_an_instance_remembers_a_bounded_number_of_callers(aws: None) -> None:
    memory = rate_limits.Memory(room=10)
    quota = quotas.Quota(1, SECONDS)

    for number in range(30):
        assert _may(memory, rate_limits.counter("search", str(number), quota=quota))

    assert len(memory._known) == 10
    assert not _may(memory, rate_limits.counter("search", "0", quota=quota))  # the table knows


def test_what_is_only_looked_at_pushes_nothing_out_and_what_has_ended_nothing_that_counts(aws: None) -> None:
    memory, opening = rate_limits.Memory(room=3), clock.from_epoch(clock.epoch() // 86_400 * 86_400)
    brief, long = quotas.Quota(100, 10), quotas.Quota(1, 86_400)
    with clock.fixed(opening):
        refused = rate_limits.counter("order", "somebody", quota=long)
        memory.note(refused, left=0)
        for number in range(2):
            assert _may(memory, rate_limits.counter("search", str(number), quota=brief))

        assert {memory.left(rate_limits.counter("search", f"other {n}", quota=brief)) for n in range(10)} == {None}
        assert memory.left(refused) == 0
    with clock.fixed(opening + timedelta(seconds=60)):
        assert [_may(memory, rate_limits.counter("search", str(n), quota=brief)) for n in range(2)] == [True, True]
        assert memory.left(refused) == 0


# --- How it holds together


def test_every_limited_route_is_one_and_every_limit_has_a_quota() -> None:
    named = {limit.name for each in limits.ROUTES.values() for limit in each}

    assert set(limits.ROUTES) <= set(permissions.ROUTES)
    assert named == set(DEFAULTS)


def test_what_is_to_be_counted_along_is(shop: Shop, mug: str) -> None:
    """A view that does not hand its use on would be without limit where it succeeds."""
    along = {route for route, each in limits.ROUTES.items() if any(limit.counted is Moment.ALONG for limit in each)}
    line = {"productId": mug, "quantity": 1}
    ada = shop.customer()
    done: dict[tuple[str, str], Callable[[], ShopAnswer]] = {
        ("POST", "/orders"): lambda: ada.order((mug, 1)),
        ("POST", "/cart/items"): lambda: shop("POST", "/cart/items", line),
    }

    counted = {}
    for route, act in done.items():
        before = hits()
        assert act().status in (200, 201)
        counted[route] = hits() - before

    assert counted == dict.fromkeys(along, 1)


def hits() -> int:
    """All uses of all limits that the table has counted."""
    items = boto3.client("dynamodb").scan(TableName="ecommerce-test")["Items"]
    return sum(int(item["hits"]["N"]) for item in items if item["PK"]["S"].startswith("LIMIT#"))


def test_a_counter_tells_nothing_of_a_caller_and_ends_by_itself(shop: Shop) -> None:
    by(shop, "198.51.100.7")("GET", "/products?q=mug")

    items = boto3.client("dynamodb").scan(TableName="ecommerce-test")["Items"]

    (item,) = [each for each in items if each["PK"]["S"].startswith("LIMIT#")]
    assert "198.51.100.7" not in str(item)
    assert clock.epoch() + SECONDS <= int(item["expiresAt"]["N"]) <= clock.epoch() + 2 * SECONDS


def test_a_table_that_does_not_answer_lets_nobody_past_the_limits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == "update_item":
            raise clients.unanswered()
        return go_on()

    with injected(silent):
        answer = shop("GET", "/products?q=mug")

    assert (answer.status, answer.body["code"]) == (503, "temporarily_unavailable")


def test_a_refusal_leaves_a_line_and_is_counted_without_saying_who(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    guest = by(shop, "198.51.100.7")
    for _ in range(MOST + 1):
        guest("GET", "/products?q=mug")

    said = capsys.readouterr().out

    assert said.count('"event":"RATE_LIMITED"') == said.count('"RateLimited":1') == 1
    assert '"metadata":{"limit":"search"}' in said
    assert "198.51.100.7" not in said


def test_a_stage_that_says_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", "checkout=1/60")
    settings.current.cache_clear()

    with pytest.raises(settings.Misconfigured, match="RATE_LIMITS cannot be meant: checkout is no limit"):
        settings.current()
