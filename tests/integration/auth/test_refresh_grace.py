"""A refresh token that was spent is good for a moment longer: two tabs, and answers that got lost (A2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.auth import store, tokens
from chalicelib.aws import keyring
from chalicelib.core import clock
from tests.support import faults
from tests.support.stage import with_settings
from tests.support.stream import deliver, mails
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

pytestmark = pytest.mark.fault("F5")
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}


def login(shop: Shop) -> dict[str, Any]:
    """What a new user has after a login."""
    shop.register()
    pair: dict[str, Any] = shop("POST", "/auth/login", CREDENTIALS).expect(200)
    return pair


def refresh(shop: Shop, token: str) -> ShopAnswer:
    return shop("POST", "/auth/refresh", {"refreshToken": token})


def code(answer: ShopAnswer) -> tuple[int, str]:
    return answer.status, answer.body.get("code", "")


def lives(shop: Shop, pair: dict[str, Any]) -> bool:
    return shop("GET", "/auth/me", Authorization=f"Bearer {pair['accessToken']}").status == 200


@contextmanager
def later(**span: float) -> Iterator[None]:
    with clock.fixed(clock.now() + timedelta(**span)):
        yield


def test_a_second_tab_gets_a_pair_of_the_same_session_and_both_go_on(shop: Shop) -> None:
    token = login(shop)["refreshToken"]

    first = refresh(shop, token).expect(200)
    with later(seconds=9):
        second = refresh(shop, token).expect(200)

    assert second["sessionId"] == first["sessionId"]
    assert second["refreshToken"] == first["refreshToken"] != token
    assert lives(shop, first)
    assert lives(shop, second)
    deliver(shop)
    assert not [mail for mail in mails() if mail.subject.startswith("We have ended")]


def test_tabs_that_share_a_token_refresh_side_by_side_for_days(shop: Shop) -> None:
    tabs = [login(shop)["refreshToken"]] * 2

    for day in range(1, 7):
        with later(days=day):
            tabs = [refresh(shop, token).expect(200)["refreshToken"] for token in tabs]

    with later(days=6, hours=1):
        assert refresh(shop, tabs[0]).status == 200


def test_of_two_refreshes_at_the_same_instant_both_get_the_same_successor(shop: Shop) -> None:
    token = login(shop)["refreshToken"]
    others: list[ShopAnswer] = []

    def between(operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == "transact_write_items" and not others:
            others.append(ShopAnswer(0, "", {}))  # only the first is met by another
            others[0] = refresh(shop, token)
        return go_on()

    with faults.injected(between):
        loser = refresh(shop, token)

    assert loser.expect(200)["refreshToken"] == others[0].expect(200)["refreshToken"]
    with later(minutes=5):
        assert refresh(shop, loser.body["refreshToken"]).status == 200


@pytest.mark.parametrize("after", [False, True])
def test_a_process_that_dies_at_any_call_leaves_a_token_that_can_be_sent_again(shop: Shop, *, after: bool) -> None:
    token = login(shop)["refreshToken"]

    for number in range(1, 4):
        with faults.injected(faults.crash(number, after=after)), pytest.raises(faults.Crash):
            refresh(shop, token)
        token = refresh(shop, token).expect(200)["refreshToken"]


def test_an_older_token_ends_the_session_even_within_the_seconds(shop: Shop) -> None:
    first = login(shop)["refreshToken"]
    second = refresh(shop, first).expect(200)["refreshToken"]
    third = refresh(shop, second).expect(200)

    assert code(refresh(shop, first)) == (401, "token_reuse_detected")

    assert not lives(shop, third)
    assert code(refresh(shop, third["refreshToken"])) == (401, "invalid_token")
    deliver(shop)
    assert [mail.to for mail in mails() if mail.subject.startswith("We have ended")] == ["ada@example.com"]


def test_after_the_grace_a_spent_token_ends_the_session(shop: Shop) -> None:
    token = login(shop)["refreshToken"]
    pair = refresh(shop, token).expect(200)

    with later(seconds=11):
        assert code(refresh(shop, token)) == (401, "token_reuse_detected")

    assert not lives(shop, pair)


def test_a_second_use_does_not_prolong_the_grace(shop: Shop) -> None:
    token = login(shop)["refreshToken"]
    refresh(shop, token).expect(200)
    with later(seconds=9):
        refresh(shop, token).expect(200)

    with later(seconds=18):
        assert code(refresh(shop, token)) == (401, "token_reuse_detected")


def test_a_grace_of_zero_is_strict_even_at_the_same_instant(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    token = login(shop)["refreshToken"]

    with with_settings(monkeypatch, REFRESH_GRACE_SECONDS="0"), clock.fixed(clock.now()):
        pair = refresh(shop, token).expect(200)
        assert code(refresh(shop, token)) == (401, "token_reuse_detected")

    assert not lives(shop, pair)


def test_a_stage_says_how_long_the_grace_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    token = login(shop)["refreshToken"]
    refresh(shop, token).expect(200)

    with with_settings(monkeypatch, REFRESH_GRACE_SECONDS="60"), later(seconds=59):
        assert refresh(shop, token).status == 200


def test_a_session_that_was_ended_has_no_grace(shop: Shop) -> None:
    token = login(shop)["refreshToken"]
    pair = refresh(shop, token).expect(200)
    shop("POST", "/auth/logout", Authorization=f"Bearer {pair['accessToken']}").expect(204)

    assert code(refresh(shop, token)) == (401, "invalid_token")


def test_a_session_that_has_expired_has_no_grace(shop: Shop) -> None:
    token = login(shop)["refreshToken"]
    with later(days=6, hours=23, minutes=59, seconds=55):
        refresh(shop, token).expect(200)

    with later(days=7, seconds=1):
        assert code(refresh(shop, token)) == (401, "invalid_token")


def test_a_user_who_was_disabled_has_no_grace(shop: Shop) -> None:
    pair = login(shop)
    refresh(shop, pair["refreshToken"]).expect(200)
    shop.admin()("PUT", f"/users/{pair['user']['userId']}/status", {"status": "disabled"}).expect(200)

    assert code(refresh(shop, pair["refreshToken"])) == (401, "invalid_token")


def test_a_rotation_of_the_signing_key_within_the_grace_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = login(shop)["refreshToken"]
    first = refresh(shop, token).expect(200)
    old = keyring.get_keys()
    new = keyring.SigningKey(kid="new", secret="n" * 64)

    monkeypatch.setattr(keyring._keys, "get", lambda **_: (new, *old))

    assert refresh(shop, token).expect(200)["refreshToken"] == first["refreshToken"]


def test_without_the_key_that_sealed_the_successor_only_the_spent_token_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = login(shop)["refreshToken"]
    pair = refresh(shop, token).expect(200)
    monkeypatch.setattr(tokens, "find_successor", lambda *_: None)

    assert code(refresh(shop, token)) == (401, "invalid_token")
    assert lives(shop, pair)


def test_what_is_stored_of_a_session_gives_no_token_away(shop: Shop) -> None:
    pair = login(shop)
    successor = refresh(shop, pair["refreshToken"]).expect(200)["refreshToken"]

    session = store.get_open(pair["user"]["userId"], pair["sessionId"])

    assert session
    assert session.salt
    assert session.salt not in successor
    assert not {pair["refreshToken"], successor} & {session.refresh_hash, session.spent_hash, session.salt}
    assert len(successor.split(".")[2]) == 43, "256 bits"
