"""Many endpoints at once: each has its share of the time, and none stops the others."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from chalicelib.webhooks import dispatch, sender
from chalicelib.webhooks import store as webhook_store
from chalicelib.webhooks.models import DeliveryAttempt
from tests.support import table
from tests.support.lines import values
from tests.support.payments import Mailbox, mailbox
from tests.support.webhooks import due_items, happen, hook, ids_in, later, log_of, run
from tools.testing.shop import Shop


def test_a_slow_endpoint_takes_only_its_share_of_the_time(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SECONDS", 2)
    with mailbox() as slow:
        slow.delay = 20
        hook(root, slow.url)
        hook(root, box.url)
        for _ in range(5):
            happen()
        done = run(seconds=10, threads=1)

    assert (done["delivered"], len(box.came)) == (5, 5)
    assert 1 <= done["retried"] < 5


def test_a_backlog_is_sent_page_after_page_in_its_order(root: Shop, box: Mailbox) -> None:
    hook(root, box.url)
    events = [happen() for _ in range(5)]

    assert [run(page_size=2), run(page_size=2)] == [{"delivered": 5}, {}]

    assert ids_in(box) == [event.id for event in events]


def test_a_backlog_that_the_time_does_not_do_for_waits_for_the_next_run(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock on which each delivery takes five seconds; of thirty, the last ten are kept for the last answer."""
    sent, now = sender.send, [1000.0]

    def slowly(*arguments: Any, **named: Any) -> DeliveryAttempt:
        now[0] += 5
        return sent(*arguments, **named)

    hook(root, box.url)
    events = [happen() for _ in range(7)]
    with monkeypatch.context() as slow:
        slow.setattr(clock, "monotonic", lambda: now[0])
        slow.setattr(sender, "send", slowly)
        first = run(seconds=30, page_size=2)

    assert (first, run(page_size=2)) == ({"delivered": 5}, {"delivered": 2})
    assert ids_in(box) == [event.id for event in events]


def test_a_page_that_nobody_can_read_holds_up_no_page_behind_it(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    broken, fine = happen(), happen()
    (spoilt, _), _ = webhook_store.list_due(made["webhookId"], limit=2)
    db.commit(db.update(keys.webhook_delivery(made["webhookId"], spoilt.delivery_id), "SET payload = :n", {":n": 5}))

    assert run(page_size=1) == {"delivered": 1}
    assert (spoilt.event_id, ids_in(box)) == (broken.id, [fine.id])


def test_what_waits_for_a_paused_endpoint_is_cancelled_page_after_page_when_the_others_are_done(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = hook(root, box.url)["webhookId"]
    hook(root, box.url)
    for _ in range(5):
        happen()
    root("PATCH", f"/webhooks/{paused}", {"isActive": False})
    came_to: list[str] = []
    update = webhook_store.update_delivery
    monkeypatch.setattr(
        webhook_store,
        "update_delivery",
        lambda before, after: (came_to.append(after.state.value), update(before, after))[1],
    )

    assert run(threads=1, page_size=2) == {"delivered": 5, "cancelled": 5}
    assert came_to == ["pending", "delivered"] * 5 + ["cancelled"] * 5


def test_paused_endpoints_take_nothing_from_the_share_of_the_others(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = hook(root, box.url)["webhookId"]
    hook(root, box.url)
    happen()
    root("PATCH", f"/webhooks/{paused}", {"isActive": False})
    shares: list[float] = []
    share_of_time = dispatch.share_of_time
    monkeypatch.setattr(dispatch, "share_of_time", lambda *named: shares.append(share_of_time(*named)) or shares[-1])

    run(seconds=30, threads=1)

    assert shares == [30 - sender.SECONDS]


def test_no_page_is_read_that_there_is_no_time_for(root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
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

    run(seconds=30, page_size=1)

    assert pages == [None]


def test_a_clock_that_was_set_back_between_two_pages_finds_nothing_more(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    happen()

    assert webhook_store.list_due(made["webhookId"], limit=1, after="2999-01-01T00:00:00.000Z#") == ([], None)


def test_an_endpoint_that_is_switched_off_ends_its_lane_and_gets_what_waits_once_it_is_on_again(
    root: Shop, box: Mailbox
) -> None:
    made = hook(root, box.url)
    for _ in range(3):
        happen()
    box.refusals.append(410)

    assert run(page_size=1) == {"failed": 1}

    root("PATCH", f"/webhooks/{made['webhookId']}", {"isActive": True})
    happen()
    assert run(page_size=1) == {"delivered": 3}


def test_an_endpoint_that_is_deleted_in_the_middle_of_a_run_is_sent_at_most_the_page_begun(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hook(root, box.url)
    for _ in range(4):
        happen()
    send = sender.send

    def send_and_delete(*arguments: Any, **named: Any) -> Any:
        if not box.came:
            assert root("DELETE", f"/webhooks/{made['webhookId']}").status == 204
        return send(*arguments, **named)

    monkeypatch.setattr(sender, "send", send_and_delete)

    assert run(page_size=1) == {"delivered": 1, "cancelled": 3}
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


def test_endpoints_that_are_behind_are_told_with_the_age_of_the_oldest_delivery(
    root: Shop, box: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    hook(root, box.url)
    run()
    happen()
    with later(minutes=4):
        happen()
        run(page_size=1, seconds=0)
    soon = capsys.readouterr().out
    happen()
    with later(minutes=6):
        run()
        late = capsys.readouterr().out
        run()

    assert values(soon, "WebhooksBehind") == [0, 0]
    assert [round(age) for age in values(soon, "WebhooksBehindAge")] == [0, 240]
    assert values(late, "WebhooksBehind") == [1]
    assert [round(age) for age in values(late, "WebhooksBehindAge")] == [360]
    assert values(capsys.readouterr().out, "WebhooksBehind") == [0]


def test_an_endpoint_whose_deliveries_cannot_be_read_is_behind(
    root: Shop, box: Mailbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise Unavailable("The table does not answer.")

    hook(root, box.url)
    monkeypatch.setattr(webhook_store, "list_due", silent)

    run()

    assert values(capsys.readouterr().out, "WebhooksBehind") == [1]
