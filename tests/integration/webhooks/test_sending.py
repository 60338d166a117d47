"""One endpoint is sent what is due: signed, again on schedule, and given up at last."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook as Receiver

from chalicelib.aws import db, keys
from chalicelib.core import clock, log, settings
from chalicelib.core.events import Event
from chalicelib.webhooks import sender
from chalicelib.webhooks import service as webhooks
from chalicelib.webhooks.models import DeliveryAttempt
from tests.support import table
from tests.support.faults import Crash, injected, lose_answer
from tests.support.payments import Mailbox
from tests.support.webhooks import due_items, happen, hook, ids_in, just_before, later, log_of, run, stored
from tools import jobs, stage
from tools.testing.shop import Shop


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

    with injected(just_before(lambda: runs.append(webhooks.deliver(seconds=600)))):
        runs.append(webhooks.deliver(seconds=600))

    assert [(each["delivered"], each["taken"]) for each in runs] == [(1, 0), (0, 1)]
    assert ids_in(box) == [event.id]


def test_many_workers_at_once_send_every_delivery_once(root: Shop, box: Mailbox) -> None:
    box.delay = 0.02
    for _ in range(3):
        hook(root, box.url)
    events = [happen() for _ in range(4)]

    with ThreadPoolExecutor() as workers:
        runs = list(workers.map(lambda _: webhooks.deliver(seconds=600), range(3)))

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


@pytest.mark.fault("F24")
def test_a_run_by_hand_in_which_a_receiver_is_gone_has_done_its_work(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stage, "enter", lambda **_: None)
    box.refusals = [410]
    hook(root, box.url)
    happen()
    capsys.readouterr()

    assert jobs.main(["deliver_webhooks"]) == 0

    assert json.loads(capsys.readouterr().out)["failed"] == 1


@pytest.mark.fault("F24")
def test_a_run_by_hand_that_could_not_read_an_endpoint_has_not(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "enter", lambda **_: None)
    db.commit(db.put(keys.webhook_secrets(hook(root, box.url)["webhookId"]), {"secrets": "none", "version": 1}))
    happen()

    assert jobs.main(["deliver_webhooks"]) == 1


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
