"""Webhooks that the shop sends: managed over the app's routes, queued, and sent to a real server on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook as Receiver

from chalicelib.aws import db, keys
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.errors import Unavailable
from chalicelib.core.events import Event
from chalicelib.webhooks import dispatch, sender
from chalicelib.webhooks import service as webhooks
from chalicelib.webhooks import store as webhook_store
from chalicelib.webhooks.models import Delivery, DeliveryAttempt, Webhook
from tests.support import table
from tests.support.faults import Crash, Fault, injected, lose_answer
from tests.support.payments import Mailbox, mailbox
from tests.support.stream import deliver as deliver_stream
from tools.testing.shop import Shop, ShopAnswer

ROOT = Path(__file__).parents[3]
URL = "https://hooks.example.com/shop"
NOBODY = "whk_01M7Z9PK2E7AVM5AT09PVE9DP8"
_table = threading.Lock()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    webhooks.forget()
    yield
    webhooks.forget()


@pytest.fixture
def root(shop: Shop) -> Shop:
    return shop.admin()


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A receiver on this machine, which only the local stage sends to."""
    monkeypatch.setenv("STAGE", "local")
    settings.current.cache_clear()
    settings.current()  # while Chalice's test client serves a request, the stage's own variables are back
    with mailbox() as opened:
        yield opened
    monkeypatch.undo()
    settings.current.cache_clear()


def hook(root: Shop, url: str = URL, *events: str, **more: Any) -> dict[str, Any]:
    """A new endpoint with its secret."""
    answer = root("POST", "/webhooks", {"url": url, "events": list(events) or ["*"], **more})
    assert answer.status == 201, answer
    return dict(answer.body)


def happen(event_type: str = "order.created.v1", **data: Any) -> Event:
    """Something happens and is queued, as the stream's handler does."""
    event = Event(id=ids.new("evt"), type=event_type, timestamp=clock.timestamp(), data=data or {"orderId": "ord_1"})
    queue(event)
    return event


def queue(event: Event) -> None:
    writes = webhooks.queue(event)
    if writes:
        db.commit(*writes)


def run(*, seconds: float = 20) -> dict[str, int]:
    """One run of the schedule; only what is not zero."""
    with injected(one_at_a_time):
        return {name: count for name, count in webhooks.deliver(seconds=seconds).items() if count}


def one_at_a_time(_: str, __: dict[str, Any], go_on: Callable[[], Any]) -> Any:
    """Hold the emulated table to what the real one does by itself: a condition and its write are one step."""
    with _table:
        return go_on()


@contextmanager
def later(**span: float) -> Iterator[None]:
    with clock.fixed(clock.now() + timedelta(**span)):
        yield


def log_of(root: Shop, webhook_id: str) -> list[dict[str, Any]]:
    return list(root("GET", f"/webhooks/{webhook_id}/deliveries?limit=100").body["deliveries"])


def stored(webhook_id: str) -> Webhook:
    found = webhook_store.get(webhook_id)
    assert found
    return found


def ids_in(box: Mailbox) -> list[str]:
    return [{name.lower(): value for name, value in headers.items()}["webhook-id"] for _, headers in box.came]


# --- What admins do with them


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


# --- Secrets


def test_a_repeated_registration_answers_with_the_same_endpoint_but_not_its_secret(root: Shop) -> None:
    body = {"url": URL, "events": ["*"]}

    first, again = (root("POST", "/webhooks", body, Idempotency_Key="k") for _ in range(2))

    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.body == {name: value for name, value in first.body.items() if name != "secret"}
    assert root("GET", "/webhooks").body["count"] == 1
    assert root("POST", "/webhooks", {**body, "description": "x"}, Idempotency_Key="k").status == 422
    assert where(first.body["secret"]) == {"SECRETS"}


def test_a_repeated_rotation_rotates_once(root: Shop) -> None:
    made = hook(root)
    path = f"/webhooks/{made['webhookId']}/secret"

    first, again = (root("POST", path, Idempotency_Key="k") for _ in range(2))

    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert (first.body["secret"] != made["secret"], "secret" in again.body) == (True, False)
    assert where(first.body["secret"]) == where(made["secret"]) == {"SECRETS"}


def where(secret: str) -> set[str]:
    """The sort keys of all items that hold a secret."""
    return {key.sk for key, item in table.everything().items() if secret in json.dumps(item)}


@pytest.mark.real_time  # the receiver's library has no other
def test_both_secrets_sign_for_a_day_after_a_rotation(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    path = f"/webhooks/{made['webhookId']}/secret"
    second = root("POST", path).body["secret"]

    happen()
    run()

    body, headers = box.came[0]
    assert len(next(v for name, v in headers.items() if name.lower() == "webhook-signature").split(" ")) == 2
    for secret in (made["secret"], second):
        Receiver(secret).verify(body, headers)
    with later(hours=25):
        happen()
        run()
    signatures = next(v for name, v in box.came[1][1].items() if name.lower() == "webhook-signature")
    assert len(signatures.split(" ")) == 1


def test_a_secret_is_replaced_only_so_often_a_day(root: Shop) -> None:
    path = f"/webhooks/{hook(root)['webhookId']}/secret"

    answers = [root("POST", path) for _ in range(5)]

    assert [answer.status for answer in answers] == [201] * 4 + [409]
    assert answers[-1].body["code"] == "too_many_secrets"
    with later(hours=25):
        assert root.login("root@example.com")("POST", path).status == 201


def test_two_rotations_at_once_both_count(root: Shop) -> None:
    made, meanwhile = hook(root), list[ShopAnswer]()
    path = f"/webhooks/{made['webhookId']}/secret"

    with injected(just_before(lambda: meanwhile.append(root("POST", path)))):
        last = root("POST", path)

    secrets = webhook_store.get_secrets(made["webhookId"])
    assert secrets
    assert secrets.signing == (last.body["secret"], meanwhile[0].body["secret"], made["secret"])


def just_before(act: Callable[[], Any], *, which: str = "transact_write_items") -> Fault:
    """Somebody acts just before the first write of the block."""
    pending = [act]

    def fault(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == which and pending:
            pending.pop()()
        return go_on()

    return fault


# --- Queueing


def test_an_event_is_queued_once_for_every_active_endpoint_that_wants_it(root: Shop) -> None:
    wanting = [hook(root, URL, "order.*"), hook(root, URL, "order.created.v1"), hook(root, URL)]
    hook(root, URL, "user.*")
    hook(root, URL, isActive=False)
    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={})

    for _ in range(2):
        queue(event)

    found = {key.pk.removeprefix("WEBHOOK#") for key in table.everything() if key.sk.startswith("DELIVERY#")}
    assert found == {each["webhookId"] for each in wanting}
    assert [len(log_of(root, each["webhookId"])) for each in wanting] == [1, 1, 1]


def test_the_endpoints_are_read_once_in_half_a_minute(root: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, now = list[str](), [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])

    def counted(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        queries.append(operation)
        return go_on()

    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={})
    with injected(counted):
        assert webhooks.queue(event) == webhooks.queue(event) == []
        assert queries == ["query"]
        hook(root)
        webhooks._endpoints._kept = (now[0], [])  # as another process has it
        assert webhooks.queue(event) == []
        now[0] += 31
        assert len(webhooks.queue(event)) == 1


def test_the_stream_has_nothing_to_do_with_endpoints_and_deliveries(shop: Shop, root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    happen()
    run()
    root("DELETE", f"/webhooks/{made['webhookId']}")

    assert deliver_stream(shop) == []


# --- Sending


@pytest.mark.real_time  # the receiver's library has no other
def test_an_event_reaches_its_receiver_signed_and_leaves_a_line_in_the_log(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    event = happen(orderId="ord_1", total=25)

    assert run() == {"delivered": 1}

    (body, headers), (entry,) = box.came[0], log_of(root, made["webhookId"])
    assert Receiver(made["secret"]).verify(body, headers) == json.loads(body)
    assert json.loads(body) == json.loads(msgspec.json.encode(event)) == entry["payload"]
    assert ids_in(box) == [event.id]
    assert (entry["state"], entry["eventType"], entry["nextAt"]) == ("delivered", "order.created.v1", None)
    (attempt,) = entry["attempts"]
    assert (attempt["status"], attempt["error"], attempt["milliseconds"] >= 0) == (200, None, True)
    assert run() == {}
    assert due_items() == []


def due_items() -> list[Any]:
    return [key for key, item in table.everything().items() if str(item.get("GSI2PK")).startswith("DUE#")]


def test_a_delivery_is_kept_for_thirty_days(root: Shop) -> None:
    made = hook(root)
    happen()

    (item,) = [item for key, item in table.everything().items() if key.sk.startswith("DELIVERY#")]
    assert item["webhookId"] == made["webhookId"]
    assert 30 * 86_400 - 60 < item["expiresAt"] - clock.epoch() <= 30 * 86_400


def test_a_failed_delivery_comes_again_on_schedule_with_the_same_id_and_body(root: Shop, box: Mailbox) -> None:
    box.refusals = [500] * 9
    made, event, begin = hook(root, box.url), happen(), clock.now()
    waited = timedelta()

    for number, minutes in enumerate((0, 1, 5, 30, 120, 300, 600, 840, 1200, 1440), 1):
        with clock.fixed(begin + waited + timedelta(minutes=minutes * 0.99)):
            assert run() == ({"retried": 1} if minutes == 0 else {})
        if minutes:
            waited += timedelta(minutes=minutes * 1.1, seconds=1)
            with clock.fixed(begin + waited):
                assert run() == ({"delivered": 1} if number == 10 else {"retried": 1})

    assert ids_in(box) == [event.id] * 10
    assert len({body for body, _ in box.came}) == 1
    (entry,) = log_of(root, made["webhookId"])
    assert [attempt["status"] for attempt in entry["attempts"]] == [500] * 9 + [200]
    assert stored(made["webhookId"]).failing_since is None


def test_after_ten_attempts_a_delivery_has_failed(root: Shop, box: Mailbox) -> None:
    box.refusals = [503] * 20
    made, outcomes = hook(root, box.url), list[dict[str, int]]()
    happen()

    while due := due_items():
        with clock.fixed(clock.parse(table.everything()[due[0]]["nextAt"])):
            outcomes.append(run())

    assert outcomes == [{"retried": 1}] * 9 + [{"failed": 1}]
    assert len(box.came) == 10
    assert log_of(root, made["webhookId"])[0]["state"] == "failed"
    assert stored(made["webhookId"]).is_active


def test_two_workers_at_once_send_once(root: Shop, box: Mailbox) -> None:
    hook(root, box.url)
    event, runs = happen(), list[dict[str, int]]()

    with injected(just_before(lambda: runs.append(webhooks.deliver(seconds=20)))):
        runs.append(webhooks.deliver(seconds=20))

    assert [(each["delivered"], each["taken"]) for each in runs] == [(1, 0), (0, 1)]
    assert ids_in(box) == [event.id]


def test_many_workers_at_once_send_every_delivery_once(root: Shop, box: Mailbox) -> None:
    box.delay = 0.02
    for _ in range(3):
        hook(root, box.url)
    events = [happen() for _ in range(4)]

    with injected(one_at_a_time), ThreadPoolExecutor() as workers:
        runs = list(workers.map(lambda _: webhooks.deliver(seconds=20), range(3)))

    assert sum(each["delivered"] for each in runs) == 12
    assert sorted(ids_in(box)) == sorted(event.id for event in events for _ in range(3))


def test_a_crash_after_sending_sends_again_after_the_lease_under_the_same_id(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, event = hook(root, box.url), happen()
    sent = sender.send

    def and_die(*arguments: Any, **named: Any) -> DeliveryAttempt:
        sent(*arguments, **named)
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(sender, "send", and_die)
        with pytest.raises(Crash):
            run()
    assert run() == {}
    busy = root(
        "POST", f"/webhooks/{made['webhookId']}/deliveries/{log_of(root, made['webhookId'])[0]['deliveryId']}/retry"
    )
    with later(minutes=2, seconds=1):
        again = run()

    assert (busy.status, busy.body["code"]) == (409, "delivery_in_progress")
    assert again == {"delivered": 1}
    assert ids_in(box) == [event.id] * 2


@pytest.mark.parametrize("number", range(1, 12))
def test_no_lost_answer_of_the_table_loses_a_delivery(root: Shop, box: Mailbox, number: int) -> None:
    made, event = hook(root, box.url), happen()

    with injected(lose_answer(number)):
        run()
    with later(minutes=3):
        run()

    assert set(ids_in(box)) == {event.id}
    assert [each["state"] for each in log_of(root, made["webhookId"])] == ["delivered"]


def test_an_endpoint_that_is_gone_is_switched_off_at_once(root: Shop, box: Mailbox) -> None:
    box.refusals = [410]
    made = hook(root, box.url)
    for _ in range(3):
        happen()

    assert run() == {"failed": 1, "cancelled": 2}

    shown = root("GET", f"/webhooks/{made['webhookId']}")
    assert (shown.body["status"], shown.body["isActive"], shown.body["disabledReason"]) == ("disabled", False, "gone")
    assert shown.body["disabledAt"]
    assert shown.headers["ETag"] != '"1"'
    assert len(box.came) == 1
    webhooks.forget()
    assert webhooks.queue(Event(id="evt_1", type="a.b.v1", timestamp=clock.timestamp(), data={})) == []
    assert root("PATCH", f"/webhooks/{made['webhookId']}", {"isActive": True}).body["disabledReason"] is None
    happen()
    assert run() == {"delivered": 1}


def test_an_endpoint_without_success_in_five_days_of_failures_is_switched_off(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.refusals = [500] * 10
    told: list[str] = []
    monkeypatch.setattr(log, "warning", lambda event, *_, **__: told.append(event))
    made, begin = hook(root, box.url), clock.now()

    for days in (0, 2, 4):
        with clock.fixed(begin + timedelta(days=days)):
            happen()
            run()
    assert stored(made["webhookId"]).is_active
    with clock.fixed(begin + timedelta(days=5, minutes=1)):
        happen()
        run()

    after = stored(made["webhookId"])
    assert (after.status, after.disabled_reason, told.count("WEBHOOK_SWITCHED_OFF")) == ("disabled", "failing", 1)
    with clock.fixed(begin + timedelta(days=7)):
        run()
    assert {each["state"] for each in log_of(root, made["webhookId"])} == {"cancelled"}
    assert due_items() == []


def test_a_success_in_between_keeps_an_endpoint_on(root: Shop, box: Mailbox) -> None:
    made, begin = hook(root, box.url), clock.now()

    for days, status in ((0, 500), (3, 200), (6, 500)):
        box.refusals = [status]
        with clock.fixed(begin + timedelta(days=days)):
            happen()
            run()

    after = stored(made["webhookId"])
    assert (after.is_active, after.failing_since) == (True, clock.timestamp(begin + timedelta(days=6)))


def test_a_failure_leaves_the_entity_tag_as_it_is(root: Shop, box: Mailbox) -> None:
    made, path = hook(root, box.url), "/webhooks"
    path = f"/webhooks/{made['webhookId']}"
    etag = root("GET", path).headers["ETag"]
    box.refusals = [500]

    happen()
    run()

    assert root("GET", path).body["failingSince"]
    assert root("GET", path).headers["ETag"] == etag


def test_a_redirect_is_not_followed(root: Shop, box: Mailbox) -> None:
    box.refusals = [302]
    made = hook(root, box.url)
    happen()

    assert run() == {"retried": 1}

    assert len(box.came) == 1
    assert log_of(root, made["webhookId"])[0]["attempts"][0]["status"] == 302


def test_an_endpoint_that_now_leads_inside_is_not_sent_to(root: Shop, box: Mailbox) -> None:
    """The guard judges at each send: the stage is no longer the local one."""
    made = hook(root, box.url)
    happen()
    with pytest.MonkeyPatch.context() as deployed:
        deployed.setenv("STAGE", "test")
        settings.current.cache_clear()
        assert run() == {"retried": 1}
    settings.current.cache_clear()

    assert box.came == []
    (attempt,) = log_of(root, made["webhookId"])[0]["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, "invalid_value")


def test_a_host_that_leads_inside_is_not_sent_to(root: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hook(root)
    happen()
    monkeypatch.setattr(sender, "resolve_host", lambda *_: ["169.254.169.254"])

    assert run() == {"retried": 1}

    assert log_of(root, made["webhookId"])[0]["attempts"][0]["error"] == "not_public"


def test_a_slow_endpoint_takes_only_its_share_of_the_time(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SECONDS", 2)
    monkeypatch.setattr(dispatch, "_THREADS", 1)
    with mailbox() as slow:
        slow.delay = 20
        hook(root, slow.url)
        hook(root, box.url)
        for _ in range(5):
            happen()
        done = run(seconds=10)

    assert (done["delivered"], len(box.came)) == (5, 5)
    assert 1 <= done["retried"] < 5


def test_a_backlog_is_sent_page_after_page_in_its_order(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 2)
    hook(root, box.url)
    events = [happen() for _ in range(5)]

    assert [run(), run()] == [{"delivered": 5}, {}]

    assert ids_in(box) == [event.id for event in events]


def test_a_backlog_that_the_time_does_not_do_for_waits_for_the_next_run(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock on which each delivery takes five seconds; of thirty, the last ten are kept for the last answer."""
    sent, now = sender.send, [1000.0]

    def slowly(*arguments: Any, **named: Any) -> DeliveryAttempt:
        now[0] += 5
        return sent(*arguments, **named)

    monkeypatch.setattr(dispatch, "_PAGE", 2)
    hook(root, box.url)
    events = [happen() for _ in range(7)]
    with monkeypatch.context() as slow:
        slow.setattr(clock, "monotonic", lambda: now[0])
        slow.setattr(sender, "send", slowly)
        first = run(seconds=30)

    assert (first, run()) == ({"delivered": 5}, {"delivered": 2})
    assert ids_in(box) == [event.id for event in events]


def test_a_page_that_nobody_can_read_holds_up_no_page_behind_it(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 1)
    made = hook(root, box.url)
    broken, fine = happen(), happen()
    (spoilt, _), _ = webhook_store.list_due(made["webhookId"], limit=2)
    db.commit(db.update(keys.webhook_delivery(made["webhookId"], spoilt.delivery_id), "SET payload = :n", {":n": 5}))

    assert run() == {"delivered": 1}
    assert (spoilt.event_id, ids_in(box)) == (broken.id, [fine.id])


def test_what_waits_for_a_paused_endpoint_is_cancelled_page_after_page_when_the_others_are_done(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 2)
    paused = hook(root, box.url)["webhookId"]
    hook(root, box.url)
    for _ in range(5):
        happen()
    root("PATCH", f"/webhooks/{paused}", {"isActive": False})
    worked: list[bool] = []
    work = dispatch._work
    monkeypatch.setattr(dispatch, "_work", lambda lane, *more: (worked.append(lane.sends), work(lane, *more))[1])
    monkeypatch.setattr(dispatch, "_THREADS", 1)

    assert run() == {"delivered": 5, "cancelled": 5}
    assert worked == [True, False]


def test_paused_endpoints_take_nothing_from_the_share_of_the_others(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = hook(root, box.url)["webhookId"]
    hook(root, box.url)
    happen()
    root("PATCH", f"/webhooks/{paused}", {"isActive": False})
    shares: list[float] = []
    monkeypatch.setattr(dispatch, "_work", lambda _lane, _until, share: (shares.append(share), Counter[str]())[1])
    monkeypatch.setattr(dispatch, "_THREADS", 1)

    run(seconds=30)

    assert shares == [30 - sender.SECONDS] * 2


def test_no_page_is_read_that_there_is_no_time_for(root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 1)
    hook(root, box.url)
    for _ in range(2):
        happen()
    late, pages = [0.0], []
    monotonic, send, due = clock.monotonic, sender.send, webhook_store.list_due

    def send_slowly(*arguments: Any, **named: Any) -> Any:
        late[0] = 1000
        return send(*arguments, **named)

    monkeypatch.setattr(sender, "send", send_slowly)
    monkeypatch.setattr(clock, "monotonic", lambda: monotonic() + late[0])
    monkeypatch.setattr(
        webhook_store, "list_due", lambda *each, **named: (pages.append(named.get("after")), due(*each, **named))[1]
    )

    run(seconds=30)

    assert pages == [None]


def test_a_clock_that_was_set_back_between_two_pages_finds_nothing_more(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    happen()

    assert webhook_store.list_due(made["webhookId"], limit=1, after="2999-01-01T00:00:00.000Z#") == ([], None)


def test_an_endpoint_that_is_switched_off_ends_its_lane_and_gets_what_waits_once_it_is_on_again(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 1)
    made = hook(root, box.url)
    for _ in range(3):
        happen()
    box.refusals.append(410)

    assert run() == {"failed": 1}

    root("PATCH", f"/webhooks/{made['webhookId']}", {"isActive": True})
    happen()
    assert run() == {"delivered": 3}


def test_an_endpoint_that_is_deleted_in_the_middle_of_a_run_is_sent_at_most_the_page_begun(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_PAGE", 1)
    made = hook(root, box.url)
    for _ in range(4):
        happen()
    send = sender.send

    def send_and_delete(*arguments: Any, **named: Any) -> Any:
        if not box.came:
            assert root("DELETE", f"/webhooks/{made['webhookId']}").status == 204
        return send(*arguments, **named)

    monkeypatch.setattr(sender, "send", send_and_delete)

    assert run() == {"delivered": 1, "cancelled": 3}
    assert len(box.came) == 1


def test_what_goes_wrong_with_one_endpoint_does_not_stop_the_others(root: Shop, box: Mailbox) -> None:
    broken, _ = hook(root, box.url), hook(root, box.url)
    key = keys.webhook_secrets(broken["webhookId"])
    db.commit(db.put(key, {"secrets": "none", "version": 1}))
    happen()

    assert run() == {"delivered": 1, "broken": 1}


def test_a_paused_or_deleted_endpoint_is_sent_nothing_and_what_waited_is_cancelled(root: Shop, box: Mailbox) -> None:
    paused, deleted = (hook(root, box.url)["webhookId"] for _ in range(2))
    happen()
    root("PATCH", f"/webhooks/{paused}", {"isActive": False})
    root("DELETE", f"/webhooks/{deleted}")

    assert run() == {"cancelled": 2}

    assert box.came == []
    states = {item["state"] for key, item in table.everything().items() if key.sk.startswith("DELIVERY#")}
    assert (states, due_items()) == ({"cancelled"}, [])
    assert log_of(root, paused)[0]["state"] == "cancelled"


def test_a_deleted_endpoint_is_looked_after_for_two_days(root: Shop) -> None:
    made = hook(root)
    root("DELETE", f"/webhooks/{made['webhookId']}")

    def noted() -> bool:
        return keys.webhook(made["webhookId"], is_deleted=True) in table.everything()

    run()
    assert noted()
    with later(days=2, minutes=1):
        run()
    assert not noted()
    assert {key.sk for key in table.everything() if key.pk.startswith("WEBHOOK")} == {"COUNT"}


def test_an_endpoint_that_is_deleted_while_it_is_sent_to_stays_deleted(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, sent = hook(root, box.url), sender.send
    happen()

    def meanwhile(*arguments: Any, **named: Any) -> DeliveryAttempt:
        root("DELETE", f"/webhooks/{made['webhookId']}")
        return sent(*arguments, **named)

    box.refusals = [500]
    monkeypatch.setattr(sender, "send", meanwhile)
    assert run() == {"retried": 1}

    assert root("GET", f"/webhooks/{made['webhookId']}").status == 404
    with later(minutes=2):
        assert run() == {"cancelled": 1}


# --- The log, tests and retries


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

    assert dispatch._LEASE.total_seconds() > config["lambda_functions"]["deliver_webhooks"]["lambda_timeout"]
