"""Who left a cart behind is reminded of it once, a day later, whatever becomes of the schedule (E4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.cart import abandoned
from chalicelib.core import clock
from tests.support import faults, table
from tests.support.emulator import emulated, saved
from tools.testing.shop import Shop

TOUCHED = datetime(2026, 11, 20, 13, 40, tzinfo=UTC)
DUE = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
HOUR = "2026-11-20T13"


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with clock.fixed(moment):
        yield


def user_of(shop: Shop) -> str:
    return str(shop("GET", "/users/profile").body["userId"])


def cart_of(user_id: str) -> dict[str, Any]:
    return db.get(keys.user_cart(user_id), consistent=True) or {}


def verified(shop: Shop) -> str:
    """The user behind the shop, who has confirmed their address."""
    user_id = user_of(shop)
    db.commit(db.update(keys.user(user_id), "SET emailVerified = :yes", {":yes": True}))
    return user_id


def hear(user_id: str, before: str | None = None) -> None:
    """What follows from a touch of the cart."""
    abandoned.record_touch(user_id, updated_at=cart_of(user_id)["updatedAt"], before=before)


def left_by(shop: Shop, mug: str) -> str:
    """The user, who has put a mug into the cart and was heard."""
    user_id = verified(shop)
    assert shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).status == 201
    hear(user_id)
    return user_id


def remind(moment: datetime = DUE, *, actually: datetime | None = None, **more: int) -> dict[str, int]:
    """A run for that instant, which may happen later."""
    with at(actually or moment):
        return abandoned.remind(at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"), seconds=60, **more)


@pytest.fixture(autouse=True)
def _then(aws: None) -> Iterator[None]:
    """The hour of the cart, the ones before it done with; nobody listens to the stream."""
    with at(TOUCHED):
        db.commit(db.put(keys.job("carts"), {"lastHour": "2026-11-20T11"}))
        emulated().stream_shard = None
        yield


@pytest.fixture
def left(ada: Shop, mug: str) -> str:
    return left_by(ada, mug)


def test_a_cart_that_was_left_a_day_ago_is_marked_and_not_touched(left: str) -> None:
    before = cart_of(left)

    done = remind()

    assert done["reminded"] == 1
    assert cart_of(left) == {**before, "remindedAt": clock.timestamp(DUE)}


def test_nobody_is_reminded_before_the_hour_has_been_over_for_a_day(left: str) -> None:
    assert remind(DUE - timedelta(minutes=11))["reminded"] == 0
    assert remind()["reminded"] == 1


def test_two_runs_and_one_five_hours_late_have_one_effect(left: str) -> None:
    runs = [remind(), remind(), remind(actually=DUE + timedelta(hours=5)), remind(DUE + timedelta(hours=5))]

    assert [run["reminded"] for run in runs] == [1, 0, 0, 0]
    assert cart_of(left)["remindedAt"] == clock.timestamp(DUE)


def test_a_run_that_comes_late_by_itself_reminds(left: str) -> None:
    assert remind(actually=DUE + timedelta(hours=5))["reminded"] == 1


def test_hours_that_no_run_looked_at_are_caught_up_with_for_a_week(left: str) -> None:
    remind(DUE - timedelta(hours=3))

    assert remind(DUE + timedelta(days=6))["reminded"] == 1


def test_what_is_older_than_a_week_is_let_go_also_by_a_first_run(left: str) -> None:
    db.commit(db.delete(keys.job("carts")))

    assert remind(DUE + timedelta(days=7))["reminded"] == 0


def test_a_cart_that_was_touched_since_waits_for_its_own_hour(ada: Shop, left: str) -> None:
    item = ada("GET", "/cart").body["items"][0]["itemId"]
    with at(TOUCHED + timedelta(hours=3)):
        ada("PUT", f"/cart/items/{item}", {"quantity": 2})
    hear(left, clock.timestamp(TOUCHED))

    assert [remind(DUE + timedelta(hours=hours))["reminded"] for hours in (0, 3)] == [0, 1]


def test_a_touch_while_the_reminder_is_on_its_way_stops_it(
    ada: Shop, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = abandoned._wanted

    def touched_meanwhile(due: Any) -> Any:
        ada.login()("DELETE", "/cart")
        return real(due)

    monkeypatch.setattr(abandoned, "_wanted", touched_meanwhile)

    assert remind()["reminded"] == 0
    assert "remindedAt" not in cart_of(left)


def test_of_two_schedulers_at_once_one_reminds(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, runs = abandoned._wanted, []

    def overtaken(due: Any) -> Any:
        found = real(due)
        if not runs:
            runs.append({})
            runs[0] = remind()
        return found

    monkeypatch.setattr(abandoned, "_wanted", overtaken)
    runs.append(remind())

    assert [run["reminded"] for run in runs] == [1, 0]


def test_the_same_cart_is_reminded_of_once_a_week_at_most(ada: Shop, left: str) -> None:
    remind()
    for days, reminded in ((2, 0), (6, 0), (9, 1)):
        with at(TOUCHED + timedelta(days=days)):
            ada.login()("PUT", f"/cart/items/{next(iter(cart_of(left)['lines']))}", {"quantity": days})
        hear(left, "")
        assert remind(DUE + timedelta(days=days))["reminded"] == reminded, days


def test_writes_of_the_cart_keep_when_it_was_reminded_of(ada: Shop, left: str, mug: str) -> None:
    remind()
    with at(DUE):
        again = ada.login()
        again("POST", "/cart/items", {"productId": mug, "quantity": 1})
        again("PUT", f"/cart/items/{mug}", {"quantity": 3})
        again("DELETE", f"/cart/items/{mug}")
        again("DELETE", "/cart")
        again("POST", "/cart/items", {"productId": mug, "quantity": 1})
        assert again.order().status == 201

    assert cart_of(left)["remindedAt"] == clock.timestamp(DUE)


def test_a_new_cart_after_an_expired_one_knows_of_no_reminder(ada: Shop, left: str, mug: str) -> None:
    remind()
    with at(TOUCHED + timedelta(days=91)):
        ada.login()("POST", "/cart/items", {"productId": mug, "quantity": 1})

    assert "remindedAt" not in cart_of(left)


@pytest.mark.parametrize(
    "change",
    [
        lambda shop, mug: shop("DELETE", "/cart"),
        lambda shop, mug: shop("PUT", "/users/profile", {"cartReminders": False}),
        lambda shop, mug: shop.login("root@example.com")("PATCH", f"/products/{mug}", {"isActive": False}),
        lambda shop, mug: shop.login("root@example.com")(
            "POST", f"/products/{mug}/stock", {"delta": -10, "reason": "gone"}
        ),
        lambda shop, mug: shop.login("root@example.com")(
            "PUT", f"/users/{user_of(shop)}/status", {"status": "disabled"}
        ),
        lambda shop, mug: shop("DELETE", "/users/profile"),
        lambda shop, mug: db.commit(db.update(keys.user(user_of(shop)), "SET emailVerified = :no", {":no": False})),
        lambda shop, mug: db.commit(db.update(keys.user_cart(user_of(shop)), "SET expiresAt = :now", {":now": 1})),
    ],
    ids=["emptied", "opted out", "not for sale", "sold out", "disabled", "erased", "unverified", "expired"],
)
def test_who_has_nothing_to_come_back_to_or_does_not_want_to_be_mailed_is_not(
    ada: Shop, left: str, mug: str, change: Any
) -> None:
    with at(TOUCHED + timedelta(minutes=1)):
        change(ada, mug)

    assert remind()["reminded"] == 0


def test_noting_writes_once_an_hour_and_forgets_after_ten_days(left: str) -> None:
    before = table.everything()
    for was, now in ((f"{HOUR}:40:00.000Z", f"{HOUR}:41:00.000Z"), (None, f"{HOUR}:40:00.000Z")):
        abandoned.record_touch(left, updated_at=now, before=was)

    assert table.everything() == before
    note = db.get(keys.cart_watch(HOUR, 0, left)) or {}
    assert note["expiresAt"] == int((TOUCHED + timedelta(days=10)).timestamp())


def test_what_is_malformed_with_one_user_keeps_no_other_from_their_reminder(
    shop: Shop, ada: Shop, left: str, mug: str
) -> None:
    broken = left_by(shop.customer("bob@example.com"), mug)
    db.commit(db.update(keys.user(broken), "SET sessionVersion = :odd", {":odd": "one"}))

    assert remind()["reminded"] == 1
    assert "remindedAt" in cart_of(left)


def test_a_run_without_the_time_leaves_the_hour_to_the_next(left: str) -> None:
    with at(DUE):
        assert abandoned.remind(at=clock.timestamp(DUE), seconds=-1) == {"hours": 0, "reminded": 0}

    assert remind()["reminded"] == 1


def test_a_page_ends_and_the_next_goes_on(shop: Shop, left: str, mug: str) -> None:
    for name in ("bob", "carl", "dora", "emil"):
        left_by(shop.customer(f"{name}@example.com"), mug)

    assert remind(page_size=2)["reminded"] == 5


@pytest.mark.parametrize("after", [False, True])
def test_death_at_any_call_reminds_once(left: str, *, after: bool) -> None:
    begin_again, calls = saved(), 0
    while True:
        calls += 1
        begin_again()
        died = True
        with faults.injected(faults.crash(calls, after=after)), suppress(faults.Crash):
            remind()
            died = False
        marked = cart_of(left).get("remindedAt")
        remind(actually=DUE + timedelta(hours=1))
        first = clock.timestamp(DUE)
        assert cart_of(left)["remindedAt"] == (marked or clock.timestamp(DUE + timedelta(hours=1)))
        assert marked in (None, first)
        if not died:
            break

    assert calls > 8


def test_how_far_the_work_has_come_never_goes_back(aws: None) -> None:
    db.commit(db.put(keys.job("carts"), {"lastHour": "2026-11-20T13"}))

    abandoned._finish("2026-11-20T12")

    assert (db.get(keys.job("carts"), consistent=True) or {})["lastHour"] == "2026-11-20T13"
