"""Accounts under attack and under load, over HTTP."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.conftest import PASSWORD, Browser, OpenShop, at_once, wait_until
from tests.e2e.hostile_tokens import corpus, decode


def key_of(shop: OpenShop, token: str) -> str:
    """The very key that the token was signed with, whether or not it has been rotated meanwhile."""
    named = decode(token.partition(".")[0])["kid"]
    vault, name = shop.aws("secretsmanager"), shop.signing_key
    versions = vault.describe_secret(SecretId=name)["VersionIdsToStages"]
    kept = [json.loads(vault.get_secret_value(SecretId=name, VersionId=each)["SecretString"]) for each in versions]
    return next(str(key["secret"]) for key in kept if key["kid"] == named)


def login(guest: Browser, email: str) -> Any:
    return guest("POST", "/auth/login", {"email": email, "password": PASSWORD}).body


@pytest.mark.real_time  # in which the shop reads them
def test_every_hostile_token_is_refused_with_one_answer(guest: Browser, open_shop: OpenShop) -> None:
    guest.customer("target@example.com")
    answer = login(guest, "target@example.com")
    secret = key_of(open_shop, answer["accessToken"])
    tokens = dict(corpus(answer["accessToken"], secret, answer["refreshToken"]))

    statuses = {}
    for name, token in tokens.items():
        header = f"Bearer {token}".encode("ascii", "ignore").decode()
        refused = guest("GET", "/auth/me", Authorization=header)
        statuses[name] = (refused.status, (refused.body or {}).get("code"))

    assert len(tokens) >= 150
    assert {name: found for name, found in statuses.items() if found[0] != 401} == {}
    assert {code for _, code in statuses.values()} <= {"unauthorized", "invalid_token"}
    assert guest("GET", "/auth/me", Authorization=f"Bearer {answer['accessToken']}").status == 200


@pytest.mark.fault("F5")
def test_twenty_uses_of_one_refresh_token_at_once_give_all_the_same_successor(guest: Browser) -> None:
    guest.customer("family@example.com")
    answer = login(guest, "family@example.com")

    answers = at_once(20, lambda _: guest("POST", "/auth/refresh", {"refreshToken": answer["refreshToken"]}))

    assert {each.status for each in answers} == {200}
    (successor,) = {each.body["refreshToken"] for each in answers}
    latest = guest("POST", "/auth/refresh", {"refreshToken": successor}).expect(200)
    reused = guest("POST", "/auth/refresh", {"refreshToken": answer["refreshToken"]})
    assert (reused.status, reused.body["code"]) == (401, "token_reuse_detected")
    assert guest("GET", "/auth/me", Authorization=f"Bearer {latest['accessToken']}").status == 401


def test_fifty_registrations_of_one_address_in_all_letter_cases_make_one_user(guest: Browser, admin: Browser) -> None:
    name = "manycases@example.com"
    body = {"password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}

    def spelled(number: int) -> str:
        return "".join(c.upper() if number >> (i % 6) & 1 else c for i, c in enumerate(name))

    answers = at_once(50, lambda number: guest("POST", "/auth/register", {"email": spelled(number), **body}).status)

    counts = Counter(answers)
    assert counts[201] == 1
    assert set(counts) <= {201, 409, 429}
    users = admin("GET", "/users?limit=100").body["users"]
    assert [user["email"] for user in users if user["email"].lower() == name] == [name]


def test_two_admins_who_remove_each_other_leave_one(guest: Browser, admin: Browser) -> None:
    demo = admin("GET", "/auth/me").body["userId"]
    for round_number in range(3):
        pair = [f"admin{round_number}{side}@example.com" for side in "ab"]
        ids = [guest.customer(email)("GET", "/auth/me").body["userId"] for email in pair]
        keeper = guest.login("admin@example.com", "demo-admin-password")
        for user_id in ids:
            assert keeper("POST", f"/users/{user_id}/roles", {"role": "admin"}).status == 200
        admins = [guest.login(email, PASSWORD) for email in pair]
        assert admins[0]("DELETE", f"/users/{demo}/roles/admin").status == 200  # now there are just the two

        def remove_the_other(side: int, ids: list[str] = ids, admins: list[Browser] = admins) -> int:
            return admins[side]("DELETE", f"/users/{ids[1 - side]}/roles/admin").status

        statuses = at_once(2, remove_the_other)

        assert min(statuses) == 200
        assert max(statuses) in (401, 403, 409)
        winner = admins[statuses.index(200)]
        left = winner("GET", "/users?role=admin&status=active&limit=100").body["users"]
        assert [user["userId"] for user in left] == [ids[statuses.index(200)]]
        assert winner("POST", f"/users/{demo}/roles", {"role": "admin"}).status == 200
        keeper = guest.login("admin@example.com", "demo-admin-password")
        keeper("DELETE", f"/users/{ids[statuses.index(200)]}/roles/admin")


def test_the_key_is_rotated_while_everybody_is_working(open_shop: OpenShop, guest: Browser) -> None:
    customers = [guest.customer(f"rotator{number}@example.com") for number in range(4)]
    stop, answers = threading.Event(), Counter[int]()

    def work(number: int) -> None:
        while not stop.is_set():
            answers[customers[number]("GET", "/auth/me").status] += 1
            if number == 0:
                answers[
                    guest("POST", "/auth/login", {"email": "rotator0@example.com", "password": PASSWORD}).status
                ] += 1

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        try:
            wait_until(lambda: answers.total() > 10)
            before = answers.total()
            open_shop.rotate()
            wait_until(lambda: answers.total() > before + 10)
        finally:
            stop.set()
        for each in working:
            each.result()

    assert set(answers) == {200}
    vault = open_shop.aws("secretsmanager")
    assert vault.get_secret_value(SecretId=open_shop.signing_key, VersionStage="AWSPREVIOUS")["SecretString"]
