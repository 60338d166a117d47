"""Who is calling: tokens that are renewed once for all, and the cart of a guest."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from clients.python.calling.problems import NoAnswer, SessionEnded, ShopProblem
from clients.python.calling.requests import Request
from clients.python.calling.sessions import Tokens
from tests.unit.clients.scripted import (
    LOST,
    ORDER,
    READ,
    TOKENS,
    Scripted,
    ScriptedShop,
    Time,
    bodies,
    call,
    client,
    login,
    ok,
    problem,
)

EXPIRED = problem(401, "invalid_token")
ADD = Request(method="post", url="/cart/items", json={}, takes_key=True, takes_token=True)
CART = Request(method="get", url="/cart", takes_token=True)
PUBLIC = Request(method="get", url="/products")


class TokenShop:
    """Takes one access token at a time; `together` requests are refused as one."""

    def __init__(self, together: int = 1) -> None:
        self.good, self.refreshes = "access-2", 0
        self._refused = threading.Barrier(together, timeout=10)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/refresh":
            self.refreshes += 1
            return login(2)
        if request.headers["Authorization"] == f"Bearer {self.good}":
            return ok()
        self._refused.wait()
        return EXPIRED


def test_an_expired_token_is_renewed_and_the_request_sent_again() -> None:
    told: list[Tokens | None] = []
    shop = ScriptedShop(EXPIRED, login(2), ok(201, orderId="ord_1"))

    assert call(client(shop, tokens=TOKENS, on_tokens=told.append)) == {"orderId": "ord_1"}

    assert shop.paths == ["/api/orders", "/api/auth/refresh", "/api/orders"]
    assert shop.headers("Authorization") == ["Bearer access-1", None, "Bearer access-2"]
    assert bodies(shop.sent)[1] == {"refreshToken": "refresh-1"}
    assert shop.headers("Idempotency-Key")[0] == shop.headers("Idempotency-Key")[2]
    assert told == [Tokens("access-2", "refresh-2")]


def test_eight_threads_whose_token_expires_together_refresh_it_once() -> None:
    shop = TokenShop(together=8)
    caller = client(shop, tokens=TOKENS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(caller, READ), range(8)))

    assert answers == [{}] * 8
    assert shop.refreshes == 1


def test_a_refresh_that_is_refused_ends_the_session_for_all_who_wait() -> None:
    refused, told = threading.Barrier(4, timeout=10), []

    def shop(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/refresh":
            told.append(request)
            return problem(401, "token_reuse_detected")
        refused.wait()
        return EXPIRED

    caller = client(shop, tokens=TOKENS)

    def ended(_: int) -> str:
        with pytest.raises(SessionEnded) as raised:
            call(caller, READ)
        return raised.value.code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ended, range(4))) == ["token_reuse_detected"] * 4
    assert len(told) == 1
    assert caller.session.tokens is None


def test_a_token_that_is_refused_after_a_refresh_is_not_refreshed_for_ever() -> None:
    shop = ScriptedShop(EXPIRED, login(2), EXPIRED)

    with pytest.raises(ShopProblem) as raised:
        call(client(shop, tokens=TOKENS))

    assert raised.value.code == "invalid_token"


def test_a_refresh_whose_answer_is_lost_is_sent_again_while_the_spent_token_has_its_grace() -> None:
    time = Time()
    shop = ScriptedShop(EXPIRED, LOST, LOST, login(2), ok())

    call(client(shop, time, tokens=TOKENS))

    assert bodies(shop.sent)[1:4] == [{"refreshToken": "refresh-1"}] * 3
    assert sum(time.waits) < 8


def test_a_refresh_is_not_sent_again_once_the_grace_may_be_over() -> None:
    shop = ScriptedShop(EXPIRED, httpx.ReadTimeout("nothing came"))
    caller = client(shop, Time(answer_seconds=9), tokens=TOKENS)

    with pytest.raises(NoAnswer, match=r"^POST /auth/refresh"):
        call(caller)

    assert caller.session.tokens == TOKENS


@pytest.mark.parametrize("code", ["bad_credentials", "wrong_password", "token_reuse_detected"])
def test_another_401_is_no_reason_to_refresh(code: str) -> None:
    shop = ScriptedShop(problem(401, code))

    with pytest.raises(ShopProblem):
        call(client(shop, tokens=TOKENS))

    assert len(shop.sent) == 1


def test_a_client_that_knows_the_password_logs_in_when_somebody_is_asked_for() -> None:
    shop = ScriptedShop(ok(), login(1), ok(), ok())
    caller = client(shop, email="ada@example.com", password="correct horse")

    for request in (PUBLIC, READ, READ):
        call(caller, request)

    assert shop.paths == ["/api/products", "/api/auth/login", "/api/orders", "/api/orders"]
    assert shop.headers("Authorization")[2:] == ["Bearer access-1"] * 2


def test_it_logs_in_again_after_its_session_has_ended() -> None:
    shop = ScriptedShop(EXPIRED, problem(401, "invalid_token"), login(2), ok())
    caller = client(shop, email="ada@example.com", password="correct horse", tokens=TOKENS)

    with pytest.raises(SessionEnded):
        call(caller, READ)

    assert call(caller, READ) == {}


def test_a_wrong_password_is_what_the_shop_says_it_is() -> None:
    with pytest.raises(ShopProblem) as raised:
        call(client(ScriptedShop(problem(401, "bad_credentials")), email="ada@example.com", password="wrong"), READ)

    assert raised.value.code == "bad_credentials"


def test_a_guest_keeps_the_cart_until_it_goes_into_a_users() -> None:
    made = httpx.Response(201, json={}, headers={"X-Cart-Token": "cart-1"})
    shop = ScriptedShop(made, ok(), ok(), login(1, cart={"merged": 1, "changes": []}), ok())
    caller = client(shop)

    call(caller, ADD)
    call(caller, CART)
    call(caller, PUBLIC)
    caller.log_in("ada@example.com", "correct horse")
    call(caller, CART)

    assert shop.headers("X-Cart-Token") == [None, "cart-1", None, None, None]
    assert bodies([shop.sent[3]])[0]["cartToken"] == "cart-1"
    assert shop.headers("Authorization")[4] == "Bearer access-1"
    assert caller.session.cart_token is None


def test_a_cart_that_a_login_could_not_take_over_comes_along_at_the_next_one() -> None:
    shop = ScriptedShop(login(1), ok(), login(2, cart={"merged": 1, "changes": []}))
    caller = client(shop)
    caller.session.cart_token = "cart-1"

    caller.log_in("ada@example.com", "correct horse")
    call(caller, CART)
    caller.log_in("ada@example.com", "correct horse")

    assert [bodies([shop.sent[number]])[0].get("cartToken") for number in (0, 2)] == ["cart-1", "cart-1"]
    assert shop.headers("Authorization")[1] == "Bearer access-1"
    assert caller.session.cart_token is None


def test_a_cart_that_is_gone_is_forgotten() -> None:
    shop = ScriptedShop(problem(404, "cart_not_found"), ok())
    caller = client(shop)
    caller.session.cart_token = "cart-1"

    with pytest.raises(ShopProblem):
        call(caller, CART)
    call(caller, CART)

    assert shop.headers("X-Cart-Token") == ["cart-1", None]


def test_who_logs_out_has_no_tokens() -> None:
    told: list[Tokens | None] = []
    caller = client(ScriptedShop(httpx.Response(204)), tokens=TOKENS, on_tokens=told.append)

    call(caller, Request(method="post", url="/auth/logout", takes_token=True))

    assert (caller.session.tokens, told) == (None, [None])


@pytest.mark.parametrize("answer", [LOST, problem(503, after="1")])
def test_a_refresh_that_fails_for_a_while_leaves_the_session_as_it_is(answer: Scripted) -> None:
    caller = client(ScriptedShop(EXPIRED, *[answer] * 5), tokens=TOKENS)

    with pytest.raises((NoAnswer, ShopProblem)) as raised:
        call(caller, ORDER)

    assert not isinstance(raised.value, SessionEnded)
    assert caller.session.tokens == TOKENS
