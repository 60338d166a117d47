"""A password is the same however its letters were typed, and whoever set one before still gets in (F10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from chalicelib.auth import accounts
from chalicelib.users import passwords
from chalicelib.users import store as user_store
from tests.support.stream import deliver
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

pytestmark = pytest.mark.fault("F10")
TYPED, COMPOSED = "Zu\u0308rich \ufb01nd\u0065\u0301", "Z\u00fcrich find\u00e9"
WIDE = "\uff50\uff41\uff53\uff53\u3000word"  # "pass word" from a keyboard for Japanese


def register(shop: Shop, password: str) -> ShopAnswer:
    names = {"firstName": "Ada", "lastName": "Lovelace"}
    return shop("POST", "/auth/register", {"email": "ada@example.com", "password": password, **names})


def register_before(shop: Shop, monkeypatch: pytest.MonkeyPatch, password: str) -> str:
    """Open an account as it was before passwords were normalised, and give its hash."""
    with monkeypatch.context() as patched:
        patched.setattr(passwords, "normalize", lambda text: text)
        return stored_hash(register(shop, password).expect(201)["userId"])


def stored_hash(user_id: str) -> str:
    user = user_store.get(user_id)
    assert user
    assert user.password_hash
    return user.password_hash


def login(shop: Shop, password: str) -> ShopAnswer:
    return shop("POST", "/auth/login", {"email": "ada@example.com", "password": password})


def keeping_the_hash(record_login: Callable[..., Any]) -> Callable[..., Any]:
    """A login as it was before any moved a password over."""
    return lambda *arguments, **named: record_login(*arguments, **{**named, "moving_to": None})


def compared(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The hashes that passwords are compared with from now on."""
    calls: list[bytes] = []
    original: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def checkpw(password: bytes, hashed: bytes) -> bool:
        calls.append(hashed)
        return original(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return calls


@pytest.mark.parametrize("other", [COMPOSED, TYPED, "Zu\u0308rich find\u00e9"])
def test_a_password_is_the_same_however_its_letters_are_composed(shop: Shop, other: str) -> None:
    register(shop, TYPED).expect(201)

    assert login(shop, other).status == 200
    assert login(shop, other.replace("Z", "z")).status == 401


def test_a_password_from_a_wide_keyboard_is_the_same(shop: Shop) -> None:
    register(shop, WIDE).expect(201)

    assert login(shop, "pass word").status == 200


def test_whoever_set_a_password_before_gets_in_and_is_moved_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    old = register_before(shop, monkeypatch, TYPED)
    assert login(shop, COMPOSED).status == 401

    user_id = login(shop, TYPED).expect(200)["user"]["userId"]

    moved = stored_hash(user_id)
    assert moved != old
    assert [login(shop, password).status for password in (COMPOSED, TYPED)] == [200, 200]
    assert stored_hash(user_id) == moved, "once"


def test_moving_over_is_no_change_that_anybody_hears_of(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    register_before(shop, monkeypatch, TYPED)
    first = login(shop, COMPOSED.replace("\u00fc", "u\u0308"))  # neither form
    user = login(shop, TYPED).expect(200)["user"]

    deliver(shop)

    assert first.status == 401
    entries = shop.admin()("GET", f"/users/{user['userId']}/audit").body["entries"]
    assert [entry["action"] for entry in entries] == ["user.created"]


def test_a_wrong_password_moves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    old = register_before(shop, monkeypatch, TYPED)

    assert login(shop, TYPED + "x").status == 401

    user = user_store.get_by_email("ada@example.com")
    assert user
    assert user.password_hash == old


@pytest.mark.parametrize(("password", "comparisons"), [(TYPED + "x", 2), ("plain ascii", 1)])
def test_a_failed_login_is_the_same_work_whether_anybody_is_known(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, password: str, comparisons: int
) -> None:
    register(shop, TYPED).expect(201)
    calls = compared(monkeypatch)

    for email in ("ada@example.com", "nobody@example.com"):
        calls.clear()
        assert shop("POST", "/auth/login", {"email": email, "password": password}).status == 401
        assert len(calls) == comparisons


def test_an_old_password_is_changed_by_either_form(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    register_before(shop, monkeypatch, TYPED)
    ada = Shop(shop.client, {"Authorization": f"Bearer {login(shop, TYPED).expect(200)['accessToken']}"})

    changed = ada("PUT", "/users/password", {"oldPassword": COMPOSED, "newPassword": WIDE})

    assert changed.status == 204
    assert login(shop, "pass word").status == 200


def test_a_change_is_not_refused_because_a_login_moved_the_password_over_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_before(shop, monkeypatch, TYPED)
    with monkeypatch.context() as patched:
        patched.setattr(user_store, "record_login", keeping_the_hash(user_store.record_login))
        ada = Shop(shop.client, {"Authorization": f"Bearer {login(shop, TYPED).expect(200)['accessToken']}"})
    original = accounts._change

    def moved_first(*arguments: Any, **named: Any) -> Any:
        assert login(shop, TYPED).status == 200
        return original(*arguments, **named)

    monkeypatch.setattr(accounts, "_change", moved_first)

    assert ada("PUT", "/users/password", {"oldPassword": TYPED, "newPassword": PASSWORD}).status == 204
    assert login(shop, PASSWORD).status == 200


def test_a_password_that_is_too_short_once_composed_is_a_faulty_field(shop: Shop) -> None:
    refused = register(shop, "e\u0301" * 4)

    assert refused.fields == {("password", "invalid_value")}
    assert register(shop, "e\u0301" * 8).status == 201
