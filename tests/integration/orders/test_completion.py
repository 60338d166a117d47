"""Delivered orders complete by themselves after some days (F6)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.orders import completion, sweep
from tests.support import faults
from tests.support.stage import with_settings
from tests.support.stream import deliver, told
from tools.testing.shop import Shop

pytestmark = pytest.mark.fault("F6")

Delivered = Callable[..., str]


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin("boss@example.com")


@pytest.fixture
def delivered(ada: Shop, admin: Shop, mug: str) -> Delivered:
    """An order that is delivered so many hours from now; gives its path."""

    def make(*, hours: int = 0) -> str:
        path = f"/orders/{ada.order((mug, 1)).body['orderId']}"
        with clock.fixed(clock.now() + timedelta(hours=hours)):
            for status in ("shipped", "delivered"):
                admin("PUT", f"{path}/status", {"status": status}).expect(200)
        return path

    return make


def swept(**later: float) -> dict[str, int]:
    with clock.fixed(clock.now() + timedelta(**later)):
        return sweep.run(seconds=40)


def test_an_order_completes_fourteen_days_after_its_delivery_like_at_an_admins_word(
    shop: Shop, ada: Shop, delivered: Delivered
) -> None:
    path = delivered()

    assert [swept(days=days)["completed"] for days in (13.9, 14.1, 14.2)] == [0, 1, 0]
    deliver(shop)

    order = ada("GET", path).body
    assert order["status"] == "completed"
    assert (order["timeline"][-1]["status"], order["timeline"][-1]["actor"]) == ("completed", "system")
    assert [event["type"] for event in told()].count("order.completed.v1") == 1


def test_the_days_count_from_the_delivery_and_not_from_the_order(delivered: Delivered) -> None:
    delivered(hours=20)

    assert [swept(days=14, hours=hours)["completed"] for hours in (12, 22)] == [0, 1]


def test_a_stage_says_after_how_many_days(delivered: Delivered, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered()

    with with_settings(monkeypatch, COMPLETE_AFTER_DAYS="3"):
        assert [swept(days=days)["completed"] for days in (2.9, 3.1)] == [0, 1]


def test_orders_are_gone_through_a_page_a_run_and_from_the_beginning_again(
    delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "_PAGE_SIZE", 2)
    for _ in range(5):
        delivered()

    first_round = [swept(days=15)["completed"] for _ in range(3)]
    delivered()
    second_round = [swept(days=30)["completed"] for _ in range(2)]

    assert (first_round, sum(second_round)) == ([2, 2, 1], 1)


def test_a_run_that_dies_is_made_up_for(delivered: Delivered, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        delivered()
    number, died = 1, True
    while died:
        died = False
        try:
            with faults.injected(faults.crash(number, after=True)):
                swept(days=15)
        except faults.Crash:
            died, number = True, number + 1

    assert number > 4
    assert swept(days=15)["completed"] == 0  # all are complete


def test_an_order_that_an_admin_completes_at_the_same_moment_is_completed_once(
    admin: Shop, ada: Shop, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "_before", lambda: clock.ago(timedelta(hours=-1)))
    for number in itertools.count(1):
        path, answers = delivered(), []

        def complete(path: str = path, answers: list[int] = answers) -> None:
            answers.append(admin("PUT", f"{path}/status", {"status": "completed"}).status)

        with faults.injected(faults.interleave(number, complete)):
            swept(seconds=1)
        timeline = ada("GET", path).body["timeline"]
        assert [entry["status"] for entry in timeline].count("completed") == 1
        if not answers:
            break
        assert answers == [200]
    assert number > 5


def test_delivered_orders_that_cannot_be_read_hold_up_no_payment(ada: Shop, delivered: Delivered, mug: str) -> None:
    path = delivered()
    user, order = ada("GET", path).body["userId"], path.rpartition("/")[2]
    db.commit(db.update(keys.order(user, order), "REMOVE currency", {}))
    waiting = ada.order((mug, 1), token="tok_timeout").body["orderId"]

    done = swept(days=15)

    assert (done["settled"], done["completed"], done["failed"]) == (1, 0, 1)
    assert ada("GET", f"/orders/{waiting}").body["paymentStatus"] == "paid"
