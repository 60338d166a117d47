"""Where goods and bills go: over the routes, into mails and exports, and out of what is kept of an order (F1, F11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.aws import db, keys
from tests.support.stream import deliver, mail_about, told
from tools.testing.shop import ADDRESS, Shop

FULL = {
    "name": "Grace Hopper", "company": "Compilers Inc.", "street": "7 Cobol Avenue", "street2": "Suite 1952",
    "district": "Navy Yard", "city": "Arlington", "state": "Virginia", "postalCode": "22202-3903", "country": "US",
    "phone": "(571) 555-0152 x12",
}  # fmt: skip
KEPT = {**FULL, "state": "VA", "phoneE164": "+15715550152"}
LABEL = ["Grace Hopper", "Compilers Inc.", "7 Cobol Avenue", "Suite 1952", "Navy Yard", "ARLINGTON, VA 22202-3903"]
JAPANESE = {
    "street": "三軒茶屋1-2-3", "city": "世田谷区", "state": "東京都", "postalCode": "〒154-0023", "country": "JP",
}  # fmt: skip


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("city", "country"), [("Hong Kong", "HK"), ("Dubai", "AE"), ("Doha", "QA")])
def test_a_parcel_goes_to_where_there_are_no_postal_codes(ada: Shop, mug: str, city: str, country: str) -> None:
    address = {"street": "1 Queen's Road", "city": city, "country": country}

    placed = ada.order((mug, 1), shippingAddress=address)

    assert placed.status == 201
    assert placed.body["shippingAddress"] == {**address, "name": "Ada Lovelace"}


@pytest.mark.fault("F1")
def test_an_order_keeps_every_part_of_its_addresses_and_the_note_and_shows_them_to_owner_and_admin(
    shop: Shop, ada: Shop, mug: str
) -> None:
    padded = {name: f"  {part}\u3000" for name, part in FULL.items()}

    placed = ada.order((mug, 1), shippingAddress=ADDRESS, billingAddress=padded, note="  Ring twice.\nThank you. ")

    for seen in (
        placed,
        *(who("GET", f"/orders/{placed.body['orderId']}") for who in (ada, shop.login("root@example.com"))),
    ):
        assert seen.body["email"] == "ada@example.com"
        assert seen.body["shippingAddress"] == {**ADDRESS, "name": "Ada Lovelace"}
        assert seen.body["billingAddress"] == KEPT
        assert seen.body["note"] == "Ring twice.\nThank you."
    assert ada("GET", "/orders").body["orders"][0]["billingAddress"] == KEPT


@pytest.mark.fault("F1")
def test_the_bill_goes_to_the_shipping_address_unless_it_has_one_of_its_own(ada: Shop, mug: str) -> None:
    placed = ada.order((mug, 1), shippingAddress=FULL)

    assert placed.body["billingAddress"] == placed.body["shippingAddress"] == KEPT
    assert placed.body["note"] is None


@pytest.mark.fault("F1")
def test_an_address_that_an_order_shows_can_be_ordered_to_again(ada: Shop, mug: str) -> None:
    shown = ada.order((mug, 1), shippingAddress=FULL).body

    again = ada.order((mug, 1), shippingAddress=shown["shippingAddress"], billingAddress=shown["billingAddress"])

    assert again.body["shippingAddress"] == again.body["billingAddress"] == KEPT


@pytest.mark.fault("F1")
def test_faulty_parts_of_both_addresses_are_named_at_once_and_nothing_is_sold(shop: Shop, ada: Shop, mug: str) -> None:
    shipping = {**ADDRESS, "postalCode": "1234", "phone": "call me"}
    billing = {"street": "1", "country": "JP", "postalCode": "154", "phone": "call me"}

    refused = ada.order((mug, 1), shippingAddress=shipping, billingAddress=billing)

    assert (refused.status, refused.body["code"]) == (400, "validation_failed")
    assert refused.fields == {
        ("shippingAddress.postalCode", "invalid_value"), ("shippingAddress.phone", "invalid_value"),
        ("billingAddress.postalCode", "invalid_value"), ("billingAddress.phone", "invalid_value"),
    }  # fmt: skip
    details = {error["field"]: error["detail"] for error in refused.body["errors"]}
    assert details["billingAddress.postalCode"] == "Must be a postal code of JP such as 154-0023."
    assert shop.stock(mug) == 10


@pytest.mark.fault("F1")
@pytest.mark.parametrize("note", [5, "x" * 501, "a\u0000b"])
def test_a_note_that_is_none_is_a_faulty_field(ada: Shop, mug: str, note: Any) -> None:
    assert {field for field, _ in ada.order((mug, 1), note=note).fields} == {"note"}


@pytest.mark.fault("F1")
def test_mails_print_the_addresses_as_their_countries_write_them(ada: Shop, mug: str) -> None:
    ada.order((mug, 1), shippingAddress={**JAPANESE, "name": "アダ"}, billingAddress=FULL)

    deliver(ada)

    text = mail_about("Order").text
    assert "Ship to:<br>〒154-0023<br>東京都<br>世田谷区<br>三軒茶屋1-2-3<br>アダ<br>JAPAN" in text
    assert "<br>".join(["Bill to:", *LABEL, "UNITED STATES"]) in text


@pytest.mark.fault("F1")
def test_an_export_prints_the_addresses_as_their_countries_write_them(ada: Shop, mug: str) -> None:
    ada.order((mug, 1), shippingAddress=JAPANESE, billingAddress=FULL)
    ada("PUT", "/users/profile", {"addresses": [FULL]}).expect(200)

    exported = ada("GET", "/users/profile/export").body

    (order,) = exported["orders"]
    assert order["shippingLabel"] == ["〒154-0023", "東京都", "世田谷区", "三軒茶屋1-2-3", "Ada Lovelace", "JAPAN"]
    assert order["billingLabel"] == [*LABEL, "UNITED STATES"]
    assert exported["profile"]["addressLabels"] == [[*LABEL, "UNITED STATES"]]
    assert exported["profile"]["addresses"] == [KEPT]


@pytest.mark.fault("F1")
def test_nothing_of_a_person_is_left_in_an_order_whose_buyer_is_forgotten(shop: Shop, ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1), shippingAddress=FULL, billingAddress=JAPANESE, note="Ring twice, please").body
    ada("PUT", f"/orders/{order['orderId']}/cancel").expect(200)

    ada("DELETE", "/users/profile").expect(204)

    root = shop.login("root@example.com")
    kept = [root("GET", f"/orders/{order['orderId']}").text, json.dumps(_item(order), default=str, ensure_ascii=False)]
    personal = {*FULL.values(), *JAPANESE.values(), *KEPT.values(), "Ada Lovelace", "Ring twice", "ada@example.com"}
    assert not [value for value in personal - {"US", "JP", "VA"} for text in kept if value in text]
    assert root("GET", f"/orders/{order['orderId']}").body["email"] is None


@pytest.mark.fault("F1")
def test_events_and_history_know_of_no_address_and_no_note(shop: Shop, ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1), shippingAddress=FULL, billingAddress=JAPANESE, note="Ring twice, please").body
    ada("PUT", "/users/profile", {"addresses": [FULL], "phone": FULL["phone"]}).expect(200)

    deliver(ada)

    assert told()
    history = shop.login("root@example.com")("GET", f"/users/{order['userId']}/audit").text
    said = [history, *(json.dumps(event, ensure_ascii=False) for event in told())]
    personal = {*FULL.values(), *JAPANESE.values(), *KEPT.values(), "Ring twice"} - {"US", "JP", "VA"}
    assert not [value for value in personal for text in said if value in text]


@pytest.mark.fault("F1")
def test_an_order_of_before_there_were_more_than_four_fields_is_still_read(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body
    item = _item(order)
    old = {name: value for name, value in item.items() if name not in ("billingAddress", "note")}
    old["shippingAddress"] = {**ADDRESS, "postalCode": "X 1", "country": "UK"}
    db.commit(db.put(keys.order(order["userId"], order["orderId"]), old))

    seen = ada("GET", f"/orders/{order['orderId']}").expect(200)

    assert seen["shippingAddress"] == seen["billingAddress"] == old["shippingAddress"]
    assert ada("GET", "/users/profile/export").status == 200


@pytest.mark.fault("F11")
def test_a_profiles_telephone_is_kept_as_given_and_told_in_e164_of_plus_or_its_first_address(ada: Shop) -> None:
    def put(**change: Any) -> tuple[str | None, str | None]:
        body = ada("PUT", "/users/profile", change).expect(200)
        return body["phone"], body["phoneE164"]

    assert put(phone=" (555) 123-4567 x12 ") == ("(555) 123-4567 x12", None)
    assert put(addresses=[ADDRESS]) == ("(555) 123-4567 x12", "+15551234567")
    assert put(phone="+44 20 7946 0958 ext. 5") == ("+44 20 7946 0958 ext. 5", "+442079460958")
    assert put(firstName="Augusta") == ("+44 20 7946 0958 ext. 5", "+442079460958")
    assert put(phone=" ") == put(phone=None) == (None, None)


@pytest.mark.fault("F11")
def test_a_telephone_that_can_be_none_is_a_faulty_field_wherever_one_is_taken(shop: Shop, ada: Shop, mug: str) -> None:
    bad = {**ADDRESS, "phone": "call me"}
    new = {"email": "bob@example.com", "firstName": "Bob", "lastName": "B", "phone": "12 ab 34 56"}

    answers = {
        "PUT": ada("PUT", "/users/profile", {"phone": "12 ab 34 56", "addresses": [ADDRESS, bad]}),
        "POST": shop.login("root@example.com")("POST", "/users", new),
        "order": ada.order((mug, 1), shippingAddress=bad),
    }

    assert {name: (answer.status, answer.fields) for name, answer in answers.items()} == {
        "PUT": (400, {("phone", "invalid_value"), ("addresses[1].phone", "invalid_value")}),
        "POST": (400, {("phone", "invalid_value")}),
        "order": (400, {("shippingAddress.phone", "invalid_value")}),
    }


def _item(order: dict[str, Any]) -> dict[str, Any]:
    return dict(db.get(keys.order(order["userId"], order["orderId"])) or {})
