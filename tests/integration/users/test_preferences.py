"""What users prefer: the language they are written to in, and whether they are reminded of their carts."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws import clients, db, keys
from chalicelib.orders import store as order_store
from tests.support.stream import deliver
from tools.testing.shop import PASSWORD, Shop

NEW = {"email": "eva@example.com", "password": PASSWORD, "firstName": "Eva", "lastName": "E"}


def preferences(view: dict[str, Any]) -> tuple[str, bool]:
    return view["locale"], view["cartReminders"]


def locale_of_order(shop: Shop, order_id: str) -> str:
    order = order_store.get_owned(shop("GET", "/auth/me").body["userId"], order_id)
    assert order
    return order.locale


def test_a_new_customer_is_written_to_in_english_and_reminded_unless_they_say_otherwise(shop: Shop) -> None:
    assert preferences(shop.register().body) == ("en", True)
    assert preferences(shop("POST", "/auth/register", {**NEW, "locale": "pt-BR"}).body) == ("pt-BR", True)


def test_an_admin_creates_a_user_in_their_language(shop: Shop) -> None:
    answer = shop.admin()("POST", "/users", {**NEW, "locale": "de"})

    assert (answer.status, answer.body["locale"]) == (201, "de")


def test_preferences_change_one_by_one_and_stay_when_left_out(ada: Shop, shop: Shop) -> None:
    path = f"/users/{ada('GET', '/auth/me').body['userId']}"

    assert preferences(ada("PUT", "/users/profile", {"locale": "de"}).body) == ("de", True)
    assert preferences(ada("PATCH", path, {"cartReminders": False}).body) == ("de", False)
    assert preferences(ada("PUT", path, {"firstName": "Ada", "lastName": "K"}).body) == ("de", False)
    assert preferences(ada("GET", "/users/profile").body) == ("de", False)


@pytest.mark.parametrize(
    "locale", ["", "english", "zz", "de-YY", "../en", "und", "x-own", "C", "en--US", "dé", "e" * 99, 7, None]
)
def test_what_is_no_language_is_refused(ada: Shop, locale: Any) -> None:
    answer = ada("PUT", "/users/profile", {"locale": locale})

    assert answer.status == 400
    assert {field for field, _ in answer.fields} == {"locale"}


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("en_US", "en-US"),
        ("PT-br", "pt-BR"),
        ("es-419", "es-419"),
        ("zh-hant", "zh-Hant"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("sr-Latn", "sr-Latn"),
        ("de-CH-1996", "de-CH-1996"),
        ("eng", "en"),
        ("iw", "he"),
        (" de\n", "de"),
    ],
)
def test_a_language_is_any_tag_that_is_registered_in_its_one_spelling(ada: Shop, given: str, kept: str) -> None:
    assert ada("PUT", "/users/profile", {"locale": given}).expect(200)["locale"] == kept


def test_an_order_keeps_the_language_that_its_buyer_had(ada: Shop, mug: str) -> None:
    ada("PUT", "/users/profile", {"locale": "de"})
    order = ada.order((mug, 1)).body["orderId"]
    ada("PUT", "/users/profile", {"locale": "fr"})
    later = ada.order((mug, 1)).body["orderId"]

    assert [locale_of_order(ada, each) for each in (order, later)] == ["de", "fr"]


def test_an_order_and_a_user_of_before_there_were_languages_are_english(ada: Shop, mug: str) -> None:
    user_id, order_id = ada("GET", "/auth/me").body["userId"], ada.order((mug, 1)).body["orderId"]
    db.commit(
        db.update(keys.user(user_id), "REMOVE #l, cartReminders", {}, names={"#l": "locale"}),
        db.update(keys.order(user_id, order_id), "REMOVE #l", {}, names={"#l": "locale"}),
    )

    assert preferences(ada("GET", "/users/profile").body) == ("en", True)
    assert [locale_of_order(ada, each) for each in (order_id, ada.order((mug, 1)).body["orderId"])] == ["en", "en"]


def test_the_history_names_a_changed_preference_and_nothing_that_did_not_change(ada: Shop, shop: Shop) -> None:
    user_id = ada("GET", "/auth/me").body["userId"]
    db.commit(db.update(keys.user(user_id), "REMOVE #l, cartReminders", {}, names={"#l": "locale"}))
    ada("PUT", "/users/profile", {"cartReminders": False})
    deliver(shop)

    latest = shop.admin()("GET", f"/users/{user_id}/audit").body["entries"][0]
    assert (latest["action"], list(latest["changes"])) == ("user.updated", ["cartReminders"])


@pytest.mark.fault("F12")
def test_a_mail_says_the_character_set_that_its_language_needs(ada: Shop) -> None:
    sent: list[dict[str, Any]] = []
    clients.ses().meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params))
    ada("PUT", "/users/profile", {"locale": "de_AT", "email": "ada@b\u00fccher.example"}).expect(200)

    deliver(ada)

    mail = sent[-1]["Content"]["Simple"]
    parts = [mail["Subject"], mail["Body"]["Text"], mail["Body"]["Html"]]
    assert {part["Charset"] for part in parts} == {"UTF-8"}
    assert '<html lang="de">' in mail["Body"]["Html"]["Data"]
    assert sent[-1]["Destination"]["ToAddresses"] == ["ada@xn--bcher-kva.example"]
