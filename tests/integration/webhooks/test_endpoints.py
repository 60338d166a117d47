"""What admins do with endpoints over the app's routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import ids
from tests.support.payments import Mailbox
from tests.support.webhooks import NOBODY, URL, happen, hook, run
from tools.testing.shop import Shop


def test_an_endpoint_is_made_read_listed_changed_and_deleted(root: Shop) -> None:
    body = {"url": URL, "events": ["order.*", "user.created.v1", "order.*"], "description": "Warehouse"}
    made = root("POST", "/webhooks", body)
    other = hook(root, f"{URL}/2")
    path = f"/webhooks/{made.body['webhookId']}"

    assert (made.status, made.body["events"]) == (201, ["order.*", "user.created.v1"])
    assert made.body["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.body.items() if name != "secret"}
    assert (root("GET", path).body, root("GET", path).headers["ETag"]) == (shown, made.headers["ETag"])
    assert shown["status"] == "active"
    listed = root("GET", "/webhooks").body["webhooks"]
    assert [each["webhookId"] for each in listed] == [other["webhookId"], made.body["webhookId"]]
    assert "secret" not in json.dumps(listed)
    changed = root("PATCH", path, {"isActive": False, "description": None}, If_Match=made.headers["ETag"])
    assert (changed.status, changed.body["status"], changed.body["description"]) == (200, "paused", None)
    assert "secret" not in changed.body
    assert root("DELETE", path, If_Match=changed.headers["ETag"]).status == 204
    assert root("GET", path).body["code"] == "webhook_not_found"
    assert [each["webhookId"] for each in root("GET", "/webhooks").body["webhooks"]] == [other["webhookId"]]


def test_an_old_copy_changes_and_deletes_nothing(root: Shop) -> None:
    made = root("POST", "/webhooks", {"url": URL, "events": ["*"]})
    path = f"/webhooks/{made.body['webhookId']}"
    root("PATCH", path, {"description": "Warehouse"})

    for method, body in (("PATCH", {"description": "Books"}), ("DELETE", None)):
        refused = root(method, path, body, If_Match=made.headers["ETag"])
        assert (refused.status, refused.body["code"]) == (412, "webhook_changed")

    assert root("GET", path).body["description"] == "Warehouse"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "http://127.0.0.1:8000/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://[fd00:ec2::254]/"}, "url"),
        ({"url": "https://user:password@hooks.example.com/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://[v1.a]/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"events": []}, "events"),
        ({"events": ["order.*"] * 51}, "events"),
        ({"events": ["Order.Created"]}, "events[0]"),
        ({"events": ["*.created"]}, "events[0]"),
        ({"events": ["order*"]}, "events[0]"),
        ({"events": ["order.*", "nope.created.v1"]}, "events[1]"),
        ({"isActive": "yes"}, "isActive"),
        ({"secret": "whsec_c2VjcmV0"}, "secret"),
    ],
)
def test_what_is_no_endpoint_is_refused_with_the_faulty_field(root: Shop, body: dict[str, Any], field: str) -> None:
    made = hook(root)

    for method, path in (("POST", "/webhooks"), ("PATCH", f"/webhooks/{made['webhookId']}")):
        answer = root(method, path, {"url": URL, "events": ["*"], **body})
        assert (answer.status, answer.body["code"]) == (400, "validation_failed")
        assert field in {name for name, _ in answer.fields}

    assert root("GET", "/webhooks").body["count"] == 1


def test_filters_that_match_nothing_are_refused_together_with_a_faulty_url(root: Shop) -> None:
    answer = root("POST", "/webhooks", {"url": "https://[v1.a]/x", "events": ["order", "order.*", "order.created.v2"]})

    assert answer.status == 400
    assert answer.fields == {
        ("url", "invalid_value"), ("events[0]", "unknown_event_type"), ("events[2]", "unknown_event_type")
    }  # fmt: skip
    detail = answer.body["errors"][1]["detail"]
    assert "order.created.v1" in detail
    assert "cart.expired.v1" in detail


def test_an_endpoint_with_a_filter_that_matches_nothing_any_more_stays_as_it_is(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url, "order.*")
    path, key = f"/webhooks/{made['webhookId']}", keys.webhook(made["webhookId"])
    db.commit(db.update(key, "SET events = :old", {":old": ["order", "order.created.v1"]}))
    happen("order.created.v1")

    assert run() == {"delivered": 1}
    assert root("GET", path).body["events"] == ["order", "order.created.v1"]
    assert root("PATCH", path, {"description": "Warehouse"}).body["events"] == ["order", "order.created.v1"]


@pytest.mark.parametrize("webhook_id", [NOBODY, "x", "%23", "A" * 3000, "whk_1"])
def test_what_is_no_endpoint_is_not_found(root: Shop, webhook_id: str) -> None:
    path = f"/webhooks/{webhook_id}"
    asked: list[tuple[str, str, Any]] = [
        ("GET", path, None), ("PATCH", path, {"description": "x"}), ("DELETE", path, None),
        ("POST", f"{path}/secret", None), ("POST", f"{path}/test", None), ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/deliveries/{ids.new('dlv')}/retry", None),
    ]  # fmt: skip

    for method, each, body in asked:
        assert root(method, each, body).body["code"] == "webhook_not_found"


def test_a_shop_has_twenty_endpoints_and_one_more_after_deleting_one(root: Shop) -> None:
    made = [hook(root, f"{URL}/{number}") for number in range(20)]
    body = {"url": URL, "events": ["*"]}

    refused = root("POST", "/webhooks", body)

    assert (refused.status, refused.body["code"]) == (422, "too_many_webhooks")
    assert root("DELETE", f"/webhooks/{made[0]['webhookId']}").status == 204
    assert [root("POST", "/webhooks", body).status for _ in range(2)] == [201, 422]
    assert root("GET", "/webhooks?limit=100").body["count"] == 20


def test_pages_of_endpoints_go_on_where_they_ended(root: Shop) -> None:
    made = [hook(root, f"{URL}/{number}")["webhookId"] for number in range(5)]

    first = root("GET", "/webhooks?limit=3").body
    second = root("GET", f"/webhooks?limit=3&cursor={first['nextCursor']}").body

    found = [each["webhookId"] for each in (*first["webhooks"], *second["webhooks"])]
    assert (found, second["nextCursor"]) == (made[::-1], None)


def test_customers_learn_nothing_of_endpoints(root: Shop) -> None:
    made, ada = hook(root), Shop(root.client).customer()

    for path in ("/webhooks", f"/webhooks/{made['webhookId']}", f"/webhooks/{NOBODY}"):
        assert ada("GET", path).status == 403
