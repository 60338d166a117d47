"""The watch over secrets finds what it is for."""

from __future__ import annotations

import json

import pytest

from chalicelib.core import log, schema
from chalicelib.orders.schemas import OrderRequest
from chalicelib.users.schemas import ProfileChange, Registration
from tests.support import leaks

BODY = '{"email":"a@example.com","password":"a password to find","firstName":"A","lastName":"B"}'


ADDRESS = {
    "name": "Augusta Ada King", "company": "Analytical Engines", "street": "12 St James's Square",
    "street2": "Second floor", "district": "St James's", "city": "Londinium", "state": "Westminster",
    "postalCode": "SW1Y 4JH", "country": "GB", "phone": "020 7946 0958",
}  # fmt: skip


@pytest.fixture
def watch(standard_time: None, monkeypatch: pytest.MonkeyPatch) -> leaks.Watch:
    for place in ("history", "events", "mails"):
        monkeypatch.setattr(leaks, place, list)
    return leaks.Watch(monkeypatch)


def test_a_password_in_a_log_line_is_found(watch: leaks.Watch) -> None:
    schema.decode(BODY, Registration)

    log.info("REGISTERED", message="with a password to find")

    with pytest.raises(AssertionError, match="the log contains"):
        watch.check()


@pytest.mark.fault("F1")
@pytest.mark.parametrize("field", [*(field for field in ADDRESS if field != "country"), "note"])
@pytest.mark.parametrize("address", ["shippingAddress", "billingAddress"])
def test_every_part_of_an_address_and_the_note_are_found_where_they_should_not_be(
    watch: leaks.Watch, monkeypatch: pytest.MonkeyPatch, address: str, field: str
) -> None:
    anywhere = {"shippingAddress": {"street": "1", "country": "US"}, "paymentMethod": {"type": "card", "token": "tok"}}
    body = {**anywhere, address: ADDRESS, "note": "Ring twice, please"}
    schema.decode(json.dumps(body), OrderRequest)

    said = body["note"] if field == "note" else ADDRESS[field]
    monkeypatch.setattr(leaks, "events", lambda: [f"told {said}"])

    with pytest.raises(AssertionError, match="an event contains"):
        watch.check()


def test_a_mail_may_say_where_the_goods_go_and_no_password(watch: leaks.Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.decode(json.dumps({"addresses": [ADDRESS]}), ProfileChange)
    schema.decode(BODY, Registration)
    monkeypatch.setattr(leaks, "mails", lambda: [ADDRESS["street"]])
    watch.check()

    monkeypatch.setattr(leaks, "mails", lambda: ["a password to find"])

    with pytest.raises(AssertionError, match="a mail contains"):
        watch.check()
