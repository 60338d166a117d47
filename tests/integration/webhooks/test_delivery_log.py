"""The log of deliveries, test events, and what is sent again on demand."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as Receiver

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from chalicelib.webhooks import dispatch
from chalicelib.webhooks import store as webhook_store
from chalicelib.webhooks.models import Delivery
from tests.support.payments import Mailbox
from tests.support.webhooks import URL, happen, hook, ids_in, log_of, run
from tools.testing.shop import Shop

ROOT = Path(__file__).parents[3]


@pytest.mark.real_time  # the receiver's library has no other
def test_a_test_event_reaches_an_endpoint_whatever_it_wants_to_hear(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url, "order.*")
    path = f"/webhooks/{made['webhookId']}/test"

    first, again = (root("POST", path, Idempotency_Key="k") for _ in range(2))
    run()

    assert (first.status, first.body["state"], again.text) == (202, "pending", first.text)
    body, headers = box.came[0]
    assert Receiver(made["secret"]).verify(body, headers)["type"] == "webhook.test.v1"
    assert len(box.came) == 1


def test_the_test_event_is_the_one_of_the_docs(root: Shop) -> None:
    made = hook(root)
    (shown,) = re.findall(r"## Test\n.*?```json\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)
    promised = json.loads(shown)

    event = root("POST", f"/webhooks/{made['webhookId']}/test", X_Correlation_Id=promised["correlationId"]).body[
        "payload"
    ]

    own = {"id": event["id"], "timestamp": event["timestamp"]}
    data = {**promised["data"], "webhookId": made["webhookId"]}
    assert event == {**promised, **own, "data": data}
    assert list(event) == list(promised)


def test_a_paused_endpoint_is_not_tested(root: Shop) -> None:
    made = hook(root, isActive=False)

    refused = root("POST", f"/webhooks/{made['webhookId']}/test")

    assert (refused.status, refused.body["code"]) == (409, "webhook_not_active")


def test_the_log_is_newest_first_in_pages(root: Shop) -> None:
    made, other = hook(root), hook(root, f"{URL}/2", "cart.*")
    path, begin, events = f"/webhooks/{made['webhookId']}/deliveries", clock.now(), []
    for number in range(5):
        with clock.fixed(begin + timedelta(seconds=number)):
            events.append(happen().id)

    first = root("GET", f"{path}?limit=3").body
    second = root("GET", f"{path}?limit=3&cursor={first['nextCursor']}").body

    found = [each["eventId"] for each in (*first["deliveries"], *second["deliveries"])]
    assert (found, second["nextCursor"]) == (events[::-1], None)
    strange = root("GET", f"/webhooks/{other['webhookId']}/deliveries?cursor={first['nextCursor']}")
    assert strange.body["code"] == "invalid_cursor"


def test_a_delivery_is_sent_again_on_demand_whatever_became_of_it(root: Shop, box: Mailbox) -> None:
    made, event = hook(root, box.url), happen()
    run()
    path = f"/webhooks/{made['webhookId']}/deliveries/{log_of(root, made['webhookId'])[0]['deliveryId']}/retry"

    first, again = (root("POST", path, Idempotency_Key="k") for _ in range(2))

    assert (first.status, first.body["state"], again.text) == (202, "pending", first.text)
    assert run() == {"delivered": 1}
    assert ids_in(box) == [event.id] * 2
    (entry,) = log_of(root, made["webhookId"])
    assert (entry["state"], len(entry["attempts"])) == ("delivered", 2)
    assert run() == {}


def test_a_delivery_that_waits_is_sent_at_once_on_demand(root: Shop, box: Mailbox) -> None:
    box.refusals = [500]
    made = hook(root, box.url)
    happen()
    run()
    path = f"/webhooks/{made['webhookId']}/deliveries/{log_of(root, made['webhookId'])[0]['deliveryId']}/retry"

    assert root("POST", path).status == 202

    assert run() == {"delivered": 1}


@pytest.mark.parametrize("delivery_id", ["x", "dlv_1", "dlv_01M7Z9PK2E7AVM5AT09PVE9DP9", "%23"])
def test_a_delivery_of_nobody_is_not_found(root: Shop, delivery_id: str) -> None:
    made, other = hook(root), hook(root, f"{URL}/2", "cart.*")
    happen()
    of_another = log_of(root, made["webhookId"])[0]["deliveryId"]

    for each in (delivery_id, of_another):
        refused = root("POST", f"/webhooks/{other['webhookId']}/deliveries/{each}/retry")
        assert (refused.status, refused.body["code"]) == (404, "delivery_not_found")


def test_of_many_attempts_the_last_ten_are_kept(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    happen()
    run()
    path = f"/webhooks/{made['webhookId']}/deliveries/{log_of(root, made['webhookId'])[0]['deliveryId']}/retry"
    box.refusals = [500, *[200] * 20]

    for _ in range(12):
        root("POST", path)
        run()

    (entry,) = log_of(root, made["webhookId"])
    assert [attempt["status"] for attempt in entry["attempts"]] == [200] * 10


def test_the_schedule_delivers(shop: Shop, root: Shop, box: Mailbox) -> None:
    hook(root, box.url)
    happen()
    event = {
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
        "time": "2026-11-21T09:30:00Z", "region": "us-east-1", "resources": [], "detail": {},
    }  # fmt: skip

    answer = shop.client.lambda_.invoke("deliver_webhooks", event).payload

    assert (answer["delivered"], len(box.came)) == (1, 1)


def test_a_delivery_that_nobody_can_read_holds_up_neither_its_endpoint_nor_another(root: Shop, box: Mailbox) -> None:
    good, bad = hook(root, box.url, "order.*"), hook(root, box.url, "user.*")
    broken, fine, other = happen("user.created.v1"), happen("user.deleted.v1"), happen()
    (spoilt,) = [each for each in webhook_store.list_due(bad["webhookId"], limit=5)[0] if each.event_id == broken.id]
    key = keys.webhook_delivery(bad["webhookId"], spoilt.delivery_id)
    db.commit(db.update(key, "SET payload = :number", {":number": 5}))

    assert run() == {"delivered": 2}

    assert sorted(ids_in(box)) == sorted([fine.id, other.id])
    assert good["webhookId"] != bad["webhookId"]


def test_a_lane_that_cannot_be_read_is_counted_and_the_others_go_on(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(root, box.url, "order.*")
    bad = hook(root, box.url, "user.*")["webhookId"]
    fine, read = happen(), webhook_store.list_due

    def due(webhook_id: str, *, limit: int, after: str | None = None) -> tuple[list[Delivery], str | None]:
        if webhook_id == bad:
            raise Unavailable("The table is busy.")
        return read(webhook_id, limit=limit, after=after)

    monkeypatch.setattr(webhook_store, "list_due", due)

    assert run() == {"delivered": 1, "broken": 1}
    assert ids_in(box) == [fine.id]


def test_a_delivery_is_claimed_for_longer_than_its_sender_lives() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())

    assert dispatch.LEASE.total_seconds() > config["lambda_functions"]["deliver_webhooks"]["lambda_timeout"]
