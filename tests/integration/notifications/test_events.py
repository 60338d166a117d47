"""What is told on the bus: what happened, in the documented shapes, and of persons only their ids."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from chalicelib.core.events import type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from tests.support.schedule import swept_after
from tests.support.stream import deliver, mails, records, told
from tests.unit.test_event_docs import VALIDATOR
from tools.events import example
from tools.testing.shop import ADDRESS, PASSWORD, Shop

EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def kinds(**wanted: Any) -> list[str]:
    """The types of the events that tell so."""
    return [event["type"] for event in told() if all(event["data"].get(name) == wanted[name] for name in wanted)]


def removal(shop: Shop, *, of: str) -> dict[str, Any]:
    """The record of the removal of the item whose keys begin so."""
    return next(
        copy.deepcopy(record)
        for record in records()
        if record["eventName"] == "REMOVE" and record["dynamodb"]["Keys"]["PK"]["S"].startswith(of)
    )


def test_an_order_is_told_from_its_beginning_to_its_end(ada: Shop, mug: str) -> None:
    admin = ada.login("root@example.com")
    order = ada.order((mug, 2)).body["orderId"]
    for status in ("shipped", "delivered", "completed"):
        assert admin("PUT", f"/orders/{order}/status", {"status": status}).status == 200
    assert admin("POST", f"/orders/{order}/refunds", {"amount": 2.5}).status == 201

    deliver(ada)

    steps = ["created", "confirmed", "shipped", "delivered", "completed"]
    assert [kind for kind in kinds(orderId=order) if kind.startswith("order")] == [f"order.{each}.v1" for each in steps]
    (refund,) = [event["data"] for event in told() if event["type"] == "refund.succeeded.v1"]
    assert (refund["orderId"], refund["amount"], refund["currency"]) == (order, 2.5, "USD")
    (created,) = [event["data"] for event in told() if event["type"] == "order.created.v1"]
    assert (created["totalAmount"], created["items"][0]["price"], created["status"]) == (25.0, 12.5, "pending")


def standing(event: dict[str, Any]) -> tuple[Any, ...]:
    data = event["data"]
    actor = "system" if data["actor"] == "system" else "somebody"
    return data["status"], data["paymentStatus"], actor, data["version"]


def test_the_examples_of_order_events_say_what_real_orders_say(ada: Shop, mug: str) -> None:
    admin = ada.login("root@example.com")
    completed = ada.order((mug, 1)).body["orderId"]
    for status in ("shipped", "delivered", "completed"):
        assert admin("PUT", f"/orders/{completed}/status", {"status": status}).status == 200
    cancelled = ada.order((mug, 1)).body["orderId"]
    assert ada("PUT", f"/orders/{cancelled}/cancel").body["paymentStatus"] == "refunded"
    expired = ada.order((mug, 1), token="tok_requires_action").body["orderId"]
    swept_after(16)

    deliver(ada)

    real = {event["type"]: standing(event) for event in told() if event["type"].startswith("order.")}
    assert {expired, cancelled, completed} <= {event["data"].get("orderId") for event in told()}
    of_orders = [kind for kind in EVENT_SCHEMAS if kind.startswith("order.")]
    assert real == {type_of(kind): standing(json.loads(example(kind).body())) for kind in of_orders}


def test_products_accounts_and_stock_are_told(shop: Shop) -> None:
    admin = shop.admin()
    mug = admin.product(name="Mug", stock=7)["productId"]
    admin("PATCH", f"/products/{mug}", {"price": 13})
    admin("POST", f"/products/{mug}/stock", {"delta": -3, "reason": "broken"})
    admin("DELETE", f"/products/{mug}")
    ada = shop.customer()
    ada("PUT", "/users/profile", {"firstName": "Augusta"})
    user = ada("GET", "/auth/me").body["userId"]
    admin("DELETE", f"/users/{user}")

    deliver(shop)

    assert kinds(productId=mug) == [
        "product.created.v1", "product.updated.v1", "stock.low.v1", "product.deleted.v1"
    ]  # fmt: skip
    of_user = ["user.created.v1", "user.updated.v1", "user.deleted.v1"]
    assert kinds(userId=user) == of_user
    real = {event["type"]: event["data"]["changed"] for event in told() if event["data"].get("userId") == user}
    assert real == {type_of(kind): example(kind).data["changed"] for kind in EVENT_SCHEMAS if kind.startswith("user.")}


def test_every_event_fits_the_schema_and_holds_no_personal_data(ada: Shop, mug: str) -> None:
    test_an_order_is_told_from_its_beginning_to_its_end(ada, mug)
    ada("PUT", "/users/profile", {"email": "lovelace@example.com", "phone": "+1 555 0100", "addresses": [ADDRESS]})
    deliver(ada)

    assert len(told()) > 8
    for event in told():
        VALIDATOR.validate(event)
        text = json.dumps(event)
        for personal in ("@", "Lovelace", "Ada", "555 0100", "+1555", ADDRESS["street"], '"12345"', PASSWORD):
            assert personal not in text, event


def test_an_event_keeps_its_id_and_all_else_when_its_record_comes_again(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    deliver(ada, batch)
    before = told()

    deliver(ada, batch)

    assert told() == before
    assert len({event["id"] for event in before}) == len(before)


def test_a_cart_that_expired_is_told_and_one_that_was_emptied_or_taken_over_is_not(ada: Shop, mug: str) -> None:
    guest = Shop(ada.client)
    token = guest("POST", "/cart/items", {"productId": mug, "quantity": 2}).headers["X-Cart-Token"]
    login = {"email": "ada@example.com", "password": PASSWORD, "cartToken": token}
    assert guest("POST", "/auth/login", login).status == 200
    taken_over = removal(ada, of="GUEST#")
    by_time = {**copy.deepcopy(taken_over), "eventID": "expiry", "userIdentity": EXPIRY}

    assert deliver(ada, [taken_over]) == []
    assert kinds(itemCount=2) == []

    assert deliver(ada, [by_time]) == []
    assert kinds(itemCount=2) == ["cart.expired.v1"]
    (event,) = [event["data"] for event in told() if event["type"] == "cart.expired.v1"]
    assert "userId" not in event


@pytest.mark.parametrize("pk", ["NEW#thing", "EFFECT#evt", "WORD#mu", "IDEM#scope", "USER#usr_1"])
def test_what_nobody_knows_and_the_handlers_own_writes_are_passed_over(shop: Shop, pk: str) -> None:
    record = copy.deepcopy(next(each for each in [*records(), anything(shop)] if each))
    record["dynamodb"]["Keys"] = {"PK": {"S": pk}, "SK": {"S": "WHATEVER"}}

    assert deliver(shop, [record]) == []

    assert (told(), mails()) == ([], [])


def anything(shop: Shop) -> dict[str, Any]:
    shop.register("eve@example.com")
    return records()[-1]


def test_a_delivery_of_all_that_it_has_written_itself_leads_to_nothing_more(ada: Shop, mug: str) -> None:
    ada.order((mug, 6))
    deliver(ada)
    first = (len(told()), len(mails()))

    for _ in range(3):
        assert deliver(ada) == []

    assert (len(told()), len(mails())) == first
    before = len(records())
    deliver(ada)
    again = {record["dynamodb"]["Keys"]["PK"]["S"].split("#")[0] for record in records()[before:]}
    assert again <= {"AUDIT"}  # the same lines once more, of which DynamoDB's stream says nothing


def test_the_mail_is_in_the_language_of_the_buyer(ada: Shop, mug: str) -> None:
    assert ada("PUT", "/users/profile", {"locale": "de-AT"}).status == 200
    order = ada.order((mug, 1)).body["orderId"]

    deliver(ada)

    (mail,) = [mail for mail in mails() if order in mail.subject]
    assert mail.subject == f"Bestellung {order} bestätigt"
    assert "Summe: 12.50 USD" in mail.text
