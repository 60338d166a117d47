"""Rotating the signing key under load: processes with caches of different ages never disagree about a token."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.auth import tokens
from chalicelib.aws import clients, keyring
from chalicelib.core import clock
from chalicelib.core.errors import Misconfigured
from chalicelib.users import store as user_store
from tools.testing.shop import Shop

SECRET = "ecommerce/test/jwt/secret"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Process:
    """The key cache of one Lambda instance; entering it makes it the present one."""

    def __init__(self) -> None:
        self.cache: Any = None

    def __enter__(self) -> None:
        keyring._keys._kept = self.cache

    def __exit__(self, *_: object) -> None:
        self.cache = keyring._keys._kept


def rotate(shop: Shop, steps: tuple[str, ...] = STEPS, version: str = "v" * 32) -> None:
    """The calls of Secrets Manager."""
    for step in steps:
        event = {"Step": step, "SecretId": SECRET, "ClientRequestToken": version}
        shop.client.lambda_.invoke("rotate_jwt_secret", event)


def test_no_token_is_refused_anywhere_around_a_rotation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: clock.now().timestamp())
    answer = shop.customer("ada@example.com")
    user_id = answer("GET", "/auth/me").body["userId"]
    principal = tokens.authenticate(answer.headers["Authorization"])
    user = user_store.get(user_id)
    assert user
    processes, start, issued, kids = [Process() for _ in range(3)], clock.now(), [], set()

    for minute in range(60):
        with clock.fixed(start + timedelta(minutes=minute)):
            if minute == 10:
                rotate(shop)
            for number, process in enumerate(processes):
                if (minute + 3 * number) % 2:
                    continue  # idle, so that caches are of different ages
                with process:
                    token = tokens.issue(user, principal.session_id)
                    issued.append(token)
                    kids.add(json.loads(_header(token))["kid"])
            for process in processes:
                with process:
                    assert all(tokens.authenticate(f"Bearer {token}") for token in issued[-6:] + issued[:2])

    assert len(kids) == 2


def test_every_step_may_be_repeated_and_changes_the_key_once(shop: Shop) -> None:
    assert [key.kid for key in keyring.get_keys()] == ["initial"]

    rotate(shop, tuple(step for step in STEPS for _ in range(2)))
    rotate(shop)

    keyring.forget()
    after = keyring.get_keys()
    assert (len(after), after[1].kid) == (2, "initial")
    assert after[0].kid.startswith("key_")
    assert all(len(key.secret) >= 32 for key in after)


@pytest.mark.parametrize(("step", "version"), [("dropSecret", "v" * 32), ("finishSecret", "w" * 32)])
def test_a_step_or_version_that_does_not_exist_is_refused(shop: Shop, step: str, version: str) -> None:
    rotate(shop, ("createSecret",))

    with pytest.raises(Misconfigured):
        rotate(shop, (step,), version)


def test_keys_in_hand_are_used_while_the_key_store_is_silent(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    known = keyring.get_keys()
    monkeypatch.setattr(clock, "monotonic", lambda: 1e9)
    silence = EndpointConnectionError(endpoint_url="http://localhost")
    monkeypatch.setattr(clients, "secretsmanager", mock.Mock(side_effect=silence))

    assert keyring.get_keys() == known


def _header(token: str) -> str:
    return base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "==").decode()
