"""Conflicts, throttling, lost answers and crashes around checkout, carts and accounts (rules C4 to C8, I6, E1)."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import msgspec
import pytest

from chalicelib.aws import clients, db, keys
from chalicelib.core import clock
from chalicelib.core.errors import Misconfigured
from chalicelib.notifications import mail
from chalicelib.notifications import store as notification_store
from chalicelib.orders import settlement, sweep
from chalicelib.orders.models import Order
from chalicelib.payments import port, providers
from chalicelib.payments.simulator import in_table
from tests.support.faults import Crash, crash, injected, lose_answer, refuse
from tests.support.meanwhile import changed_after_preparing
from tests.support.schedule import swept_after
from tests.support.stream import deliver, mails, records
from tools.testing.shop import Shop, ShopAnswer


def order(ada: Shop, mug: str) -> ShopAnswer:
    return ada.order((mug, 2), Idempotency_Key="k")


def orders_of(ada: Shop) -> list[tuple[str, str]]:
    return [(o["status"], o["paymentStatus"]) for o in ada("GET", "/orders").body["orders"]]


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingException", "InternalServerError"])
def test_passing_refusals_are_retried(shop: Shop, ada: Shop, mug: str, code: str) -> None:
    with injected(refuse(code, times=3, only="transact")):
        answer = order(ada, mug)

    assert answer.status == 201
    assert shop.stock(mug) == 8


@pytest.mark.parametrize("only", ["batch_get_item", "transact_write_items"])
def test_endless_refusals_are_a_503_with_nothing_written(shop: Shop, ada: Shop, mug: str, only: str) -> None:
    with injected(refuse("ProvisionedThroughputExceededException", times=10_000, only=only)):
        answer = order(ada, mug)

    assert (answer.status, answer.body["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    assert (shop.stock(mug), orders_of(ada)) == (10, [])


@pytest.mark.parametrize("number", range(1, 8))
def test_a_lost_answer_of_any_call_changes_nothing(shop: Shop, ada: Shop, mug: str, number: int) -> None:
    with injected(lose_answer(number)):
        answer = order(ada, mug)

    assert answer.status == 201
    assert (shop.stock(mug), orders_of(ada)) == (8, [("processing", "paid")])


@pytest.mark.parametrize("number", range(1, 4))
def test_a_lost_answer_adds_to_a_cart_once(ada: Shop, mug: str, number: int) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    with injected(lose_answer(number)):
        added = ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    assert (added.status, added.body["quantity"]) == (201, 2)


def test_a_lost_answer_registers_once_and_says_so(shop: Shop) -> None:
    with injected(lose_answer(1)):
        assert shop.register().status == 201


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(2, 7))
def test_a_checkout_that_dies_at_any_call_ends_as_one_order_or_none(
    shop: Shop, ada: Shop, mug: str, number: int, *, after: bool
) -> None:
    with injected(crash(number, after=after)), pytest.raises(Crash):
        order(ada, mug)

    with clock.fixed(clock.now() + timedelta(minutes=3)):
        again = order(ada, mug)
        sweep.run(seconds=60)
        sweep.run(seconds=60)
        final = order(ada, mug)

    assert again.status in (201, 202, 402)
    sold = orders_of(ada) == [("processing", "paid")]
    assert sold or orders_of(ada) == [("cancelled", "failed")]
    assert shop.stock(mug) == (8 if sold else 10)
    assert charges() == ([2500] if sold else [])
    assert final.status in (again.status, 201, 402)


def charges() -> list[int]:
    """What the provider's own ledger says was charged."""
    items = clients.dynamodb().scan(TableName="ecommerce-test")["Items"]
    charged = [item for item in items if item.get("operation") == {"S": "charge"} and item["effect"]["S"] == "captured"]
    return [int(item["amount"]["N"]) for item in charged]


def test_a_key_whose_first_request_is_under_way_waits(ada: Shop, mug: str) -> None:
    with injected(crash(5, after=False)), pytest.raises(Crash):
        order(ada, mug)

    answer = order(ada, mug)

    assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (409, "request_in_progress", "1")


def test_what_the_table_would_not_take_is_settled_by_the_schedule(shop: Shop, ada: Shop, mug: str) -> None:
    seen = 0

    def second_transaction_fails(operation: str, request: object, go_on: object) -> object:
        nonlocal seen
        seen += operation == "transact_write_items"
        return refuse("ThrottlingException", times=1 if seen > 2 else 0, only="transact")(operation, request, go_on)  # type: ignore[arg-type]

    with injected(second_transaction_fails):  # type: ignore[arg-type]
        answer = order(ada, mug)
    assert (answer.status, answer.body["paymentStatus"]) == (202, "pending")

    with clock.fixed(clock.now() + timedelta(minutes=2)):
        assert sweep.run(seconds=60)["settled"] == 1

    assert orders_of(ada) == [("processing", "paid")]


def test_a_refund_without_an_answer_is_finished_by_the_schedule(ada: Shop, mug: str) -> None:
    order_id = order(ada, mug).body["orderId"]
    silence = mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer)

    with silence:
        cancelled = ada("PUT", f"/orders/{order_id}/cancel")
    assert (cancelled.body["status"], cancelled.body["paymentStatus"]) == ("cancelled", "paid")
    with clock.fixed(clock.now() + timedelta(minutes=2)):
        assert [sweep.run(seconds=60)["refunded"] for _ in range(2)] == [1, 0]

    assert orders_of(ada) == [("cancelled", "refunded")]


def test_one_broken_order_does_not_keep_the_schedule_from_the_others(shop: Shop, ada: Shop, mug: str) -> None:
    broken = shop.admin("second@example.com").product(name="Tea")["productId"]
    ada.order((broken, 1), token="tok_timeout_before")
    ada.order((mug, 1), token="tok_timeout")
    db.commit(db.delete(keys.stock(broken)))

    with clock.fixed(clock.now() + timedelta(minutes=5)):
        sweep.run(seconds=60)
        sweep.run(seconds=60)

    assert sorted(orders_of(ada)) == [("pending", "unknown"), ("processing", "paid")]


def test_a_provider_that_was_slow_is_asked_twice_before_a_charge_counts_as_never_made(
    shop: Shop, ada: Shop, mug: str
) -> None:
    ada.order((mug, 2), token="tok_timeout_before")

    assert [run["settled"] for run in swept_after(1, 3, 4, 7, 8)] == [0, 0, 0, 1, 0]

    assert shop.stock(mug) == 10


def test_money_that_comes_after_the_end_goes_back(shop: Shop, ada: Shop, mug: str) -> None:
    placed = ada.order((mug, 2), token="tok_timeout_before").body
    before = msgspec.convert(db.query(db.GSI1, keys.order_by_id(placed["orderId"]), limit=1).items[0], Order)
    swept_after(3, 7)

    late = in_table.Simulator().charge(before.first_attempt(), "tok_success")
    for _ in range(2):
        settlement.settle(before, late)
    with clock.fixed(clock.now() + timedelta(minutes=10)):
        swept = sweep.run(seconds=60)

    assert (swept["failed"], swept["refunded"]) == (0, 1)
    refunds = db.query(db.TABLE, f"ORDER#{placed['orderId']}", prefix="REFUND#", limit=5).items
    assert [(refund["paymentId"], refund["amount"], refund["state"]) for refund in refunds] == [
        (late.payment_id, 2500, "succeeded")
    ]
    after = ada("GET", f"/orders/{placed['orderId']}").body
    assert (after["status"], after["paymentStatus"], after["refunded"], shop.stock(mug)) == (
        "cancelled", "refunded", 25.0, 10,
    )  # fmt: skip


def test_a_free_order_whose_process_died_is_finished(ada: Shop, shop: Shop) -> None:
    sample = shop.admin().product(name="Sample", price=0)["productId"]
    with injected(crash(4, after=False)), pytest.raises(Crash):
        ada.order((sample, 1))
    assert orders_of(ada) == [("pending", "none")]

    with clock.fixed(clock.now() + timedelta(minutes=20)):
        done = sweep.run(seconds=60)

    assert {name: count for name, count in done.items() if count} == {"settled": 1}

    assert orders_of(ada) == [("processing", "none")]


def test_a_change_between_reading_and_writing_is_prepared_anew(ada: Shop, mug: str) -> None:
    with changed_after_preparing(lambda: db.commit(db.update(keys.stock(mug), "SET price = :p", {":p": 1500}))):
        answer = order(ada, mug)

    assert (answer.status, answer.body["totalAmount"]) == (201, 30.0)


def test_a_cart_that_changed_while_it_was_ordered_is_ordered_as_it_is_then(ada: Shop, mug: str) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    with changed_after_preparing(lambda: ada("PUT", f"/cart/items/{mug}", {"quantity": 3})):
        answer = ada.order()

    assert [item["quantity"] for item in answer.body["items"]] == [3]
    assert ada("GET", "/cart").body["items"] == []


def test_what_comes_back_from_a_declined_order_is_added_to_what_is_there(ada: Shop, mug: str) -> None:
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    original = in_table.Simulator.charge

    def charge(*arguments: object) -> object:
        ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
        return original(*arguments)  # type: ignore[arg-type]

    with mock.patch.object(in_table.Simulator, "charge", charge):
        assert ada.order(token="tok_declined").status == 402

    assert ada("GET", "/cart").body["itemCount"] == 3


def test_a_stage_that_cannot_take_money_takes_no_stock(shop: Shop, ada: Shop, mug: str) -> None:
    with mock.patch.object(providers, "current", side_effect=Misconfigured("no provider")):
        assert order(ada, mug).status == 500

    assert (shop.stock(mug), orders_of(ada)) == (10, [])


def test_keys_that_a_batch_left_unread_are_read_again(shop: Shop, mug: str) -> None:
    first = True

    def leave_half(operation: str, request: dict[str, object], go_on: object) -> object:
        nonlocal first
        answer = go_on()  # type: ignore[operator]
        if operation == "batch_get_item" and first:
            first = False
            left = request["RequestItems"]["ecommerce-test"]["Keys"][1:]  # type: ignore[index]
            kept = [i for i in answer["Responses"]["ecommerce-test"] if {"PK": i["PK"], "SK": i["SK"]} not in left]
            return {"Responses": {"ecommerce-test": kept}, "UnprocessedKeys": {"ecommerce-test": {"Keys": left}}}
        return answer

    with injected(leave_half):  # type: ignore[arg-type]
        assert shop("GET", f"/products/{mug}").body["stock"] == 10


def test_a_delivery_that_died_after_an_effect_was_begun_has_it_at_the_next(shop: Shop, ada: Shop, mug: str) -> None:
    order(ada, mug)
    batch = records()

    with mock.patch.object(mail, "send_order_mail", side_effect=Crash), pytest.raises(Crash):
        deliver(shop, batch)
    deliver(shop, batch)
    deliver(shop, batch)

    assert [m.subject.split()[-1] for m in mails() if m.subject.startswith("Order")] == ["confirmed"]


def test_an_effect_is_marked_only_once_it_has_happened(aws: None) -> None:
    assert not notification_store.get_done([("event", "mail")])

    notification_store.record([("event", "mail")])

    assert notification_store.get_done([("event", "mail"), ("event", "alert")]) == {("event", "mail")}
