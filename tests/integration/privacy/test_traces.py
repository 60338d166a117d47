"""After an erasure nothing names the person any more, wherever the shop keeps anything (F6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws import db
from chalicelib.core import clock, log
from chalicelib.notifications import dead_letters
from tests.support.schedule import run_at
from tests.support.stage import with_settings
from tests.support.stream import deliver, letters, mails, records, told
from tests.support.table import everything, text_of
from tools.testing.shop import PASSWORD, Shop

pytestmark = [pytest.mark.no_cover, pytest.mark.fault("F6")]

# Each is found by itself alone: nothing else in the story has it in it, and no id, digest or token can, since each has
# a blank or another sign in it that those never have, or is a word too long to come by chance.
PERSON = {
    "email": "ottilie.quaestor@example.com",
    "another email": "zaunkoenig@example.org",
    "first name": "Ottilie",
    "last name": "Quaestor",
    "phone": "+49 170 5550123",
    "street": "Zwergenallee 77",
    "city": "Kleinmachnow",
    "postal code": "SW1Y 4JH",
    "device": "Siebenschlaefer/1.0",
    "why they gave it back": "Nachbarin Xanthippe rang an",
    "why it was cancelled": "Umzug nach Wuppertal",
    "why they were disabled": "Verdacht gegen Rumpelstilz",
    "password": PASSWORD,
}
ADDRESS = {"street": PERSON["street"], "city": PERSON["city"], "postalCode": PERSON["postal code"], "country": "GB"}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line of the log."""
    lines: list[str] = []
    emit = log._emit

    def overheard(line: dict[str, Any]) -> None:
        lines.append(json.dumps(line, default=str))
        emit(line)

    monkeypatch.setattr(log, "_emit", overheard)
    return lines


def live_a_life(shop: Shop, admin: Shop, *, is_heard: bool = True) -> Shop:
    """A customer who has used whatever keeps something of them."""
    names = {"firstName": PERSON["first name"], "lastName": PERSON["last name"]}
    new = {"email": PERSON["email"], "password": PASSWORD, **names}
    shop("POST", "/auth/register", new, Idempotency_Key="register").expect(201)
    mug = admin.product(stock=100, price=100)["productId"]
    admin.coupon("SPRING", perUserLimit=5)
    admin("POST", "/webhooks", {"url": "https://hooks.example.com/", "events": ["*"]}).expect(201)
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]
    login = {"email": PERSON["email"], "password": PASSWORD, "cartToken": token}
    opened = shop("POST", "/auth/login", login, User_Agent=PERSON["device"]).expect(200)
    person = Shop(shop.client, {"Authorization": f"Bearer {opened['accessToken']}"})
    profile = {"phone": PERSON["phone"], "addresses": [ADDRESS], "locale": "de", "email": PERSON["another email"]}
    person("PUT", "/users/profile", profile).expect(200)
    person("POST", "/cart/items", {"productId": mug, "quantity": 1}, Idempotency_Key="cart").expect(201)
    shop("POST", "/auth/password/forgot", {"email": PERSON["email"]}).expect(202)
    buy(person, admin, mug)
    if is_heard:
        deliver(shop)
    return person


def buy(person: Shop, admin: Shop, mug: str) -> None:
    """Orders that end in every way, with what people write about them."""

    def order(key: str, token: str = "tok_success", **more: Any) -> str:
        placed = person.order((mug, 1), token=token, shippingAddress=ADDRESS, Idempotency_Key=key, **more)
        return str(placed.body["orderId"])

    kept, cancelled, _ = order("kept", couponCode="SPRING"), order("cancelled"), order("declined", "tok_declined")
    order("silent", "tok_timeout_before")
    back = {"amount": 1, "reason": PERSON["why they gave it back"]}
    admin("POST", f"/orders/{kept}/refunds", back, Idempotency_Key="back").expect(201)
    ended = {"status": "cancelled", "reason": PERSON["why it was cancelled"]}
    admin("PUT", f"/orders/{cancelled}/status", ended).expect(200)
    for status in ("shipped", "delivered"):
        admin("PUT", f"/orders/{kept}/status", {"status": status}).expect(200)


def places(said: list[str]) -> Iterator[tuple[str, str]]:
    """Everything that the shop keeps or has told, as text, with where that is."""
    for key in everything():
        yield str(key), text_of(db.get(key, consistent=True) or {})
    bucket = boto3.client("s3")
    for found in bucket.list_objects_v2(Bucket="ecommerce-test").get("Contents", []):
        body = bucket.get_object(Bucket="ecommerce-test", Key=found["Key"])["Body"].read()
        yield found["Key"], f"{found['Key']} {body.decode()}"
    for line in said:
        yield "log", line
    for event in told():
        yield "bus", json.dumps(event, ensure_ascii=False)


def traces(said: list[str]) -> set[tuple[str, str]]:
    return {(name, where) for where, text in places(said) for name, value in PERSON.items() if value in text}


def test_after_an_erasure_no_value_of_the_person_is_left_anywhere(shop: Shop, said: list[str]) -> None:
    admin = shop.admin()
    person = live_a_life(shop, admin)
    user = person("GET", "/auth/me").body["userId"]
    run_at("summarise_sales", clock.now() + timedelta(days=1))
    assert {name for name, _ in traces(said)} == {*PERSON} - {"password", "why they were disabled"}  # it is looked for
    assert person("DELETE", "/users/profile").status == 202  # an order is delivered, and one not paid
    disabled = {"status": "disabled", "reason": PERSON["why they were disabled"]}
    admin("PUT", f"/users/{user}/status", disabled).expect(200)

    for days in (1, 2, 15):
        run_at("run_scheduled_work", clock.now() + timedelta(days=days))
    early = traces(said)
    deliver(shop)  # and now the stream, with all that it was told before

    assert early == set()
    assert traces(said) == set()
    gone = shop.login("root@example.com")("GET", f"/users/{user}").body
    assert (gone["status"], gone["firstName"], gone["erasure"]) == ("deleted", "erased", None)


def test_what_stays_of_an_order_is_its_country_its_tax_and_its_amounts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = shop.admin()
    with with_settings(monkeypatch, TAX_RATES="GB=20i,*=0"):
        person = live_a_life(shop, admin)
    order = person("GET", "/orders?limit=100").body["orders"][-1]
    person("DELETE", "/users/profile")
    for days in (1, 2, 15):
        run_at("run_scheduled_work", clock.now() + timedelta(days=days))

    left = shop.login("root@example.com")("GET", f"/orders/{order['orderId']}").body

    assert left["status"] == "completed"
    assert order["tax"] > 0
    kept = ("tax", "shippingTax", "taxIncluded", "totalAmount", "items", "currency", "refunded", "couponCode", "userId")
    assert {name: left[name] for name in kept} == {name: order[name] for name in kept}
    assert left["shippingAddress"]["country"] == "GB"
    assert {*left["shippingAddress"].values()} <= {"GB", "erased", None, ""}


def test_a_record_that_is_heard_of_only_after_an_erasure_brings_nothing_back(shop: Shop, said: list[str]) -> None:
    admin = shop.admin()
    person = live_a_life(shop, admin, is_heard=False)
    late = records()
    person("DELETE", "/users/profile")
    for days in (1, 2, 15):
        run_at("run_scheduled_work", clock.now() + timedelta(days=days))

    deliver(shop, late)

    assert traces(said) == set()
    assert {mail.to for mail in mails()} == {"root@example.com"}


def test_a_dead_letter_is_the_one_thing_that_names_a_person_longer(shop: Shop, said: list[str]) -> None:
    """It is the record itself, which is needed to hear it again; its queue forgets it after fourteen days."""
    admin = shop.admin()
    person = live_a_life(shop, admin)
    record = next(each for each in records() if PERSON["street"] in json.dumps(each, default=str))
    dead_letters.send(record, ValueError("refused"), tries=1)
    person("DELETE", "/users/profile")
    for days in (1, 2, 15):
        run_at("run_scheduled_work", clock.now() + timedelta(days=days))

    assert PERSON["street"] in json.dumps(letters())
    assert traces(said) == set()
