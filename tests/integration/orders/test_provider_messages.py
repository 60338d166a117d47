"""What the payment provider tells by itself, over the app's route: late, twice, out of order, or wrong (P5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.orders import store as order_store
from chalicelib.payments import credentials, port
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Attempt, AttemptState, Outcome, ProviderEvent, ProviderEventKind, RefundState
from chalicelib.payments.simulator import in_table, ledger, webhook_messages
from tests.support.faults import error, injected, refuse
from tests.support.payments import SECRET, keep_secret
from tests.support.schedule import swept_after
from tools.testing.shop import Shop, ShopAnswer


@pytest.fixture(autouse=True)
def signed(shop: Shop) -> Iterator[None]:
    keep_secret({"webhookSecret": [SECRET, "the next secret"]})
    yield
    credentials.forget()


def send(shop: Shop, event: ProviderEvent, secret: str = SECRET, **changes: Any) -> ShopAnswer:
    body = webhook_messages.write(event)
    headers = webhook_messages.signed_headers(body, secret, clock.epoch() + changes.pop("late", 0))
    return Shop(shop.client)("POST", "/payments/webhook", raw=changes.get("raw", body.decode()), **headers)


def event_of(order_id: str, state: AttemptState, **changes: Any) -> ProviderEvent:
    """The provider's message that the order's first attempt came to stand there."""
    key = f"{order_id}:1"
    payment = ledger.PaymentRow(merchant_key=key, order_id=order_id, payment_id=ledger.payment_id_of(key),
                                amount=2500, currency="USD", state=state)  # fmt: skip
    return msgspec.structs.replace(ledger.payment_event(payment), **changes)


def waiting(ada: Shop, mug: str, token: str = "tok_timeout") -> str:
    placed = ada.order((mug, 2), token=token)
    assert placed.status == 202
    return str(placed.body["orderId"])


def standing(ada: Shop, order_id: str) -> tuple[str, str]:
    body = ada("GET", f"/orders/{order_id}").body
    return body["status"], body["paymentStatus"]


def incidents(order_id: str) -> list[str]:
    page = db.query(db.TABLE, f"ORDER#{order_id}", prefix=keys.INCIDENT_PREFIX, limit=10)
    return [item["name"].partition("-")[0] + "-" + item["name"].split("-")[1] for item in page.items]


@pytest.mark.parametrize(
    ("token", "state", "end", "left"),
    [
        ("tok_timeout", AttemptState.CAPTURED, ("processing", "paid"), 8),
        ("tok_timeout_before", AttemptState.FAILED, ("cancelled", "failed"), 10),
        ("tok_requires_action", AttemptState.VOIDED, ("cancelled", "voided"), 10),
        ("tok_requires_action", AttemptState.CAPTURED, ("processing", "paid"), 8),
    ],
)
def test_a_message_settles_the_order_once_however_often_it_comes(
    shop: Shop, ada: Shop, mug: str, token: str, state: AttemptState, end: tuple[str, str], left: int
) -> None:
    order_id = waiting(ada, mug, token)
    event = event_of(order_id, state)

    first = send(shop, event)
    settled = ada("GET", f"/orders/{order_id}").text
    again = [send(shop, event) for _ in range(2)]

    assert [(answer.status, answer.text) for answer in (first, *again)] == [(204, "")] * 3
    assert standing(ada, order_id) == end
    assert ada("GET", f"/orders/{order_id}").text == settled
    assert shop.stock(mug) == left


def test_an_authorised_payment_is_taken_when_that_is_told(shop: Shop, ada: Shop, mug: str) -> None:
    with mock.patch.object(in_table.Simulator, "capture", side_effect=port.NoAnswer):
        order_id = waiting(ada, mug, "tok_authorized")
        assert send(shop, event_of(order_id, AttemptState.AUTHORIZED)).status == 204
    assert standing(ada, order_id) == ("pending", "authorized")

    assert send(shop, event_of(order_id, AttemptState.AUTHORIZED)).status == 204

    assert standing(ada, order_id) == ("processing", "paid")


def test_only_what_the_provider_signed_lately_is_believed(shop: Shop, ada: Shop, mug: str) -> None:
    order_id = waiting(ada, mug)
    event = event_of(order_id, AttemptState.CAPTURED)

    with clock.fixed(clock.now()):
        wrong = [
            send(shop, event, "guessed"),
            send(shop, event, late=-301),
            send(shop, event, late=301),
            send(shop, event, raw=webhook_messages.write(event).decode().replace("2500", "2501")),
            Shop(shop.client)("POST", "/payments/webhook", raw=webhook_messages.write(event).decode()),
        ]

    assert [(answer.status, answer.body["code"]) for answer in wrong] == [(400, "invalid_signature")] * 5
    assert standing(ada, order_id) == ("pending", "unknown")
    assert send(shop, event, "the next secret", late=-290).status == 204
    assert standing(ada, order_id) == ("processing", "paid")


def test_signed_nonsense_is_told_apart(shop: Shop) -> None:
    body = b'{"eventId": 1}'
    headers = webhook_messages.signed_headers(body, SECRET, clock.epoch())

    answer = Shop(shop.client)("POST", "/payments/webhook", raw=body.decode(), **headers)

    assert (answer.status, answer.body["code"]) == (400, "unreadable_event")


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_the_order_of_messages_does_not_matter(shop: Shop, ada: Shop, mug: str, order: str) -> None:
    order_id = waiting(ada, mug, "tok_timeout")
    states = [AttemptState.REQUIRES_ACTION, AttemptState.AUTHORIZED, AttemptState.CAPTURED]

    with mock.patch.object(clock, "pause", side_effect=AssertionError("nobody else is at it")):
        for state in states if order == "forwards" else reversed(states):
            assert send(shop, event_of(order_id, state)).status == 204

    assert standing(ada, order_id) == ("processing", "paid")
    assert shop.stock(mug) == 8


def test_a_failure_that_is_told_after_the_money_changes_nothing(shop: Shop, ada: Shop, mug: str) -> None:
    order_id = waiting(ada, mug)
    send(shop, event_of(order_id, AttemptState.CAPTURED))

    assert send(shop, event_of(order_id, AttemptState.FAILED)).status == 204

    assert standing(ada, order_id) == ("processing", "paid")
    assert shop.stock(mug) == 8


def test_a_message_that_beats_the_answer_leaves_the_answer_on_record(shop: Shop, ada: Shop, mug: str) -> None:
    original = in_table.Simulator.charge

    def charge(*said: Any) -> Outcome:
        outcome = original(*said)
        send(shop, event_of(said[1].order_id, outcome.state))
        return outcome

    with mock.patch.object(in_table.Simulator, "charge", charge):
        first = ada.order((mug, 2), Idempotency_Key="k")
    again = ada.order((mug, 2), Idempotency_Key="k")

    assert (first.status, first.body["paymentStatus"]) == (201, "paid")
    assert (again.status, again.text, again.headers["Idempotent-Replayed"]) == (201, first.text, "true")


@pytest.mark.parametrize(
    "figures", [{"amount": 2499}, {"amount": 2501}, {"currency": "EUR"}], ids=["less", "more", "currency"]
)
def test_another_amount_settles_nothing_and_is_told_to_people_once(
    shop: Shop, ada: Shop, mug: str, figures: dict[str, Any]
) -> None:
    order_id = waiting(ada, mug)

    for _ in range(2):
        assert send(shop, event_of(order_id, AttemptState.CAPTURED, **figures)).status == 204

    assert standing(ada, order_id) == ("pending", "unknown")
    assert incidents(order_id) == ["payment-amount"]
    assert shop.stock(mug) == 8


def test_a_message_that_contradicts_itself_settles_nothing_and_is_told_to_people(
    shop: Shop, ada: Shop, mug: str
) -> None:
    order_id = waiting(ada, mug)
    event = event_of(order_id, AttemptState.CAPTURED)
    assert event.outcome

    for figures in ({"amount": 1}, {"currency": "EUR"}):
        send(shop, msgspec.structs.replace(event, outcome=msgspec.structs.replace(event.outcome, **figures)))

    assert standing(ada, order_id) == ("pending", "unknown")
    assert incidents(order_id) == ["payment-amount"]


def test_a_message_about_a_refund_pays_nothing_whatever_it_carries(shop: Shop, ada: Shop, mug: str) -> None:
    order_id = waiting(ada, mug)

    assert send(shop, event_of(order_id, AttemptState.CAPTURED, kind=ProviderEventKind.REFUND)).status == 204

    assert standing(ada, order_id) == ("pending", "unknown")
    assert incidents(order_id) == ["unknown-refund"]


@pytest.mark.parametrize("token", ["tok_requires_action", "tok_success"])
def test_another_payment_than_is_on_record_is_told_to_people_and_not_taken_over(
    shop: Shop, ada: Shop, mug: str, token: str
) -> None:
    before = ada.order((mug, 2), token=token).body
    event = event_of(before["orderId"], AttemptState.CAPTURED)
    assert event.outcome

    other = msgspec.structs.replace(event.outcome, payment_id="pay_other")
    assert send(shop, msgspec.structs.replace(event, outcome=other)).status == 204

    after = ada("GET", f"/orders/{before['orderId']}").body
    assert (after["paymentStatus"], after["paymentId"]) == (before["paymentStatus"], before["paymentId"])
    assert incidents(before["orderId"]) == ["other-payment"]


def test_another_charge_of_the_same_order_is_told_to_people(shop: Shop, ada: Shop, mug: str) -> None:
    order_id = waiting(ada, mug)

    send(shop, event_of(order_id, AttemptState.CAPTURED, merchant_key=f"{order_id}:2"))

    assert standing(ada, order_id) == ("pending", "unknown")
    assert incidents(order_id) == ["unknown-charge"]


def test_a_message_that_comes_before_its_order_is_kept_and_heard_by_the_schedule(
    shop: Shop, ada: Shop, mug: str
) -> None:
    order_id = waiting(ada, mug)
    with mock.patch.object(order_store, "get_by_id", return_value=None):
        for _ in range(2):
            assert send(shop, event_of(order_id, AttemptState.CAPTURED, event_id="evt_1")).status == 204
    assert standing(ada, order_id) == ("pending", "unknown")

    with mock.patch.object(in_table.Simulator, "look_up", side_effect=port.NoAnswer):
        assert [run["heard"] for run in swept_after(1, 2)] == [1, 0]

    assert standing(ada, order_id) == ("processing", "paid")


def test_a_message_whose_order_never_comes_is_told_to_people_after_a_day(shop: Shop) -> None:
    order_id = "ord_01JD0000000000000000000000"
    send(shop, event_of(order_id, AttemptState.CAPTURED))

    swept_after(60, 23 * 60)
    assert incidents(order_id) == []
    swept_after(24 * 60 + 1, 25 * 60)

    assert incidents(order_id) == ["unknown-order"]
    assert order_store.list_parked(limit=10) == []
    assert [event.order_id for event, _ in order_store.list_parked(limit=10, given_up=True)] == [order_id]


def refund_in_doubt(ada: Shop, mug: str) -> tuple[str, ledger.RefundRow]:
    order_id = ada.order((mug, 2)).body["orderId"]
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        assert ada("PUT", f"/orders/{order_id}/cancel").body["paymentStatus"] == "paid"
    (row,), _ = payment_store.list_refunds(order_id, limit=5, after=None)
    return order_id, ledger.new_refund(row, None)


def test_a_refund_that_is_told_of_is_settled_once(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, row = refund_in_doubt(ada, mug)
    event = ledger.refund_event(row)

    assert [send(shop, event).status for _ in range(2)] == [204, 204]

    assert standing(ada, order_id) == ("cancelled", "refunded")
    assert ada("GET", f"/orders/{order_id}").body["refunded"] == 25.0


def test_a_refund_that_was_refused_after_all_is_told_to_people(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, row = refund_in_doubt(ada, mug)
    refused = msgspec.structs.replace(row, state="failed", reason="closed_account")

    send(shop, ledger.refund_event(refused))

    assert standing(ada, order_id) == ("cancelled", "paid")
    assert [name.partition("-")[0] for name in incidents(order_id)] == ["refund"]


def test_a_refund_of_another_amount_or_that_nobody_asked_for_is_told_to_people(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, row = refund_in_doubt(ada, mug)

    send(shop, ledger.refund_event(msgspec.structs.replace(row, amount=2400)))
    send(shop, msgspec.structs.replace(ledger.refund_event(msgspec.structs.replace(row, amount=2400)), amount=2500))
    send(shop, ledger.refund_event(msgspec.structs.replace(row, refund_id="ref_01JD0000000000000000000000")))

    assert standing(ada, order_id) == ("cancelled", "paid")
    assert sorted(incidents(order_id)) == ["refund-amount", "unknown-refund"]


def given_up(ada: Shop, mug: str) -> tuple[str, Attempt]:
    """An order that has ended without its money, and its attempt."""
    order_id = waiting(ada, mug, "tok_timeout_before")
    attempt = payment_store.get_attempt(order_id, 1)
    swept_after(3, 7)
    assert attempt
    assert standing(ada, order_id) == ("cancelled", "failed")
    return order_id, attempt


def test_money_that_comes_after_the_end_goes_back_once(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, attempt = given_up(ada, mug)
    in_table.Simulator().charge(attempt, "tok_success")

    for name in ("evt_1", "evt_1", "evt_2"):
        assert send(shop, event_of(order_id, AttemptState.CAPTURED, event_id=name)).status == 204
    assert [run["refunded"] for run in swept_after(9, 10)] == [1, 0]

    assert standing(ada, order_id) == ("cancelled", "refunded")
    assert ada("GET", f"/orders/{order_id}").body["refunded"] == 25.0
    assert shop.stock(mug) == 10
    with clock.fixed(clock.now() + timedelta(minutes=11)):
        late = in_table.Simulator().look_up(attempt)
    assert late


def test_late_money_heard_of_while_the_table_is_busy_goes_back(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, attempt = given_up(ada, mug)
    in_table.Simulator().charge(attempt, "tok_success")

    with injected(refuse("TransactionConflict", times=10_000, only="transact")):
        assert send(shop, event_of(order_id, AttemptState.CAPTURED)).status == 503
    assert send(shop, event_of(order_id, AttemptState.CAPTURED)).status == 204  # the provider sends it again
    swept_after(9, 10)

    assert standing(ada, order_id) == ("cancelled", "refunded")


def test_parked_late_money_survives_a_busy_table(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, attempt = given_up(ada, mug)
    in_table.Simulator().charge(attempt, "tok_success")
    with mock.patch.object(order_store, "get_by_id", return_value=None):
        assert send(shop, event_of(order_id, AttemptState.CAPTURED)).status == 204

    def only_orders(operation: str, request: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and len(request["TransactItems"]) > 1:
            raise error("TransactionConflict")
        return go_on()

    with injected(only_orders):
        swept_after(9)
    swept_after(10, 60)

    assert standing(ada, order_id) == ("cancelled", "refunded")


@pytest.mark.parametrize("how", ["webhook", "sweep"])
def test_an_authorisation_of_another_amount_is_not_taken(shop: Shop, ada: Shop, mug: str, how: str) -> None:
    with mock.patch.object(in_table.Simulator, "capture", side_effect=port.NoAnswer):
        order_id = waiting(ada, mug, "tok_authorized")
    captured = []
    original = in_table.Simulator.capture

    def capture(self: Any, *said: Any) -> Outcome:
        captured.append(said)
        return msgspec.structs.replace(original(self, *said), amount=9900)

    wrong = Outcome(
        state=AttemptState.AUTHORIZED, payment_id=ledger.payment_id_of(f"{order_id}:1"), amount=9900, currency="USD"
    )
    with (
        mock.patch.object(in_table.Simulator, "capture", capture),
        mock.patch.object(in_table.Simulator, "look_up", return_value=wrong),
    ):
        if how == "webhook":
            send(shop, event_of(order_id, AttemptState.AUTHORIZED, amount=9900))
        else:
            swept_after(3)

    assert incidents(order_id) == ["payment-amount"]
    assert captured == [], "99 dollars were taken for an order of 25"


def test_the_reason_of_a_decline_survives_a_lost_answer(shop: Shop, ada: Shop, mug: str) -> None:
    def charge(_self: Any, attempt: Any, _token: str) -> Outcome:
        said = event_of(attempt.order_id, AttemptState.FAILED)
        send(
            shop, msgspec.structs.replace(said, outcome=Outcome(state=AttemptState.FAILED, reason="insufficient_funds"))
        )
        raise port.NoAnswer

    with mock.patch.object(in_table.Simulator, "charge", charge):
        answer = ada.order((mug, 2), Idempotency_Key="k")

    assert (answer.status, answer.body["reason"]) == (402, "insufficient_funds")


@pytest.mark.parametrize("state", [AttemptState.CAPTURED, AttemptState.AUTHORIZED])
def test_money_that_comes_after_the_payment_was_let_go_does_not_stay(
    shop: Shop, ada: Shop, mug: str, state: AttemptState
) -> None:
    order_id = waiting(ada, mug, "tok_requires_action")
    swept_after(16)
    assert standing(ada, order_id) == ("expired", "voided")

    send(shop, event_of(order_id, state))

    assert ada("GET", f"/orders/{order_id}").body["status"] == "expired"
    rows, _ = payment_store.list_refunds(order_id, limit=5, after=None)
    assert [row.amount for row in rows] == ([2500] if state is AttemptState.CAPTURED else [])


def test_a_refund_that_fails_after_it_succeeded_is_told_to_people(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, row = refund_in_doubt(ada, mug)
    send(shop, ledger.refund_event(row))
    assert standing(ada, order_id) == ("cancelled", "refunded")

    failed = msgspec.structs.replace(row, state=RefundState.FAILED, reason="expired_or_canceled_card")
    assert send(shop, ledger.refund_event(failed)).status == 204

    assert incidents(order_id) == ["refund-reversed"]
    assert standing(ada, order_id) == ("cancelled", "refunded")


def test_money_that_somebody_else_gave_back_is_told_to_people(shop: Shop, ada: Shop, mug: str) -> None:
    order_id = ada.order((mug, 2)).body["orderId"]
    root = shop.login("root@example.com")
    assert root("POST", f"/orders/{order_id}/refunds", {"amount": 10}).status == 201
    told = event_of(order_id, AttemptState.CAPTURED, kind=ProviderEventKind.GIVEN_BACK, outcome=None)

    send(shop, msgspec.structs.replace(told, amount=1000))
    assert incidents(order_id) == []
    for _ in range(2):
        assert send(shop, msgspec.structs.replace(told, amount=1700)).status == 204

    assert incidents(order_id) == ["refund-foreign"]
    assert standing(ada, order_id) == ("processing", "partially_refunded")


def test_an_authorisation_that_comes_after_the_end_is_let_go(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, attempt = given_up(ada, mug)
    in_table.Simulator().charge(attempt, "tok_authorized")
    told = event_of(order_id, AttemptState.AUTHORIZED)

    with mock.patch.object(in_table.Simulator, "void", side_effect=port.NoAnswer):
        assert send(shop, told).status == 503  # so that it is sent again
    assert send(shop, told).status == 204

    late = in_table.Simulator().look_up(attempt)
    assert late
    assert late.state is AttemptState.VOIDED
    assert standing(ada, order_id) == ("cancelled", "failed")


def test_an_authorisation_that_was_taken_after_the_end_goes_back(shop: Shop, ada: Shop, mug: str) -> None:
    order_id, attempt = given_up(ada, mug)
    in_table.Simulator().charge(attempt, "tok_success")

    assert send(shop, event_of(order_id, AttemptState.AUTHORIZED)).status == 204  # the later message came first
    swept_after(9)

    assert standing(ada, order_id) == ("cancelled", "refunded")
