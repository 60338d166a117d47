"""Staying logged in and being logged out (rules A and W)."""

from __future__ import annotations

from datetime import timedelta

import pytest

import app
from chalicelib.auth import tokens
from chalicelib.core import clock, ids
from tests.support.stream import deliver, mail_about, mails
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
NEW_PASSWORD = "an entirely new passphrase"


def login(shop: Shop, password: str = PASSWORD, path: str = "/auth/login") -> ShopAnswer:
    return shop("POST", path, {"email": "ada@example.com", "password": password})


def refresh(shop: Shop, token: str) -> ShopAnswer:
    return shop("POST", "/auth/refresh", {"refreshToken": token})


def bearer(shop: Shop, answer: ShopAnswer) -> Shop:
    return Shop(shop.client, {"Authorization": f"Bearer {answer.body['accessToken']}"})


def test_a_refresh_gives_a_new_pair_and_spends_the_old_token(shop: Shop) -> None:
    shop.register()
    first = login(shop)

    second = refresh(shop, first.body["refreshToken"])

    assert second.status == 200
    assert second.body["refreshToken"] != first.body["refreshToken"]
    assert second.body["sessionId"] == first.body["sessionId"]
    assert bearer(shop, second)("GET", "/auth/me").status == 200


def test_a_spent_token_ends_the_session_and_is_recorded_and_announced(shop: Shop) -> None:
    shop.register()
    first = login(shop)
    second = refresh(shop, first.body["refreshToken"])

    with clock.fixed(clock.now() + timedelta(minutes=1)):
        reused = refresh(shop, first.body["refreshToken"])

    assert (reused.status, reused.body["code"]) == (401, "token_reuse_detected")
    assert refresh(shop, second.body["refreshToken"]).body["code"] == "invalid_token"
    assert bearer(shop, second)("GET", "/auth/me").status == 401
    deliver(shop)
    assert mail_about("We have ended").to == "ada@example.com"
    history = shop.admin()("GET", f"/users/{first.body['user']['userId']}/audit").body["entries"]
    assert history[0]["action"] == "session.token_reused"


def test_a_refresh_never_moves_the_end_of_the_session(shop: Shop) -> None:
    shop.register()
    token = login(shop).body["refreshToken"]

    for day in range(1, 7):
        with clock.fixed(clock.now() + timedelta(days=day)):
            token = refresh(shop, token).body["refreshToken"]
    with clock.fixed(clock.now() + timedelta(days=7, minutes=1)):
        assert refresh(shop, token).status == 401


def test_a_session_made_at_sessions_ends_after_a_day_of_idleness(shop: Shop) -> None:
    shop.register()
    made = login(shop, path="/sessions")
    assert made.status == 201

    with clock.fixed(clock.now() + timedelta(hours=23)):
        again = refresh(shop, made.body["refreshToken"])
        assert again.status == 200
        with clock.fixed(clock.now() + timedelta(hours=25)):
            assert refresh(shop, again.body["refreshToken"]).status == 401


@pytest.mark.parametrize("change", ["flip", "truncate", "swap", "access", "made up", "empty"])
def test_a_refresh_token_that_is_not_ours_is_one_and_the_same_401(shop: Shop, change: str) -> None:
    shop.register()
    answer = login(shop).body
    token, access = answer["refreshToken"], answer["accessToken"]
    user, session, secret, mac = token.split(".")
    forged = {
        "flip": f"{user}.{session}.{secret}.{'0' if mac[0] != '0' else '1'}{mac[1:]}",
        "truncate": token[:-1],
        "swap": f"{ids.new('usr')}.{session}.{secret}.{mac}",
        "access": access,
        "made up": f"{user}.{session}.{ids.secret()}.{mac}",
        "empty": "",
    }[change]

    refused = refresh(shop, forged)

    assert (refused.status, refused.body["code"]) == (401, "invalid_token")
    assert refresh(shop, token).status == 200


def test_a_refresh_token_is_no_access_token(shop: Shop) -> None:
    shop.register()
    token = login(shop).body["refreshToken"]

    assert shop("GET", "/auth/me", Authorization=f"Bearer {token}").status == 401


def test_sessions_are_listed_read_and_revoked_by_their_user_only(shop: Shop) -> None:
    ada, bob = shop.customer(), shop.customer("bob@example.com")
    phone = bearer(shop, login(shop))
    listed = ada("GET", "/sessions").body
    assert listed["count"] == 2
    assert [session["current"] for session in listed["sessions"]].count(True) == 1
    other = next(session["sessionId"] for session in listed["sessions"] if not session["current"])

    assert bob("GET", f"/sessions/{other}").body["code"] == "session_not_found"
    assert bob("DELETE", f"/sessions/{other}").body["code"] == "session_not_found"
    assert ada("GET", f"/sessions/{other}").body["sessionId"] == other
    assert ada("DELETE", f"/sessions/{other}").status == 204

    assert phone("GET", "/auth/me").status == 401
    assert ada("GET", "/auth/me").status == 200


def test_logout_everywhere_ends_all_sessions(shop: Shop) -> None:
    ada = shop.customer()
    phone = bearer(shop, login(shop))

    assert ada("POST", "/auth/logout?all=true").status == 204

    assert (ada("GET", "/auth/me").status, phone("GET", "/auth/me").status) == (401, 401)


def test_a_new_password_ends_the_other_sessions_and_works(shop: Shop) -> None:
    ada = shop.customer()
    phone = bearer(shop, login(shop))

    wrong = ada("PUT", "/users/password", {"oldPassword": "not this one", "newPassword": NEW_PASSWORD})
    changed = ada("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD})

    assert (wrong.status, wrong.body["code"], changed.status) == (400, "wrong_password", 204)
    assert (ada("GET", "/auth/me").status, phone("GET", "/auth/me").status) == (200, 401)
    assert (login(shop).status, login(shop, NEW_PASSWORD).status) == (401, 200)


def test_a_forgotten_password_is_reset_once_by_the_mailed_token(shop: Shop) -> None:
    ada = shop.customer()

    asked = shop("POST", "/auth/password/forgot", {"email": "ADA@example.com"})
    deliver(shop)
    token = mail_about("Reset your password").token
    body = {"token": token, "password": NEW_PASSWORD}
    answers = [shop("POST", "/auth/password/reset", body).status for _ in range(2)]

    assert (asked.status, answers) == (202, [204, 400])
    assert ada("GET", "/auth/me").status == 401
    assert login(shop, NEW_PASSWORD).status == 200


def test_nobody_learns_whether_an_address_is_known_by_asking_for_a_reset(shop: Shop) -> None:
    shop.register()

    known, unknown = (shop("POST", "/auth/password/forgot", {"email": e}) for e in ("ada@example.com", "b@example.com"))
    deliver(shop)

    assert (known.status, known.text) == (unknown.status, unknown.text)
    assert [mail.to for mail in mails() if mail.subject.startswith("Reset")] == ["ada@example.com"]


def test_three_resets_an_hour_and_only_the_latest_token_is_good(shop: Shop) -> None:
    with clock.fixed(clock.now()):
        shop.register()
        for _ in range(5):
            assert shop("POST", "/auth/password/forgot", {"email": "ada@example.com"}).status == 202
            deliver(shop)

    resets = [mail.token for mail in mails() if mail.subject.startswith("Reset")]

    assert len(resets) == 3
    statuses = [shop("POST", "/auth/password/reset", {"token": t, "password": NEW_PASSWORD}).status for t in resets]
    assert statuses == [400, 400, 204]


def test_a_reset_token_is_good_for_thirty_minutes(shop: Shop) -> None:
    shop.register()
    shop("POST", "/auth/password/forgot", {"email": "ada@example.com"})
    deliver(shop)
    body = {"token": mail_about("Reset").token, "password": NEW_PASSWORD}

    with clock.fixed(clock.now() + timedelta(minutes=31)):
        assert shop("POST", "/auth/password/reset", body).body["code"] == "invalid_one_time_token"


@pytest.mark.parametrize("token", ["", ".", "x.y", "\u0000", "a" * 500, "usr_00000000000000000000000000." + "0" * 32])
@pytest.mark.parametrize("path", ["/auth/password/reset", "/auth/verify"])
def test_a_made_up_token_is_refused(shop: Shop, path: str, token: str) -> None:
    body = {"token": token, **({"password": NEW_PASSWORD} if "reset" in path else {})}

    assert shop("POST", path, body).body["code"] == "invalid_one_time_token"


def test_an_address_is_verified_by_the_mailed_token_once(shop: Shop) -> None:
    ada = shop.customer()
    deliver(shop)
    token = mail_about("Please confirm").token

    answers = [shop("POST", "/auth/verify", {"token": token}).status for _ in range(2)]

    assert answers == [204, 400]
    assert ada("GET", "/auth/me").body["emailVerified"] is True


def test_a_changed_address_moves_when_its_holder_confirms_it(shop: Shop) -> None:
    ada = shop.customer()
    deliver(shop)

    changed = ada("PUT", "/users/profile", {"email": "Ada@New.example.com"})
    deliver(shop)

    assert (changed.body["email"], changed.body["pendingEmail"]) == ("ada@example.com", "ada@new.example.com")
    assert mail_about("Your email address is about").to == "ada@example.com"
    confirmation = mail_about("Please confirm")
    assert confirmation.to == "ada@new.example.com"
    assert shop("POST", "/auth/verify", {"token": confirmation.token}).status == 204
    assert ada("GET", "/auth/me").status == 401
    assert login(shop).status == 401
    assert shop("POST", "/auth/login", {"email": "ada@new.example.com", "password": PASSWORD}).status == 200
    assert shop.register("ada@example.com").status == 201


def test_an_address_that_somebody_else_took_meanwhile_cannot_be_confirmed(shop: Shop) -> None:
    ada = shop.customer()
    ada("PUT", "/users/profile", {"email": "new@example.com"})
    deliver(shop)
    token = mail_about("Please confirm").token
    shop.register("new@example.com")

    assert shop("POST", "/auth/verify", {"token": token}).body["code"] == "email_taken"
    bob = shop.customer("bob@example.com")
    assert bob("PUT", "/users/profile", {"email": "new@example.com"}).body["code"] == "email_taken"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_the_sixth_failure_makes_the_next_wait_whether_anybody_has_the_address(shop: Shop, email: str) -> None:
    shop.register()
    wrong = {"email": email, "password": "wrong password"}

    with clock.fixed(clock.now()):
        statuses = [shop("POST", "/auth/login", wrong).status for _ in range(7)]
        refused = shop("POST", "/auth/login", wrong)

    assert statuses == [401] * 6 + [429]
    assert (refused.body["code"], refused.headers["Retry-After"]) == ("too_many_attempts", "2")


def test_waiting_grows_to_an_hour_and_success_forgets_the_failures(shop: Shop) -> None:
    shop.register()
    wrong, now = {"email": "ada@example.com", "password": "wrong password"}, clock.now()
    waits = []
    for _ in range(40):
        with clock.fixed(now):
            answer = shop("POST", "/auth/login", wrong)
        if answer.status == 429:
            waits.append(int(answer.headers["Retry-After"]))
            now += timedelta(seconds=waits[-1])

    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == 3600
    with clock.fixed(now + timedelta(hours=1)):
        assert shop("POST", "/auth/login", CREDENTIALS).status == 200
        assert [shop("POST", "/auth/login", wrong).status for _ in range(5)] == [401] * 5


def test_a_taken_address_is_told_only_ten_times_an_hour(shop: Shop) -> None:
    shop.register()

    with clock.fixed(clock.now()):
        statuses = [shop.register().status for _ in range(11)]

    assert statuses == [409] * 10 + [429]


def test_a_long_password_is_a_faulty_field_and_not_cut(shop: Shop) -> None:
    names = {"firstName": "Ada", "lastName": "Lovelace"}
    for password, status in (("p" * 1_000_000, 400), ("p" * 1001, 400), ("short", 400), ("nul\u0000inside", 201)):
        answer = shop("POST", "/auth/register", {"email": "ada@example.com", "password": password, **names})
        assert answer.status == status, password[:20]
    assert login(shop, "nul\u0000outside").status == 401
    assert login(shop, "nul\u0000inside").status == 200


def test_emoji_count_as_they_are(shop: Shop) -> None:
    names = {"firstName": "Ada", "lastName": "Lovelace"}
    password = "\U0001f511" * 30
    shop("POST", "/auth/register", {"email": "ada@example.com", "password": password, **names})

    assert login(shop, password).status == 200
    assert login(shop, password + "\U0001f511").status == 401


def test_the_authorizers_answer_is_strings_and_does_not_depend_on_the_route(shop: Shop) -> None:
    principal = tokens.authenticate(shop.customer().headers["Authorization"])
    token = {"type": "TOKEN", "authorizationToken": shop.login().headers["Authorization"]}
    arns = [
        "arn:aws:execute-api:us-east-1:1:api/prod/GET/orders",
        "arn:aws:execute-api:us-east-1:1:api/prod/POST/users",
    ]

    answers = [app.authorize({**token, "methodArn": arn}, {}) for arn in arns]

    assert answers[0] == answers[1]
    assert answers[0]["principalId"] == principal.user_id
    assert all(isinstance(value, str) for value in answers[0]["context"].values())
