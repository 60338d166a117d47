"""Where an order can be brought from where, by whom, over the app's routes (rules O1, O2, O4)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.core import clock
from chalicelib.orders.states import OrderStatus
from tests.support.schedule import swept_after
from tools.testing.shop import Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

SHIPPED, DELIVERED, COMPLETED = (["shipped", "delivered", "completed"][:n] for n in (1, 2, 3))
# Each status with its payment, the token that leads there, and the steps that an admin takes from there.
STANDING: dict[str, tuple[str, list[str]]] = {
    "pending": ("tok_timeout_before", []),
    "processing": ("tok_success", []),
    "shipped": ("tok_success", SHIPPED),
    "delivered": ("tok_success", DELIVERED),
    "completed": ("tok_success", COMPLETED),
    "cancelled": ("tok_success", ["cancelled"]),
    "expired": ("tok_requires_action", []),
}
NEXT = {
    "processing": ["shipped", "cancelled"],
    "shipped": ["delivered"],
    "delivered": ["completed"],
    "completed": [],
    "cancelled": [],
    "expired": [],
}


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin("boss@example.com")


@pytest.fixture
def brought(ada: Shop, admin: Shop, mug: str) -> Callable[[str], str]:
    """An order of two mugs that stands in a status; gives its path."""

    def to(status: str) -> str:
        token, steps = STANDING[status]
        path = f"/orders/{ada.order((mug, 2), token=token).body['orderId']}"
        for step in steps:
            assert move(admin, path, step).status == 200
        if status == "expired":
            swept_after(16)
        assert ada("GET", path).body["status"] == status
        return path

    return to


def move(admin: Shop, path: str, status: str, **more: str) -> ShopAnswer:
    return admin("PUT", f"{path}/status", {"status": status, **more})


def told(answer: ShopAnswer) -> dict[str, Any]:
    """The order in an answer, without what only cancelling tells of."""
    return {name: value for name, value in answer.body.items() if name != "refund"}


@pytest.mark.parametrize(("current", "requested"), list(itertools.product(STANDING, OrderStatus)))
def test_an_admin_brings_an_order_only_where_the_rules_let_it(
    admin: Shop, brought: Callable[[str], str], current: str, requested: OrderStatus
) -> None:
    path = brought(current)
    before = admin("GET", path)

    answer = move(admin, path, requested)

    after = admin("GET", path)
    if requested == current:
        assert (answer.status, told(answer), after.text) == (200, before.body, before.text)
    elif current == "pending" and requested in ("processing", "cancelled"):
        assert (answer.status, answer.body["code"]) == (409, "payment_outcome_unknown")
        assert after.text == before.text
    elif requested in NEXT.get(current, []):
        assert (answer.status, told(answer)) == (200, after.body)
        assert after.body["status"] == requested
        assert [entry["status"] for entry in after.body["timeline"]][-2:] == [current, requested]
    else:
        assert (answer.status, answer.body["code"]) == (409, "invalid_transition")
        open_ways = NEXT.get(current, ["processing", "cancelled"])
        assert [answer.body[name] for name in ("current", "requested", "allowed")] == [current, requested, open_ways]
        assert after.text == before.text


@pytest.mark.parametrize("current", STANDING)
def test_a_buyer_may_cancel_what_is_not_sent_and_nothing_else(
    shop: Shop, ada: Shop, brought: Callable[[str], str], current: str, mug: str
) -> None:
    path = brought(current)
    before, left = ada("GET", path), shop.stock(mug)

    forbidden = move(ada, path, "cancelled")
    answer = ada("PUT", f"{path}/cancel")

    assert forbidden.status == 403
    after = ada("GET", path)
    if current == "processing":
        assert (answer.status, answer.body["status"], answer.body["paymentStatus"]) == (200, "cancelled", "refunded")
        assert shop.stock(mug) == left + 2
        return
    assert after.text == before.text
    assert shop.stock(mug) == left
    if current == "cancelled":
        assert (answer.status, told(answer)) == (200, before.body)
    elif current == "pending":
        assert (answer.status, answer.body["code"]) == (409, "payment_outcome_unknown")
    else:
        assert (answer.status, answer.body["code"]) == (409, "invalid_transition")
        assert (answer.body["current"], answer.body["requested"], answer.body["allowed"]) == (current, "cancelled", [])


@pytest.mark.parametrize("status", [status for status in STANDING if status not in ("pending", "expired")])
def test_a_repeat_changes_nothing_and_adds_no_line(admin: Shop, brought: Callable[[str], str], status: str) -> None:
    path = brought(status)
    first = admin("GET", path)

    again = [move(admin, path, status, reason="again") for _ in range(2)]

    assert [(answer.status, told(answer)) for answer in again] == [(200, first.body)] * 2


def test_the_timeline_says_who_when_and_why(ada: Shop, admin: Shop, brought: Callable[[str], str]) -> None:
    path = brought("processing")

    move(admin, path, "shipped", reason="parcel 42")
    move(admin, path, "delivered")

    *_, shipped, delivered = ada("GET", path).body["timeline"]
    assert (shipped["status"], shipped["reason"], delivered.get("reason")) == ("shipped", "parcel 42", None)
    assert shipped["actor"] == delivered["actor"] == admin("GET", "/auth/me").body["userId"]
    assert ada("GET", path).body["fulfillmentStatus"] == "fulfilled"


def test_an_order_that_waits_for_its_buyer_is_let_go_by_cancelling(
    shop: Shop, ada: Shop, admin: Shop, mug: str
) -> None:
    orders = [ada.order((mug, 2), token="tok_requires_action").body["orderId"] for _ in range(2)]

    by_buyer = ada("PUT", f"/orders/{orders[0]}/cancel").body
    by_admin = move(admin, f"/orders/{orders[1]}", "cancelled", reason="a fake").body

    assert [(o["status"], o["paymentStatus"]) for o in (by_buyer, by_admin)] == [("cancelled", "voided")] * 2
    assert by_admin["timeline"][-1]["reason"] == "a fake"
    assert shop.stock(mug) == 10


@pytest.mark.parametrize("body", [{"status": "lost"}, {}, {"status": "shipped", "by": "me"}, {"status": None}])
def test_a_status_that_is_none_is_refused(admin: Shop, brought: Callable[[str], str], body: dict[str, str]) -> None:
    answer = admin("PUT", f"{brought('processing')}/status", body)

    assert (answer.status, answer.body["code"]) == (400, "validation_failed")


def test_nobody_elses_order_is_moved_or_found(shop: Shop, admin: Shop, brought: Callable[[str], str]) -> None:
    bob, path = shop.customer("bob@example.com"), brought("processing")

    assert bob("PUT", f"{path}/cancel").body["code"] == "order_not_found"
    assert move(bob, path, "shipped").status == 403
    assert move(admin, "/orders/ord_none", "shipped").body["code"] == "order_not_found"


def test_orders_are_listed_by_time_and_status_up_to_but_not_with_the_end(ada: Shop, admin: Shop, mug: str) -> None:
    noon = clock.from_epoch(1_800_000_000)
    placed = []
    for seconds in (0, 0.5, 60, 86_400):
        with clock.fixed(
            clock.from_epoch(1_800_000_000 + int(seconds)).replace(microsecond=500_000 * (seconds == 0.5))
        ):
            assert noon
            fresh = ada.login()
            placed.append(fresh.order((mug, 1)).body["orderId"])
    fresh, boss = ada.login(), admin

    def listed(who: Shop, query: str) -> list[str]:
        return [order["orderId"] for order in who("GET", f"/orders?{query}").body["orders"]]

    first, half, minute, day = placed
    for who in (fresh, boss):
        assert listed(who, "since=2027-01-15T08:00:00Z") == [day, minute, half, first]
        assert listed(who, "since=2027-01-15T08:00:00.001Z") == [day, minute, half]
        assert listed(who, "until=2027-01-15T08:00:00Z") == []
        assert listed(who, "until=2027-01-15T08:00:00.5Z") == [first]
        assert listed(who, "since=2027-01-15T08:00Z&until=2027-01-15T08:01Z") == [half, first]
        assert listed(who, "since=2027-01-16") == [day]
        assert listed(who, "until=2027-01-15") == [minute, half, first]
        assert listed(who, "until=2027-01-16") == [day, minute, half, first]
        assert listed(who, "since=2027-01-16&until=2027-01-15") == []
        assert listed(who, "status=processing&since=2027-01-15T08:01:00Z&until=2027-01-15") == [minute]
        assert listed(who, "status=cancelled") == []
        assert listed(who, "since=2027-01-15T13:30:00.001+05:30") == [day, minute, half]
        assert listed(who, "since=2027-01-15T13:30:00.001%2B05:30") == [day, minute, half]
        assert listed(who, "until=2027-01-15T05:00:00.001-03:00") == [first]
        for wrong in (
            "since=2027-01-15T08:00:00",
            "since=2027-01-15T08:00:00-05:99",
            "since=0001-01-01T00:00:00-14:00",
            "since=yesterday",
            "until=2027-13-01",
            "since=2027-02-30",
            "status=lost",
            "since=",
        ):
            assert who("GET", f"/orders?{wrong}").body["code"] == "validation_failed", wrong
