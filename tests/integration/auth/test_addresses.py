"""An account is one account, however its address is written or pasted (F9, F14)."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from chalicelib.core import clock
from tests.support.stream import deliver, mail_about, mails
from tools.testing.shop import PASSWORD, Shop

UNICODE, PUNYCODE = "ada@bücher.example", "ada@xn--bcher-kva.example"


@pytest.mark.fault("F14")
@pytest.mark.parametrize(("first", "second"), [(UNICODE, PUNYCODE), (PUNYCODE, UNICODE)])
def test_the_two_spellings_of_a_domain_are_one_account(shop: Shop, first: str, second: str) -> None:
    registered = shop.register(first)

    assert registered.expect(201)["email"] == PUNYCODE
    assert shop.register(second).body["code"] == "email_taken"
    assert shop.login(second)("GET", "/auth/me").body["userId"] == registered.body["userId"]
    deliver(shop)
    assert {mail.to for mail in mails()} == {PUNYCODE}


@pytest.mark.fault("F14")
def test_failed_logins_are_counted_over_both_spellings(shop: Shop) -> None:
    spellings = islice(cycle([UNICODE, PUNYCODE]), 7)

    with clock.fixed(clock.now()):
        statuses = [shop("POST", "/auth/login", {"email": e, "password": "wrong"}).status for e in spellings]

    assert statuses == [401] * 6 + [429]


@pytest.mark.fault("F14")
def test_a_reset_is_asked_for_in_either_spelling_three_times_in_all(shop: Shop) -> None:
    shop.register(PUNYCODE)

    with clock.fixed(clock.now()):
        for email in islice(cycle([UNICODE, PUNYCODE]), 5):
            assert shop("POST", "/auth/password/forgot", {"email": email}).status == 202
            deliver(shop)

    assert [mail.to for mail in mails() if mail.subject.startswith("Reset")] == [PUNYCODE] * 3


@pytest.mark.fault("F14")
def test_a_changed_address_is_taken_in_either_spelling(shop: Shop) -> None:
    shop.register(UNICODE)
    bob = shop.customer("bob@example.com")

    assert bob("PUT", "/users/profile", {"email": PUNYCODE}).body["code"] == "email_taken"
    assert bob("PUT", "/users/profile", {"email": "bob@bücher.example"}).body["pendingEmail"].startswith("bob@xn--")
    assert bob("PUT", "/users/profile", {"email": "bob@\u2603.example"}).fields == {("email", "invalid_value")}


@pytest.mark.fault("F9")
def test_a_token_from_a_mail_is_taken_with_what_was_copied_around_it(shop: Shop) -> None:
    shop.register()
    deliver(shop)
    token = mail_about("Please confirm").token

    assert shop("POST", "/auth/verify", {"token": f"\u00a0{token}\u200b\r\n"}).status == 204

    shop("POST", "/auth/password/forgot", {"email": "\ufeffada@example.com "}).expect(202)
    deliver(shop)
    token = mail_about("Reset").token
    assert shop("POST", "/auth/password/reset", {"token": f" {token} ", "password": PASSWORD}).status == 204
    pair = shop("POST", "/auth/login", {"email": " ada@example.com\u200b", "password": PASSWORD}).expect(200)
    assert shop("POST", "/auth/refresh", {"refreshToken": f"{pair['refreshToken']}\n"}).status == 200


@pytest.mark.fault("F9")
def test_a_password_is_taken_as_it_was_typed(shop: Shop) -> None:
    shop.register()

    assert shop("POST", "/auth/login", {"email": "ada@example.com", "password": f" {PASSWORD}"}).status == 401


@pytest.mark.fault("F9")
def test_codes_in_a_body_a_header_and_a_path_are_taken_with_blanks(shop: Shop) -> None:
    admin = shop.admin()
    mug = admin.product()["productId"]
    admin.coupon("SAVE-10")
    token = shop("POST", "/cart/items", {"productId": f" {mug}\n", "quantity": 1}).headers["X-Cart-Token"]

    pasted = Shop(shop.client, {"X-Cart-Token": f" {token} "})

    assert pasted("GET", "/cart").body["items"][0]["productId"] == mug
    assert pasted("POST", "/cart/coupon", {"code": "\u200bsave-10 "}).expect(200)["couponCode"] == "SAVE-10"
    assert admin("GET", "/coupons/%20SAVE-10%C2%A0").expect(200)["code"] == "SAVE-10"
    assert admin.product(sku=" MUG-2\u00a0")["sku"] == "MUG-2"
