"""Money back, by amount, by unit or whole, never more than was paid (rules R1, R2, I)."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.idempotency import NO_CLAIM
from chalicelib.auth import tokens
from chalicelib.aws import db, keys
from chalicelib.core import clock, settings
from chalicelib.core.money import Amount
from chalicelib.orders import policies, pricing, refunds, sweep
from chalicelib.orders import service as orders
from chalicelib.orders.errors import RefundExceedsPayment
from chalicelib.orders.pricing import OrderLine, TaxRate
from chalicelib.orders.schemas import RefundRequest
from chalicelib.payments import port
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Refund, RefundOutcome, RefundState
from chalicelib.payments.simulator import in_table
from tests.support.schedule import swept_after
from tests.support.table import everything
from tools.testing.shop import Shop, ShopAnswer


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin("boss@example.com")


@pytest.fixture
def order(ada: Shop, mug: str) -> str:
    """The path of a paid order of 25 dollars."""
    return f"/orders/{ada.order((mug, 2)).body['orderId']}"


def refund(admin: Shop, order: str, body: Any = None, **headers: str) -> ShopAnswer:
    return admin("POST", f"{order}/refunds", body or {}, **headers)


def standing(shop: Shop, order: str) -> tuple[str, str, float]:
    body = shop("GET", order).body
    return body["status"], body["paymentStatus"], body["refunded"]


def given_back() -> list[int]:
    """What the provider's books say was given back."""
    asked = [item for item in everything().values() if item.get("operation") == "refund"]
    return sorted(item["amount"] for item in asked if item["effect"] == "succeeded")


def test_an_amount_is_given_back_and_the_rest_can_be_later(ada: Shop, admin: Shop, order: str) -> None:
    first = refund(admin, order, {"amount": 10, "reason": "a scratch"})

    assert first.status == 201
    assert (first.body["amount"], first.body["status"], first.body["reason"]) == (10.0, "succeeded", "a scratch")
    assert standing(ada, order) == ("processing", "partially_refunded", 10.0)

    rest = refund(admin, order)

    assert (rest.status, rest.body["amount"]) == (201, 15.0)
    assert standing(ada, order) == ("processing", "refunded", 25.0)
    assert given_back() == [1000, 1500]
    listed = ada("GET", f"{order}/refunds").body
    assert [each["refundId"] for each in listed["refunds"]] == [first.body["refundId"], rest.body["refundId"]]


def test_more_than_is_left_is_refused_with_what_is_left(ada: Shop, admin: Shop, order: str) -> None:
    refund(admin, order, {"amount": 20})

    refused = refund(admin, order, {"amount": 5.01})

    assert (refused.status, refused.body["code"]) == (409, "refund_exceeds_payment")
    assert (refused.body["requested"], refused.body["refundable"]) == (5.01, 5.0)
    assert standing(ada, order) == ("processing", "partially_refunded", 20.0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": 0}, 400, "validation_failed"),
        ({"amount": -1}, 400, "validation_failed"),
        ({"amount": 1.001}, 400, "validation_failed"),
        ({"amount": "1"}, 400, "validation_failed"),
        ({"amount": None}, 400, "validation_failed"),
        ({"items": None}, 400, "validation_failed"),
        ({"items": []}, 400, "validation_failed"),
        ({"items": [{"productId": "prd_other", "quantity": 1}]}, 400, "validation_failed"),
        ({"amount": 1, "items": [{"productId": "prd_other", "quantity": 1}]}, 400, "validation_failed"),
        ({"total": 1}, 400, "validation_failed"),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(
    ada: Shop, admin: Shop, order: str, body: Any, status: int, code: str
) -> None:
    refused = refund(admin, order, body)

    assert (refused.status, refused.body["code"]) == (status, code)
    assert standing(ada, order) == ("processing", "paid", 0.0)


@pytest.mark.parametrize("token", ["tok_declined", "tok_timeout", "tok_requires_action"])
def test_what_was_not_paid_is_not_given_back(ada: Shop, admin: Shop, mug: str, token: str) -> None:
    placed = ada.order((mug, 1), token=token).body

    refused = refund(admin, f"/orders/{placed['orderId']}", {"amount": 1})

    assert (refused.status, refused.body["code"]) == (409, "order_not_paid")


def test_a_refund_is_an_admins_and_seen_by_the_buyer_alone(shop: Shop, ada: Shop, admin: Shop, order: str) -> None:
    bob = shop.customer("bob@example.com")

    assert refund(ada, order).status == 403
    assert refund(admin, "/orders/ord_none").body["code"] == "order_not_found"
    assert bob("GET", f"{order}/refunds").body["code"] == "order_not_found"
    assert ada("GET", f"{order}/refunds").body == {"refunds": [], "count": 0, "nextCursor": None}


def test_units_are_given_back_at_what_was_paid_for_them_and_once(shop: Shop, ada: Shop, admin: Shop) -> None:
    tea = admin.product(name="Tea", price=10, stock=9)["productId"]
    admin.coupon("TEN", percent=5)
    order = f"/orders/{ada.order((tea, 3), couponCode='TEN').body['orderId']}"  # 28.50 for three
    unit = {"items": [{"productId": tea, "quantity": 1}]}

    amounts = [refund(admin, order, unit).body["amount"] for _ in range(3)]
    refused = refund(admin, order, unit)

    assert amounts == [9.5, 9.5, 9.5]
    assert (refused.status, refused.fields) == (400, {("items", "not_that_many")})
    assert standing(ada, order) == ("processing", "refunded", 28.5)
    assert shop.stock(tea) == 6


def test_a_refund_that_fails_gives_its_units_back_at_their_price(ada: Shop, admin: Shop) -> None:
    tea = admin.product(name="Tea", price=10, stock=9)["productId"]
    cup = admin.product(name="Cup", price=20, stock=9)["productId"]
    admin.coupon("CENT", kind="fixed", amount=0.02, currency="USD")
    order = f"/orders/{ada.order((tea, 3), (cup, 1), couponCode='CENT').body['orderId']}"
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        pending = refund(admin, order, {"items": [{"productId": tea, "quantity": 1}]})
    assert (pending.status, pending.body["status"]) == (202, "pending")
    rest = refund(admin, order, {"items": [{"productId": tea, "quantity": 2}]})

    refuse(pending.body)
    again = refund(admin, order, {"items": [{"productId": tea, "quantity": 1}]})

    paid = next(line for line in ada("GET", order).body["items"] if line["productId"] == tea)
    assert round(rest.body["amount"] + again.body["amount"], 2) == round(paid["subtotal"] - paid["discount"], 2)


def refuse(pending: dict[str, Any]) -> None:
    """Let the provider refuse a pending refund after all."""
    row = payment_store.get_refund(pending["orderId"], pending["refundId"])
    assert row
    refunds.settle(row, RefundOutcome(state=RefundState.FAILED, reason="refund_refused"))


def test_the_same_key_gives_back_once_with_the_same_bytes(ada: Shop, admin: Shop, order: str) -> None:
    first = refund(admin, order, {"amount": 20}, Idempotency_Key="k")
    again = refund(admin, order, {"amount": 20}, Idempotency_Key="k")
    other = refund(admin, order, {"amount": 19}, Idempotency_Key="k")

    assert (first.status, again.status, again.text) == (201, 201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    assert given_back() == [2000]


def test_a_refusal_of_the_provider_changes_nothing_and_is_replayed(ada: Shop, admin: Shop, mug: str) -> None:
    order = f"/orders/{ada.order((mug, 2), token='tok_refund_fails').body['orderId']}"

    first = refund(admin, order, {"amount": 10}, Idempotency_Key="k")
    again = refund(admin, order, {"amount": 10}, Idempotency_Key="k")

    assert (first.status, first.body["code"], first.body["reason"]) == (409, "refund_failed", "refund_refused")
    assert (again.status, again.text) == (409, first.text)
    assert standing(ada, order) == ("processing", "paid", 0.0)
    (told,) = ada("GET", f"{order}/refunds").body["refunds"]
    assert (told["status"], told["failure"]) == ("failed", "refund_refused")


def test_a_refund_in_doubt_is_202_again_and_ends_by_the_schedule(ada: Shop, admin: Shop, order: str) -> None:
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        first = refund(admin, order, {"amount": 10}, Idempotency_Key="k")
    again = refund(admin, order, {"amount": 10}, Idempotency_Key="k")
    assert (first.status, first.body["status"], again.status, again.text) == (202, "pending", 202, first.text)
    assert refund(admin, order, {"amount": 15.01}).body["code"] == "refund_exceeds_payment"

    assert [run["refunded"] for run in swept_after(2, 3)] == [1, 0]

    assert standing(ada, order) == ("processing", "partially_refunded", 10.0)
    assert given_back() == [1000]


def test_ten_at_once_of_a_fifth_each_are_five(ada: Shop, admin: Shop, order: str) -> None:
    fifth, boss = RefundRequest(amount=Amount(5)), tokens.authenticate(admin.headers["Authorization"])

    def try_it(_: int) -> str:
        try:
            return str(orders.refund(order.removeprefix("/orders/"), fifth, actor=boss, claim=NO_CLAIM).status)
        except RefundExceedsPayment as refused:
            return refused.code

    with ThreadPoolExecutor(10) as pool:
        outcomes = Counter(pool.map(try_it, range(10)))

    assert outcomes == {"succeeded": 5, "refund_exceeds_payment": 5}
    assert standing(ada, order) == ("processing", "refunded", 25.0)
    assert given_back() == [500] * 5


def test_cancelling_gives_back_what_is_left(shop: Shop, ada: Shop, admin: Shop, order: str, mug: str) -> None:
    refund(admin, order, {"amount": 10})

    cancelled = ada("PUT", f"{order}/cancel").body

    assert (cancelled["status"], cancelled["paymentStatus"], cancelled["refunded"]) == ("cancelled", "refunded", 25.0)
    assert given_back() == [1000, 1500]
    assert shop.stock(mug) == 10


def test_cancelling_tells_how_the_refund_stands_and_again_when_repeated(ada: Shop, order: str) -> None:
    first = ada("PUT", f"{order}/cancel")
    again = ada("PUT", f"{order}/cancel")

    assert (first.body["refund"]["status"], first.body["refund"]["amount"]) == ("succeeded", 25.0)
    assert (again.status, again.text) == (200, first.text)


def test_a_refund_that_is_refused_shows_in_the_answer_of_cancelling(ada: Shop, admin: Shop, mug: str) -> None:
    buys = [ada.order((mug, 1), token="tok_refund_fails").body["orderId"] for _ in range(2)]

    by_buyer = [ada("PUT", f"/orders/{buys[0]}/cancel") for _ in range(2)]
    by_admin = admin("PUT", f"/orders/{buys[1]}/status", {"status": "cancelled"})

    for answer in (*by_buyer, by_admin):
        assert (answer.status, answer.body["status"], answer.body["paymentStatus"]) == (200, "cancelled", "paid")
        assert (answer.body["refund"]["status"], answer.body["refund"]["failure"]) == ("failed", "refund_refused")


def test_cancelling_what_nobody_paid_has_no_refund(ada: Shop, mug: str) -> None:
    placed = ada.order((mug, 1), token="tok_requires_action").body

    cancelled = ada("PUT", f"/orders/{placed['orderId']}/cancel").body

    assert (cancelled["paymentStatus"], cancelled["refund"]) == ("voided", None)


@pytest.mark.parametrize(("currency", "price"), [("JPY", 999), ("USD", 9.99), ("KWD", 9.995)])
def test_every_currency_is_given_back_to_its_last_unit(ada: Shop, admin: Shop, currency: str, price: float) -> None:
    tea = admin.product(name="Tea", price=price, currency=currency, stock=9)["productId"]
    placed = ada.order((tea, 3)).body
    unit = {"items": [{"productId": tea, "quantity": 1}]}

    for _ in range(3):
        assert refund(admin, f"/orders/{placed['orderId']}", unit).status == 201

    assert standing(ada, f"/orders/{placed['orderId']}") == ("processing", "refunded", placed["totalAmount"])


def test_goods_that_were_sent_and_all_given_back_are_returned(ada: Shop, admin: Shop, order: str, mug: str) -> None:
    admin("PUT", f"{order}/status", {"status": "shipped"})

    refund(admin, order, {"items": [{"productId": mug, "quantity": 1}]})
    assert ada("GET", order).body["fulfillmentStatus"] == "fulfilled"
    refund(admin, order, {"items": [{"productId": mug, "quantity": 1}]})

    assert ada("GET", order).body["fulfillmentStatus"] == "returned"


def test_units_worth_less_than_the_smallest_coin_go_back_several_at_once(ada: Shop, admin: Shop) -> None:
    sweet = admin.product(name="Sweet", price=1, currency="JPY", stock=9)["productId"]
    admin.coupon("FOUR", kind="fixed", amount=4, currency="JPY")
    placed = ada.order((sweet, 7), couponCode="FOUR").body
    order = f"/orders/{placed['orderId']}"
    assert placed["totalAmount"] == 3

    def units(quantity: int) -> ShopAnswer:
        return refund(admin, order, {"items": [{"productId": sweet, "quantity": quantity}]})

    refused = units(1)
    back = [units(quantity) for quantity in (3, 3, 1)]

    assert (refused.status, refused.body["code"]) == (422, "nothing_to_refund")
    assert refused.body["detail"] == "So few units are worth less than 1 JPY; refund more of them at once."
    assert [(each.status, each.body["amount"]) for each in back] == [(201, 1), (201, 1), (201, 1)]
    assert standing(ada, order) == ("processing", "refunded", 3)


def test_what_was_given_away_has_nothing_to_give_back_and_holds_up_no_return(ada: Shop, admin: Shop) -> None:
    tea = admin.product(name="Tea", price=10, stock=9)["productId"]
    gift = admin.product(name="Gift", price=0, stock=9)["productId"]
    order = f"/orders/{ada.order((tea, 1), (gift, 1)).body['orderId']}"
    admin("PUT", f"{order}/status", {"status": "shipped"})

    refused = refund(admin, order, {"items": [{"productId": gift, "quantity": 1}]})
    paid = refund(admin, order, {"items": [{"productId": tea, "quantity": 1}]})

    assert (refused.status, refused.body["code"]) == (422, "nothing_to_refund")
    assert (paid.status, paid.body["amount"]) == (201, 10.0)
    assert ada("GET", order).body["fulfillmentStatus"] == "returned"


def test_the_last_unit_makes_up_for_less_than_one_cent(ada: Shop, admin: Shop) -> None:
    tea = admin.product(name="Tea", price=1, stock=99)["productId"]
    admin.coupon("CENT", kind="fixed", amount=0.01, currency="USD")
    order = f"/orders/{ada.order((tea, 99), couponCode='CENT').body['orderId']}"

    amounts = [
        refund(admin, order, {"items": [{"productId": tea, "quantity": quantity}]}).body["amount"]
        for quantity in (98, 1)
    ]

    assert amounts == [97.99, 1.0]


@given(price=st.integers(0, 5), quantity=st.integers(1, 99), data=st.data())
def test_all_units_can_be_given_back_whatever_was_paid(price: int, quantity: int, data: st.DataObject) -> None:
    discount = data.draw(st.integers(0, price * quantity))
    line = OrderLine(product_id="prd_1", product_name="Mug", quantity=quantity, price=price, discount=discount)

    while line.refunded_quantity < quantity and not line.is_back(tax_included=True):
        left = quantity - line.refunded_quantity
        assert line.refund_of(left, tax_included=True) > 0
        units = data.draw(st.integers(1, left))
        amount = line.refund_of(units, tax_included=True)
        line = line.with_refund(units if amount else left, amount or line.refund_of(left, tax_included=True))

    assert line.refunded == line.paid(tax_included=True)


lines = st.builds(
    OrderLine,
    product_id=st.just("prd_1"),
    product_name=st.just("Mug"),
    quantity=st.integers(1, 40),
    price=st.integers(0, 100_000),
)


@given(
    cart=st.lists(lines, min_size=1, max_size=5),
    tax=st.builds(TaxRate, rate=st.integers(0, 30_000), included=st.booleans()),
    data=st.data(),
)
def test_units_in_any_groups_and_after_any_failures_cost_what_was_paid(
    cart: list[OrderLine], tax: TaxRate, data: st.DataObject
) -> None:
    discount = data.draw(st.integers(0, pricing.subtotal_of(cart)))
    price = pricing.price(cart, "KWD", discount=discount, shipping=policies.read_shipping("free"), tax=tax)

    total = 0
    for begun in price.lines:
        line, back = begun, []
        while line.refunded_quantity < line.quantity:
            units = data.draw(st.integers(1, line.quantity - line.refunded_quantity))
            amount = line.refund_of(units, tax_included=tax.included)
            assert amount >= 0
            line = line.with_refund(units, amount)
            back.append((units, amount))
            if len(back) < 6 and data.draw(st.booleans()):
                failed = back.pop(data.draw(st.integers(0, len(back) - 1)))
                line = line.with_refund(-failed[0], -failed[1])
        assert sum(amount for _, amount in back) == begun.paid(tax_included=tax.included)
        total += sum(amount for _, amount in back)
    assert total == price.total - price.shipping


def test_a_refund_of_taxed_goods_leaves_what_sending_cost(
    ada: Shop, admin: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAX_RATES", "US=7.25x")
    monkeypatch.setenv("SHIPPING_POLICY", "flat:4.99:USD")
    settings.current.cache_clear()
    settings.current()  # before the test's client puts the project's own variables in their place
    tea = admin.product(name="Tea", price=3.33, stock=9)["productId"]
    placed = ada.order((tea, 3)).body
    order = f"/orders/{placed['orderId']}"

    for quantity in (2, 1):
        assert refund(admin, order, {"items": [{"productId": tea, "quantity": quantity}]}).status == 201

    assert placed["shipping"] == 4.99
    goods = placed["totalAmount"] - placed["shipping"] - placed["shippingTax"]
    assert ada("GET", order).body["refunded"] == pytest.approx(goods)
    assert refund(admin, order).body["amount"] == pytest.approx(placed["shipping"] + placed["shippingTax"])
    monkeypatch.undo()
    settings.current.cache_clear()


def test_the_rows_of_refunds_are_found_by_the_schedule_only_while_they_are_pending(admin: Shop, order: str) -> None:
    refund(admin, order, {"amount": 10})

    assert db.query(db.GSI2, keys.refunds_by_state("pending", 0), limit=5).items == []


def pending_refund(admin: Shop, order: str, **body: Any) -> Refund:
    """A refund that the provider has not answered."""
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        begun = refund(admin, order, body)
    assert begun.status == 202
    row = payment_store.get_refund(begun.body["orderId"], begun.body["refundId"])
    assert row
    return row


@pytest.mark.parametrize(("end", "fulfillment"), [("failed", "fulfilled"), ("succeeded", "returned")])
def test_goods_are_not_returned_while_a_refund_of_some_may_fail(
    ada: Shop, admin: Shop, order: str, mug: str, end: str, fulfillment: str
) -> None:
    admin("PUT", f"{order}/status", {"status": "shipped"})
    one = [{"productId": mug, "quantity": 1}]
    pending = pending_refund(admin, order, items=one)

    assert refund(admin, order, {"items": one}).status == 201
    assert ada("GET", order).body["fulfillmentStatus"] == "fulfilled"
    refunds.settle(pending, RefundOutcome(state=RefundState(end)))

    assert ada("GET", order).body["fulfillmentStatus"] == fulfillment


def test_goods_are_returned_when_all_else_that_was_asked_back_has_failed(
    ada: Shop, admin: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPPING_POLICY", "flat:4.99:USD")
    settings.current.cache_clear()
    settings.current()  # before the test's client puts the project's own variables in their place
    order = f"/orders/{ada.order((mug, 2)).body['orderId']}"
    admin("PUT", f"{order}/status", {"status": "shipped"})
    pending = pending_refund(admin, order, amount=1)
    assert refund(admin, order, {"items": [{"productId": mug, "quantity": 2}]}).status == 201
    assert ada("GET", order).body["fulfillmentStatus"] == "fulfilled"

    refunds.settle(pending, RefundOutcome(state=RefundState.FAILED))

    assert ada("GET", order).body["fulfillmentStatus"] == "returned"
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.mark.parametrize("is_answered", [True, False])
def test_what_was_refunded_in_full_is_not_sent_but_can_be_cancelled(
    shop: Shop, admin: Shop, order: str, mug: str, *, is_answered: bool
) -> None:
    if is_answered:
        refund(admin, order)
    else:
        pending_refund(admin, order)

    refused = admin("PUT", f"{order}/status", {"status": "shipped"})

    assert (refused.status, refused.body["code"], refused.body["allowed"]) == (409, "invalid_transition", ["cancelled"])
    assert admin("PUT", f"{order}/status", {"status": "cancelled"}).status == 200
    assert shop.stock(mug) == 10


def test_a_refund_of_another_amount_ends_nothing_and_is_told_to_people(ada: Shop, admin: Shop, order: str) -> None:
    other = RefundOutcome(state=RefundState.SUCCEEDED, amount=999, currency="USD")

    with mock.patch.object(in_table.Simulator, "refund", return_value=other):
        answer = refund(admin, order, {"amount": 10})

    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert standing(ada, order) == ("processing", "paid", 0.0)
    (incident,) = db.query(
        db.TABLE, keys.order_by_id(answer.body["orderId"]), prefix=keys.INCIDENT_PREFIX, limit=5
    ).items
    assert incident["facts"] == {"asked": 1000, "said": 999}


def test_the_refund_that_is_longest_due_is_asked_for_first(aws: None) -> None:
    rows = []
    for days in (3, 2, 1):
        row = Refund.of(order_id="ord_1", user_id="usr_1", payment_id="p", amount=1, currency="USD")
        rows.append(msgspec.structs.replace(row, created_at=clock.ago(timedelta(days=days))))
        db.commit(payment_store.create_refund(rows[-1]))

    first = payment_store.list_pending_refunds(before=clock.timestamp(), limit=2)
    db.commit(payment_store.postpone_refund(rows[0]))
    then = payment_store.list_pending_refunds(before=clock.timestamp(), limit=2)

    assert (first, then) == (rows[:2], rows[1:])


def test_a_refund_that_takes_days_is_asked_for_ever_more_rarely(admin: Shop, order: str) -> None:
    pending_refund(admin, order, amount=10)

    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer) as asked:
        swept_after(*range(1, 60, 2), *range(24 * 60, 30 * 60, 10))

    assert asked.call_count == 4 + 6  # after 1, 5, 13 and 29 minutes; then about every hour


def test_a_refund_that_has_ended_is_not_put_off_back_into_the_schedule(admin: Shop, order: str) -> None:
    row = pending_refund(admin, order, amount=10)
    refunds.settle(row, RefundOutcome(state=RefundState.SUCCEEDED))

    assert refunds.retry(row) is None

    assert payment_store.list_pending_refunds(before=clock.timestamp(clock.now() + timedelta(days=1)), limit=5) == []


def test_refunds_that_are_not_answered_leave_the_schedule_its_time_for_orders(
    ada: Shop, admin: Shop, order: str, mug: str
) -> None:
    for _ in range(4):
        pending_refund(admin, order, amount=1)
    assert ada.order((mug, 1), token="tok_timeout").status == 202
    times = itertools.count()

    def slow(*_: Any) -> RefundOutcome:
        for _second in range(12):
            next(times)
        raise port.NoAnswer

    with (
        mock.patch.object(in_table.Simulator, "refund", slow),
        mock.patch.object(clock, "monotonic", side_effect=times),
        clock.fixed(clock.now() + timedelta(minutes=3)),
    ):
        done = sweep.run(seconds=40)

    assert done["settled"] == 1
