"""Registering, logging in, being let in (rules A, W)."""

from __future__ import annotations

import pytest

from tools.testing.shop import PASSWORD, Shop


def test_an_address_is_one_account_in_any_letter_case(shop: Shop) -> None:
    assert shop.register("ada@example.com").status == 201

    taken = shop.register("  ADA@Example.com ")

    assert (taken.status, taken.body["code"]) == (409, "email_taken")
    assert shop("POST", "/auth/login", {"email": "ADA@EXAMPLE.COM", "password": PASSWORD}).status == 200


def test_a_registration_answers_the_user_without_a_trace_of_the_password(shop: Shop) -> None:
    answer = shop.register()

    assert answer.status == 201
    expected = {"userId", "email", "firstName", "lastName", "role", "roles", "status", "emailVerified"}
    assert {*expected, "createdAt", "updatedAt"} <= set(answer.body)
    assert not {"passwordHash", "sessionVersion", "emailNonce"} & set(answer.body)
    assert PASSWORD not in answer.text


def test_a_registration_with_a_key_is_repeated_and_not_refused(shop: Shop) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}

    answers = [shop("POST", "/auth/register", body, Idempotency_Key="k") for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text


def test_wrong_password_and_unknown_address_get_the_same_answer(shop: Shop) -> None:
    shop.register()

    wrong = shop("POST", "/auth/login", {"email": "ada@example.com", "password": "wrong password"})
    unknown = shop("POST", "/auth/login", {"email": "bob@example.com", "password": "wrong password"})

    assert (wrong.status, wrong.body["code"]) == (401, "bad_credentials")
    ignored = ("requestId",)
    assert {k: v for k, v in wrong.body.items() if k not in ignored} == {
        k: v for k, v in unknown.body.items() if k not in ignored
    }


def test_a_token_opens_the_profile_until_the_logout(shop: Shop) -> None:
    ada = shop.customer()
    assert ada("GET", "/auth/me").body["email"] == "ada@example.com"

    assert ada("POST", "/auth/logout").status == 204

    assert ada("GET", "/auth/me").status == 401


@pytest.mark.parametrize("length", [8, 72, 73, 500, 1000])
def test_a_long_password_counts_to_its_last_character(shop: Shop, length: int) -> None:
    password = "p" * (length - 1) + "!"
    names = {"firstName": "Ada", "lastName": "Lovelace"}
    shop("POST", "/auth/register", {"email": "ada@example.com", "password": password, **names})

    def login(attempt: str) -> int:
        return shop("POST", "/auth/login", {"email": "ada@example.com", "password": attempt}).status

    assert login(password) == 200
    assert login(password[:-1] + "?") == 401


def test_a_customer_cannot_make_themselves_an_admin(shop: Shop) -> None:
    body = {"email": "eve@example.com", "password": PASSWORD, "firstName": "Eve", "lastName": "E", "role": "admin"}

    refused = shop("POST", "/auth/register", body)

    assert (refused.status, refused.fields) == (400, {("role", "unknown_field")})
