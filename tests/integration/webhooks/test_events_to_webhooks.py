"""From a change of the table to a shop's endpoint: every event that it wants is queued once."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.aws.keys import Key
from chalicelib.core import clock
from tests.support.stream import deliver, records
from tests.support.table import everything
from tools.testing.shop import Shop

URL = "https://hooks.example.com/secret-path"


def listening(shop: Shop, *events: str) -> str:
    answer = shop.login("root@example.com")("POST", "/webhooks", {"url": URL, "events": list(events)})
    assert answer.status == 201, answer
    return str(answer.body["webhookId"])


def queued(webhook: str) -> list[str]:
    """The types of what is on its way to an endpoint, oldest first."""
    return [item["eventType"] for key, item in sorted(everything().items()) if is_delivery(key, webhook)]


def is_delivery(key: Key, webhook: str) -> bool:
    pk, prefix = keys.webhook_delivery(webhook)
    return key.pk == pk and key.sk.startswith(prefix)


def test_an_endpoint_hears_of_each_event_that_it_wants_once(ada: Shop, mug: str) -> None:
    orders, all_of_it = listening(ada, "order.*"), listening(ada, "*")
    ada.order((mug, 1))
    batch = records()

    for _ in range(3):
        assert deliver(ada, batch) == []

    assert queued(orders) == ["order.created.v1", "order.confirmed.v1"]
    assert sorted(queued(all_of_it)) == sorted(
        ["user.created.v1", "user.created.v1", "product.created.v1", "order.created.v1", "order.confirmed.v1"]
    )


def test_a_delivery_that_was_sent_is_not_queued_again_by_a_record_that_comes_again(ada: Shop, mug: str) -> None:
    webhook = listening(ada, "order.created.v1")
    ada.order((mug, 1))
    deliver(ada)
    (key,) = [key for key in everything() if is_delivery(key, webhook)]
    db.commit(db.update(key, "SET #state = :sent", {":sent": "delivered"}, names={"#state": "state"}))

    deliver(ada)

    assert everything()[key]["state"] == "delivered"


def test_an_endpoint_that_was_switched_off_is_told_to_people_without_its_address(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []
    admin = shop.admin()
    webhook = listening(shop, "*")
    item = keys.webhook(webhook)
    change = "SET disabledAt = :now, disabledReason = :gone"
    db.commit(db.update(item, change, {":now": clock.timestamp(), ":gone": "gone"}))
    monkeypatch.setattr("chalicelib.aws.clients.sns", type("Topic", (), {"publish": lambda _, **it: said.append(it)}))

    for _ in range(2):
        deliver(admin)

    (alert,) = said
    assert f"Webhook {webhook} was switched off: it answered 410 Gone." in alert["Message"]
    assert "secret-path" not in alert["Message"]
