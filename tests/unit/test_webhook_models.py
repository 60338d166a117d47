"""Endpoints and deliveries as values: what is wanted, when it comes again, when it is given up."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from chalicelib.core import clock, ids
from chalicelib.core.events import EVENT_TYPES, PUBLISHED, Event, type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from chalicelib.webhooks.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DisabledReason,
    Webhook,
    WebhookStatus,
    unmatched,
)
from chalicelib.webhooks.schemas import NewWebhook, WebhookChange

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
URL = "https://hooks.example.com/shop"


# Says which of msgspec's own functions, those that learn a shape, run when a delivery and secrets are read.
LEARNING = """
import sys, msgspec
from chalicelib.webhooks import store
from chalicelib.webhooks.models import Delivery
from chalicelib.webhooks.signatures import Secrets
store.prepare()
called = []
sys.setprofile(lambda frame, *_: called.append(frame.f_code.co_name) if "msgspec" in frame.f_code.co_filename else None)
ids = dict.fromkeys(("deliveryId", "webhookId", "eventId", "eventType", "payload", "createdAt"), "x")
msgspec.convert({**ids, "expiresAt": 1, "attempts": [{"at": "x", "milliseconds": 1}]}, Delivery)
msgspec.convert({"secrets": [{"value": "x"}], "version": 1}, Secrets)
sys.setprofile(None)
print(called)
"""


def test_threads_learn_no_shape_at_the_same_time() -> None:
    """Two that do crash the process; a fresh one here, because shapes are learnt once."""
    ran = subprocess.run([sys.executable, "-c", LEARNING], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def webhook(*events: str, **more: object) -> Webhook:
    made = Webhook.create(NewWebhook(url=URL, events=events or ("*",)))
    return msgspec.structs.replace(made, **more)


@clock.fixed(NOW)
@pytest.mark.parametrize(
    ("events", "event_type", "wanted"),
    [
        (("*",), "order.created.v1", True),
        (("order.*",), "order.created.v1", True),
        (("order.created.*",), "order.created.v1", True),
        (("order.created.v1",), "order.created.v1", True),
        (("user.*", "order.created.v1"), "order.created.v1", True),
        (("order.created.v1",), "order.created.v10", False),
        (("order.created",), "order.created.v1", False),
        (("order.*",), "orders.created.v1", False),
        (("order.*",), "order", False),
        (("user.*", "product.*"), "order.created.v1", False),
    ],
)
def test_an_endpoint_hears_what_its_filters_match(events: tuple[str, ...], event_type: str, *, wanted: bool) -> None:
    assert webhook(*events).wants(event_type) is wanted


@pytest.mark.parametrize("events", [("*",), ("order.*",), ("order.created.*",), ("stock.low.v1", "cart.expired.v1")])
def test_what_matches_a_type_that_is_told_is_a_filter(events: tuple[str, ...]) -> None:
    assert unmatched(events) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "nope.created.v1", "order.created.v2", "order", "order.created", "o.*", "ord.*", "order.created.v1.*",
        "stock.changed.v1", "webhook.*", "webhook.test.v1",
    ],
)  # fmt: skip
def test_what_matches_no_type_that_is_told_is_no_filter(pattern: str) -> None:
    assert unmatched(("order.*", pattern)) == [1]


def test_the_types_to_choose_from_are_those_that_are_told() -> None:
    assert tuple(EVENT_SCHEMAS) == PUBLISHED
    assert tuple(type_of(kind) for kind in PUBLISHED) == EVENT_TYPES


@clock.fixed(NOW)
def test_a_change_that_changes_nothing_is_none() -> None:
    before = webhook("order.*")

    assert before.changed(WebhookChange()) is before
    assert before.changed(WebhookChange(url=URL, events=("order.*", "order.*"), is_active=True)) is before


@clock.fixed(NOW)
def test_switching_on_or_another_url_is_a_fresh_start() -> None:
    failing = webhook(failing_since=clock.timestamp())
    off = failing.disabled_by_shop(DisabledReason.FAILING)

    on = off.changed(WebhookChange(is_active=True))

    assert off.status is WebhookStatus.DISABLED
    assert (on.status, on.disabled_at, on.disabled_reason, on.failing_since) == (WebhookStatus.ACTIVE, None, None, None)
    assert off.changed(WebhookChange(is_active=False)) is off
    assert failing.changed(WebhookChange(url=f"{URL}/2")).failing_since is None
    assert failing.changed(WebhookChange(description="Stock")).failing_since == failing.failing_since


def test_an_endpoint_is_given_up_when_it_says_gone_or_after_five_days_of_failures() -> None:
    def attempt(status: int | None) -> DeliveryAttempt:
        return DeliveryAttempt(at=clock.timestamp(), status=status, milliseconds=1)

    with clock.fixed(NOW):
        patient = webhook(failing_since=clock.timestamp(NOW - timedelta(days=4, hours=23)))
        tired = webhook(failing_since=clock.timestamp(NOW - timedelta(days=5)))
        assert webhook().verdict(attempt(410)) is DisabledReason.GONE
        assert [each.verdict(attempt(500)) for each in (webhook(), patient, tired)] == [
            None, None, DisabledReason.FAILING,
        ]  # fmt: skip


def delivery() -> Delivery:
    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={"orderId": "ord_1"})
    return Delivery.create(event, webhook())


@clock.fixed(NOW)
def test_the_same_event_and_endpoint_make_the_same_delivery() -> None:
    target, other = webhook(), webhook()
    event = Event(id="evt_1", type="order.created.v1", timestamp="2026-11-21T09:30:00.000Z", data={})

    made = [Delivery.create(event, each).delivery_id for each in (target, target, other)]

    assert made[0] == made[1] != made[2]
    assert all(ids.is_valid("dlv", each) for each in made)
    assert made[0][:14] == ids.new("dlv")[:14]  # ordered by the time of the event


def test_a_delivery_that_keeps_failing_is_tried_ten_times_over_three_days() -> None:
    minutes = []
    with clock.fixed(NOW):
        tried = delivery()
        for _ in range(9):
            tried = tried.attempted(DeliveryAttempt(at=clock.timestamp(), status=500, milliseconds=1))
            assert tried.state is DeliveryState.PENDING
            minutes.append((clock.parse(str(tried.next_at)) - NOW) / timedelta(minutes=1))
        given_up = tried.attempted(DeliveryAttempt(at=clock.timestamp(), error="timeout", milliseconds=1))

    for waited, base in zip(minutes, (1, 5, 30, 120, 300, 600, 840, 1200, 1440), strict=True):
        assert base - 0.001 <= waited <= base * 1.1
    assert (given_up.state, given_up.next_at, len(given_up.attempts)) == (DeliveryState.FAILED, None, 10)


def test_what_failed_together_does_not_come_back_together() -> None:
    with clock.fixed(NOW):
        failed = DeliveryAttempt(at=clock.timestamp(), status=500, milliseconds=1)
        assert len({delivery().attempted(failed).next_at for _ in range(20)}) > 10


@clock.fixed(NOW)
@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "pending"), (400, "pending"), (410, "failed")],
)
def test_only_a_status_of_success_is_a_delivery(status: int, state: str) -> None:
    assert delivery().attempted(DeliveryAttempt(at=clock.timestamp(), status=status, milliseconds=1)).state == state
