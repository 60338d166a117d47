"""When events say that they happened: by the change itself and not by the stream, whose time has whole seconds."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.core.events import type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from tests.support.schedule import run_at, swept_after
from tests.support.stream import deliver, records, told
from tools.testing.shop import Shop

EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
STATUSES = ("shipped", "delivered", "completed")


def about(order: str) -> list[dict[str, Any]]:
    return [event for event in told() if event["data"].get("orderId") == order]


def version(event: dict[str, Any]) -> int:
    return int(event["data"].get("orderVersion") or event["data"]["version"])


def whole_story(ada: Shop, mug: str) -> str:
    """An order that goes all the way, with a refund in between and one at its end."""
    admin = ada.login("root@example.com")
    order = str(ada.order((mug, 2)).body["orderId"])
    assert admin("POST", f"/orders/{order}/refunds", {"amount": 2.5}).status == 201
    for status in STATUSES:
        assert admin("PUT", f"/orders/{order}/status", {"status": status}).status == 200
    assert admin("POST", f"/orders/{order}/refunds", {"amount": 1}).status == 201
    return order


def test_an_order_is_told_at_the_times_that_its_timeline_shows(ada: Shop, mug: str) -> None:
    order = whole_story(ada, mug)

    deliver(ada)

    timeline = ada("GET", f"/orders/{order}").body["timeline"]
    of_order = [event["timestamp"] for event in about(order) if event["type"].startswith("order")]
    assert of_order == [step["at"] for step in timeline]
    created = about(order)[0]
    assert created["timestamp"] == created["data"]["createdAt"]


def test_the_events_of_an_order_are_in_order_by_their_times_and_versions(ada: Shop, mug: str) -> None:
    order = whole_story(ada, mug)

    deliver(ada)

    events = about(order)
    assert [event["type"].split(".")[1] for event in sorted(events, key=version)] == [
        "created", "confirmed", "succeeded", *STATUSES, "succeeded"
    ]  # fmt: skip
    assert len({version(event) for event in events}) == len(events)
    times = [event["timestamp"] for event in sorted(events, key=version)]
    assert times == sorted(times)


def test_events_of_the_same_instant_are_told_apart_by_their_versions(ada: Shop, mug: str) -> None:
    with clock.fixed(clock.now()):
        order = whole_story(ada, mug)

    deliver(ada)

    events = about(order)
    assert len({event["timestamp"] for event in events}) == 1
    assert len({version(event) for event in events}) == len(events)


def test_an_order_never_goes_back_in_time_even_if_the_next_machines_clock_is_behind(ada: Shop, mug: str) -> None:
    admin = ada.login("root@example.com")
    order = str(ada.order((mug, 2)).body["orderId"])
    with clock.fixed(clock.now() - timedelta(seconds=2)):
        assert admin("PUT", f"/orders/{order}/status", {"status": "shipped"}).status == 200
        assert admin("POST", f"/orders/{order}/refunds", {"amount": 1}).status == 201

    deliver(ada)

    times = [event["timestamp"] for event in sorted(about(order), key=version)]
    assert len(times) == 4
    assert times == sorted(times)


def everything_that_can_happen(shop: Shop, mug: str) -> None:
    """At least one event of each kind, and some of some kinds twice."""
    admin, ada = shop.login("root@example.com"), shop.customer()
    whole_story(ada, mug)
    ada("PUT", f"/orders/{ada.order((mug, 1)).body['orderId']}/cancel")
    ada.order((mug, 1), token="tok_declined")
    ada.order((mug, 1), token="tok_requires_action")
    swept_after(16)
    ada.order((mug, 3))
    user = ada("GET", "/auth/me").body["userId"]
    db.commit(db.update(keys.user(user), "SET emailVerified = :yes", {":yes": True}))
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    deliver(shop)
    run_at("remind_of_carts", clock.now() + timedelta(hours=26))
    admin("PATCH", f"/products/{mug}", {"price": 13})
    admin("DELETE", f"/products/{mug}")
    db.commit(db.delete(keys.user_cart(user)))
    ada("PUT", "/users/profile", {"firstName": "Augusta"})
    admin("DELETE", f"/users/{user}")
    batch = records()
    for record in batch:
        if record["eventName"] == "REMOVE" and record["dynamodb"]["Keys"]["SK"]["S"] == keys.CART_SK:
            record["userIdentity"] = EXPIRY
    deliver(shop, batch)


def test_no_event_of_any_kind_is_dated_before_what_it_tells(shop: Shop, mug: str) -> None:
    everything_that_can_happen(shop, mug)

    assert {event["type"] for event in told()} == {type_of(kind) for kind in EVENT_SCHEMAS}
    for event in told():
        data = event["data"]
        assert event["timestamp"] >= max(data.get("createdAt", ""), data.get("updatedAt", "")), event
        if "updatedAt" in data and not event["type"].startswith("cart"):
            assert event["timestamp"] == data["updatedAt"]


def test_a_reminder_is_dated_when_the_cart_was_found_and_not_when_it_was_left(ada: Shop, mug: str) -> None:
    user = keys.user(ada("GET", "/auth/me").body["userId"])
    db.commit(db.update(user, "SET emailVerified = :yes", {":yes": True}))
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    deliver(ada)
    moment = clock.now() + timedelta(hours=26)

    run_at("remind_of_carts", moment)
    deliver(ada)

    (event,) = [event for event in told() if event["type"] == "cart.abandoned.v1"]
    assert event["timestamp"] == clock.timestamp(moment) > event["data"]["updatedAt"]


def test_stock_that_runs_low_by_an_order_is_not_told_to_have_done_so_before_it(ada: Shop, mug: str) -> None:
    ada.order((mug, 6))
    admin = ada.login("root@example.com")
    admin("POST", f"/products/{mug}/stock", {"delta": 9, "reason": "delivery"})
    admin("POST", f"/products/{mug}/stock", {"delta": -9, "reason": "broken"})

    deliver(ada)

    (created,) = [event for event in told() if event["type"] == "order.created.v1"]
    low = [event["timestamp"] for event in told() if event["type"] == "stock.low.v1"]
    assert len(low) == 2
    assert [created["timestamp"], *low] == sorted([created["timestamp"], *low])


def test_a_cart_that_expired_did_so_when_the_table_removed_it(ada: Shop, mug: str) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    db.commit(db.delete(keys.user_cart(ada("GET", "/auth/me").body["userId"])))
    record = copy.deepcopy([each for each in records() if each["eventName"] == "REMOVE"][-1])
    removed = int(clock.now().timestamp()) + 90 * 86_400
    record["dynamodb"]["ApproximateCreationDateTime"] = removed

    deliver(ada, [{**record, "userIdentity": EXPIRY}])

    (event,) = told()
    assert (event["type"], event["timestamp"]) == ("cart.expired.v1", clock.timestamp(clock.from_epoch(removed)))


def test_stock_that_an_admin_counts_is_low_from_that_moment(ada: Shop, mug: str) -> None:
    with clock.fixed(clock.now() + timedelta(hours=1)):
        admin, seen = ada.login("root@example.com"), ada("GET", f"/products/{mug}").headers["ETag"]
        assert admin("PATCH", f"/products/{mug}", {"stock": 2}, If_Match=seen).status == 200
        counted = clock.timestamp()

    deliver(ada)

    (event,) = [event for event in told() if event["type"] == "stock.low.v1"]
    assert event["timestamp"] == counted


def test_a_cancelled_order_and_its_refund_have_versions_and_times_of_their_own(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 2)).body["orderId"]
    assert ada("PUT", f"/orders/{order}/cancel").status == 200

    deliver(ada)

    events = sorted(about(order), key=version)
    assert [(event["type"].split(".")[1], version(event)) for event in events] == [
        ("created", 1), ("confirmed", 2), ("cancelled", 4), ("succeeded", 5)
    ]  # fmt: skip
    timeline = ada("GET", f"/orders/{order}").body["timeline"]
    assert [event["timestamp"] for event in events[:3]] == [step["at"] for step in timeline]
    assert events[3]["timestamp"] > events[2]["timestamp"]


def test_a_record_that_says_nothing_of_its_time_is_dated_by_the_stream(ada: Shop, mug: str) -> None:
    """As those are that an earlier version of the shop has written, and which come again from the dead letters."""
    ada.order((mug, 6))
    low = stock_record_without_time()
    refund = refund_record_without_time(ada, mug)

    deliver(ada, [low, refund])

    assert [(event["type"], event["timestamp"]) for event in told()] == [
        ("stock.low.v1", clock.timestamp(clock.from_epoch(low["dynamodb"]["ApproximateCreationDateTime"]))),
        ("refund.succeeded.v1", refund["dynamodb"]["NewImage"]["createdAt"]["S"]),
    ]


def stock_record_without_time() -> dict[str, Any]:
    record = copy.deepcopy([each for each in records() if each["dynamodb"]["Keys"]["SK"]["S"] == keys.STOCK_SK][-1])
    for image in ("OldImage", "NewImage"):
        record["dynamodb"][image].pop("updatedAt", None)
    return record


def refund_record_without_time(ada: Shop, mug: str) -> dict[str, Any]:
    """A refund that was begun in the very second in which it ended."""
    ada("PUT", f"/orders/{ada.order((mug, 1)).body['orderId']}/cancel")
    ended = [each for each in records() if each["dynamodb"]["Keys"]["SK"]["S"].startswith("REFUND#")][-1]
    record = copy.deepcopy(ended)
    for image in ("OldImage", "NewImage"):
        for name in ("updatedAt", "orderVersion"):
            record["dynamodb"][image].pop(name, None)
    begun = clock.parse(record["dynamodb"]["NewImage"]["createdAt"]["S"])
    record["dynamodb"]["ApproximateCreationDateTime"] = int(begun.timestamp())
    return record
