"""The payments room: which provider a stage has, what silence means, and what is written of an attempt (P1, P2)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.aws import clients, db, keys
from chalicelib.core import clock, settings
from chalicelib.core.errors import Misconfigured, Unavailable
from chalicelib.orders import store as order_store
from chalicelib.orders import sweep
from chalicelib.payments import credentials, port, providers
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    InvalidSignature,
    Outcome,
    RefundOutcome,
    RefundState,
    may_become,
)
from chalicelib.payments.simulator import in_table, ledger, over_http, webhook_messages
from chalicelib.reports import audit
from tests.support.faults import injected, refuse
from tests.support.leaks import Watch
from tests.support.payments import SECRET, attempt, keep_secret, refund_of
from tests.support.schedule import swept_after
from tools.testing.shop import Shop


@pytest.fixture
def stage(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A stage whose settings a test changes."""
    settings.current.cache_clear()
    credentials.forget()
    yield monkeypatch
    monkeypatch.undo()
    settings.current.cache_clear()
    credentials.forget()


@pytest.mark.parametrize("name", ["simulator", "simulator-http", "paypal", "Stripe"])
def test_prod_never_plays_with_money(stage: pytest.MonkeyPatch, name: str) -> None:
    stage.setenv("STAGE", "prod")
    stage.setenv("PAYMENT_PROVIDER", name)

    with pytest.raises(Misconfigured, match="PAYMENT_PROVIDER"):
        providers.current()


def test_a_stage_gets_the_provider_that_it_names(stage: pytest.MonkeyPatch) -> None:
    assert isinstance(providers.current(), in_table.Simulator)
    settings.current.cache_clear()
    stage.setenv("PAYMENT_PROVIDER", "simulator-http")
    stage.setenv("PAYMENT_URL", "http://127.0.0.1:8765")

    assert isinstance(providers.current(), over_http.Remote)


def test_stripe_is_loaded_only_where_it_is_used() -> None:
    asked = "from chalicelib.payments import providers; providers.current()"
    code = f"import sys, app; {asked}; print('stripe' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("silence", [port.NoAnswer, Unavailable("busy")])
def test_silence_is_unknown_and_never_a_failure(aws: None, silence: Exception) -> None:
    paid, unknown = attempt(), Outcome(state=AttemptState.UNKNOWN)
    refund = refund_of(paid, "pay_1")
    silent = mock.create_autospec(in_table.Simulator, instance=True)
    for name in ("charge", "look_up", "capture", "void", "refund", "look_up_refund"):
        getattr(silent, name).side_effect = silence

    with mock.patch.object(providers, "current", return_value=silent):
        asked = [
            payments.charge(paid, "t"),
            payments.look_up(paid),
            payments.capture(paid, "p"),
            payments.void(paid, "p"),
        ]
        pending = payments.refund(refund)
        with pytest.raises(payments.ProviderSilent):
            payments.look_up_refund(refund)

    assert asked == [unknown] * 4
    assert pending == RefundOutcome(state=RefundState.PENDING)


def test_what_the_provider_says_is_passed_on(aws: None) -> None:
    paid = attempt()
    outcome = payments.charge(paid, "tok_authorized")

    assert outcome.state is AttemptState.AUTHORIZED
    assert payments.look_up(paid) == outcome
    assert payments.look_up(attempt()) is None
    assert payments.capture(paid, str(outcome.payment_id)).state is AttemptState.CAPTURED
    assert payments.void(paid, str(outcome.payment_id)).state is AttemptState.CAPTURED
    refund = refund_of(paid, outcome.payment_id)
    assert payments.look_up_refund(refund) is None
    assert payments.refund(refund).state is RefundState.SUCCEEDED


@pytest.mark.parametrize("current", AttemptState)
def test_an_attempt_is_written_only_where_the_rules_let_it_go(aws: None, current: AttemptState) -> None:
    for following in AttemptState:
        paid = attempt()
        db.commit(payment_store.create_attempt(paid))
        force(paid.order_id, current)

        with nullcontext() if may_become(current, following) else pytest.raises(db.Stale):
            db.commit(
                payment_store.settle_attempt(paid, Outcome(state=following, payment_id="pay_1", reason="because"))
            )

        found, moved = payment_store.get_attempt(paid.order_id, 1), may_become(current, following)
        assert found
        assert (found.state, found.payment_id) == ((following, "pay_1") if moved else (current, None))


def force(order_id: str, state: AttemptState) -> None:
    boto3.client("dynamodb").update_item(
        TableName="ecommerce-test",
        Key={"PK": {"S": f"ORDER#{order_id}"}, "SK": {"S": "PAY#001"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": {"S": state}},
    )


def test_an_attempt_is_on_its_way_once_it_is_stored_and_keeps_what_it_knew(aws: None) -> None:
    paid = attempt()
    assert paid.state is AttemptState.CREATED
    db.commit(payment_store.create_attempt(paid))
    assert payment_store.get_attempt(paid.order_id, 1) == msgspec.structs.replace(paid, state=AttemptState.PROCESSING)

    db.commit(payment_store.settle_attempt(paid, Outcome(state=AttemptState.REQUIRES_ACTION, payment_id="pay_1")))
    db.commit(payment_store.settle_attempt(paid, Outcome(state=AttemptState.UNKNOWN)))

    found = payment_store.get_attempt(paid.order_id, 1)
    assert found
    assert (found.state, found.payment_id) == (AttemptState.UNKNOWN, "pay_1")
    assert payment_store.get_attempt(paid.order_id, 2) is None


@pytest.mark.parametrize("state", [RefundState.SUCCEEDED, RefundState.FAILED])
def test_a_refund_ends_once_and_is_then_pending_no_more(aws: None, state: RefundState) -> None:
    refund = refund_of(attempt(), "pay_1")
    db.commit(payment_store.create_refund(refund))
    soon = clock.timestamp(clock.now() + timedelta(minutes=1))
    assert payment_store.list_pending_refunds(before=soon, limit=10) == [refund]

    ended = {"at": soon, "order_version": 3}
    db.commit(payment_store.settle_refund(refund, RefundOutcome(state=state, reason="because"), **ended))

    assert payment_store.list_pending_refunds(before=soon, limit=10) == []
    found = payment_store.get_refund(refund.order_id, refund.refund_id)
    assert found
    assert (found.state, found.reason, found.updated_at, found.order_version) == (state, "because", soon, 3)
    for following in (RefundState.SUCCEEDED, RefundState.FAILED):
        with pytest.raises(db.Stale):
            db.commit(payment_store.settle_refund(refund, RefundOutcome(state=following), **ended))


def test_the_tables_ledger_shows_every_charge_that_was_asked_for(aws: None) -> None:
    paid, simulation = attempt(), in_table.Simulator()
    for token in ("tok_success", "tok_success", "tok_declined"):
        simulation.charge(paid, token)

    items = clients.dynamodb().scan(TableName="ecommerce-test")["Items"]
    lines = [item["effect"]["S"] for item in items if item["SK"]["S"].startswith("CALL#")]

    assert sorted(lines) == ["", "", "captured"]


def test_a_table_that_is_busy_leaves_the_charge_unknown(aws: None) -> None:
    with injected(refuse("ThrottlingException", times=10_000)):
        assert payments.charge(attempt(), "tok_success").state is AttemptState.UNKNOWN


def test_a_webhook_is_believed_under_any_secret_of_the_stage_and_new_ones_are_learnt(stage: pytest.MonkeyPatch) -> None:
    keep_secret({"webhookSecret": SECRET})
    body, now = (
        webhook_messages.write(ledger.payment_event(ledger.new_payment(attempt(), "tok_success"))),
        clock.epoch(),
    )
    assert payments.read_event(body, webhook_messages.signed_headers(body, SECRET, now))

    with mock.patch.object(credentials, "forget"):
        keep_secret({"webhookSecret": ["the next secret", SECRET]})
    with pytest.raises(InvalidSignature):
        payments.read_event(body, webhook_messages.signed_headers(body, "the next secret", now))
    with mock.patch.object(clock, "monotonic", return_value=clock.monotonic() + credentials.ASK_AGAIN_SECONDS + 1):
        assert payments.read_event(body, webhook_messages.signed_headers(body, "the next secret", now))


@pytest.mark.parametrize("value", [{}, {"webhookSecret": ""}, {"webhookSecret": []}, {"webhookSecret": ["", " "]}])
def test_without_a_secret_no_webhook_is_believed(stage: pytest.MonkeyPatch, value: dict[str, object]) -> None:
    keep_secret(value)

    with pytest.raises(Misconfigured, match="webhookSecret"):
        payments.read_event(b"{}", webhook_messages.signed_headers(b"{}", "", clock.epoch()))


@pytest.mark.parametrize("value", ["no json", "[]", '{"apiKey": 1}', None])
def test_a_payment_secret_that_is_none_is_named(stage: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        keep_secret(value)

    with pytest.raises(Misconfigured, match="ecommerce/test/payment/api-key"):
        credentials.get()


@pytest.mark.parametrize("value", [{}, {"apiKey": ""}, {"apiKey": "not-set"}])
def test_an_api_key_that_nobody_has_put_in_is_missing(stage: pytest.MonkeyPatch, value: dict[str, str]) -> None:
    keep_secret(value)

    with pytest.raises(Misconfigured, match="apiKey"):
        credentials.api_key()


def test_credentials_are_read_once_in_five_minutes_and_outlive_a_silent_store(stage: pytest.MonkeyPatch) -> None:
    keep_secret({"apiKey": "sk_test_1"})
    assert credentials.api_key() == "sk_test_1"
    with mock.patch.object(clients, "secretsmanager", side_effect=AssertionError("asked again")):
        assert credentials.api_key() == "sk_test_1"

    later = clock.monotonic() + credentials.CACHE_SECONDS + 1
    with (
        mock.patch.object(clock, "monotonic", return_value=later),
        mock.patch.object(clients, "secretsmanager", side_effect=EndpointConnectionError(endpoint_url="silent")),
    ):
        assert credentials.api_key() == "sk_test_1"
        credentials.forget()
        with pytest.raises(Unavailable):
            credentials.api_key()


def test_credentials_do_not_show_themselves(aws: None) -> None:
    known = credentials.ProviderCredentials(api_key="sk_live_secret", webhook_secret=["whsec_secret"])

    assert "secret" not in f"{known} {known!r} {[known]}"


def test_no_payment_token_or_secret_is_logged(stage: pytest.MonkeyPatch) -> None:
    watch = Watch(stage)
    keep_secret({"webhookSecret": SECRET})
    paid = attempt()

    outcome = payments.charge(paid, "tok_requires_action")
    payments.void(paid, str(outcome.payment_id))
    with pytest.raises(InvalidSignature):
        payments.read_event(b"{}", {webhook_messages.HEADER: "t=1,v1=00"})

    text = json.dumps(watch.lines)
    assert "PAYMENT_PROCESSED" in text
    assert not [each for each in ("tok_requires_action", SECRET, "simulator.invalid") if each in text]


def waiting(ada: Shop, mug: str) -> tuple[str, Attempt]:
    """The path of an order that waits for its buyer, and its attempt."""
    placed = ada.order((mug, 2), token="tok_requires_action")
    paid = payment_store.get_attempt(placed.body["orderId"], 1)
    assert paid
    assert (placed.status, placed.body["paymentStatus"]) == (202, "requires_action")
    return f"/orders/{placed.body['orderId']}", paid


def test_an_order_whose_payment_waits_stays_in_doubt_until_it_is_paid(shop: Shop, ada: Shop, mug: str) -> None:
    path, paid = waiting(ada, mug)

    before = ada("GET", path).text
    assert [run["settled"] for run in swept_after(3, 6)] == [0, 0]
    assert ada("GET", path).text == before
    in_table.Simulator().complete(paid.merchant_key)

    assert swept_after(14)[0]["settled"] == 1
    assert ada("GET", path).body["paymentStatus"] == "paid"
    assert shop.stock(mug) == 8


def test_an_authorised_payment_is_taken_at_once_and_by_the_schedule_if_that_had_no_answer(
    shop: Shop, ada: Shop, mug: str
) -> None:
    assert ada.order((mug, 1), token="tok_authorized").body["paymentStatus"] == "paid"
    with mock.patch.object(in_table.Simulator, "capture", side_effect=port.NoAnswer):
        placed = ada.order((mug, 2), token="tok_authorized")
    assert (placed.status, placed.body["paymentStatus"]) == (202, "authorized")

    assert swept_after(3)[0]["settled"] == 1

    assert ada("GET", f"/orders/{placed.body['orderId']}").body["paymentStatus"] == "paid"
    assert shop.stock(mug) == 7


def test_a_payment_that_was_let_go_at_the_provider_ends_its_order(shop: Shop, ada: Shop, mug: str) -> None:
    path, paid = waiting(ada, mug)
    in_table.Simulator().void(paid, ledger.payment_id_of(paid.merchant_key))

    assert swept_after(5)[0]["settled"] == 1

    ended = ada("GET", path).body
    assert (ended["status"], ended["paymentStatus"], shop.stock(mug)) == ("cancelled", "voided", 10)


def test_a_refund_that_is_refused_is_told_and_not_asked_for_again(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1), token="tok_refund_fails").body["orderId"]

    cancelled = ada("PUT", f"/orders/{order}/cancel").body

    assert (cancelled["status"], cancelled["paymentStatus"]) == ("cancelled", "paid")
    assert not any(swept_after(5)[0].values())
    (refund,) = db.query(db.TABLE, f"ORDER#{order}", prefix="REFUND#", limit=5).items
    assert (refund["state"], refund["reason"]) == ("failed", "refund_refused")
    (incident,) = db.query(db.TABLE, f"ORDER#{order}", prefix=keys.INCIDENT_PREFIX, limit=5).items
    assert incident["facts"] == {"reason": "refund_refused"}


def test_two_who_ask_for_a_lost_charge_at_once_have_missed_it_once(shop: Shop, ada: Shop, mug: str) -> None:
    with mock.patch.object(in_table.Simulator, "charge", side_effect=SystemExit), pytest.raises(SystemExit):
        ada.order((mug, 2), Idempotency_Key="k")
    original, raced = db.get, []

    def get(key: keys.Key, **how: Any) -> Any:
        item = original(key, **how)
        if key.sk.startswith("PAY#") and not raced and item and "misses" not in item:
            raced.append(1)
            db.commit(db.update(key, "SET misses = :one", {":one": 1}))  # the schedule does the same meanwhile
        return item

    with clock.fixed(clock.now() + timedelta(minutes=3)), mock.patch.object(db, "get", get):
        answer = ada.order((mug, 2), Idempotency_Key="k")

    assert raced
    assert answer.status == 202
    assert ada("GET", f"/orders/{answer.body['orderId']}").body["status"] == "pending"  # asked once and not twice


def test_a_payment_whose_id_is_known_is_looked_up_by_it(shop: Shop, ada: Shop, mug: str) -> None:
    path, _paid = waiting(ada, mug)

    order = order_store.get_by_id(path.removeprefix("/orders/"))

    assert order
    assert order.payment_id
    assert order.first_attempt().payment_id == order.payment_id


def test_an_order_whose_expiry_was_not_heard_of_is_expired_in_the_end(shop: Shop, ada: Shop, mug: str) -> None:
    path, _paid = waiting(ada, mug)
    original = in_table.Simulator.void

    def void(*said: Any) -> Outcome:
        original(*said)
        raise port.NoAnswer

    with mock.patch.object(in_table.Simulator, "void", void):
        swept_after(16)
    swept_after(32, 64, 130)

    ended = ada("GET", path).body
    assert (ended["status"], ended["paymentStatus"]) == ("expired", "voided")


def test_an_overdue_order_is_listed_as_expired_before_anybody_wrote_so(shop: Shop, ada: Shop, mug: str) -> None:
    waiting(ada, mug)
    root = shop.login("root@example.com")

    with clock.fixed(clock.now() + timedelta(minutes=16)):
        lists = [[order["status"] for order in reader("GET", "/orders").body["orders"]] for reader in (ada, root)]
        pending = ada("GET", "/orders?status=pending").body["orders"]

    assert lists == [["expired"], ["expired"]]
    assert pending == []


def other_amount(ada: Shop, mug: str, token: str) -> tuple[str, Attempt]:
    """The path of an order of 25 dollars in doubt for which the provider has 99, and its attempt; people know of it."""
    path, paid = in_doubt(ada, mug)
    in_table.Simulator().charge(msgspec.structs.replace(paid, amount=9900), token)
    swept_after(3, 60)
    names = [
        item["name"]
        for item in db.query(db.TABLE, f"ORDER#{paid.order_id}", prefix=keys.INCIDENT_PREFIX, limit=5).items
    ]
    assert names == ["payment-amount"]
    return path, paid


def in_doubt(ada: Shop, mug: str) -> tuple[str, Attempt]:
    """The path of an order whose charge was not answered, and its attempt."""
    placed = ada.order((mug, 2), token="tok_timeout_before")
    paid = payment_store.get_attempt(placed.body["orderId"], 1)
    assert paid
    return f"/orders/{placed.body['orderId']}", paid


@pytest.mark.parametrize(("token", "end"), [("tok_success", "refunded"), ("tok_authorized", "voided")])
def test_an_order_paid_with_another_amount_is_ended_by_an_admin_and_all_of_it_goes_back(
    shop: Shop, ada: Shop, mug: str, token: str, end: str
) -> None:
    path, paid = other_amount(ada, mug, token)
    root = shop.login("root@example.com")

    assert ada("PUT", f"{path}/cancel").body["code"] == "payment_outcome_unknown"
    cancelled = root("PUT", f"{path}/status", {"status": "cancelled"})

    assert (cancelled.status, cancelled.body["status"], cancelled.body["paymentStatus"]) == (200, "cancelled", end)
    row = in_table.TableLedger().payment(paid.merchant_key)
    assert row
    assert (row.state, row.refunded) == (end, 9900 if end == "refunded" else 0)
    assert shop.stock(mug) == 10
    assert audit.run(seconds=60).drifts == []
    attempt = payment_store.get_attempt(paid.order_id, 1)
    assert attempt
    assert attempt.state == end


@pytest.mark.parametrize(
    "found",
    [
        Outcome(state=AttemptState.UNKNOWN),
        Outcome(state=AttemptState.CAPTURED, payment_id="pay_1", amount=2500, currency="USD"),
        Outcome(state=AttemptState.CAPTURED, payment_id="pay_1", amount=2500, currency="EUR"),
        Outcome(state=AttemptState.PROCESSING, payment_id="pay_1", amount=9900, currency="USD"),
    ],
)
def test_an_order_whose_payment_may_still_be_as_it_should_is_ended_by_nobody(
    shop: Shop, ada: Shop, mug: str, found: Outcome
) -> None:
    path, _paid = in_doubt(ada, mug)
    root = shop.login("root@example.com")

    with mock.patch.object(in_table.Simulator, "look_up", return_value=found):
        refused = root("PUT", f"{path}/status", {"status": "cancelled"})

    assert (refused.status, refused.body["code"]) == (409, "payment_outcome_unknown")


def test_an_order_that_was_placed_a_moment_ago_is_left_to_its_request(ada: Shop, mug: str) -> None:
    in_doubt(ada, mug)

    with mock.patch.object(in_table.Simulator, "look_up") as asked, clock.fixed(clock.now() + timedelta(seconds=55)):
        sweep.run(seconds=10)

    asked.assert_not_called()


@pytest.mark.parametrize("before", [0, 1])
def test_of_two_who_miss_a_payment_at_once_one_is_counted(aws: None, before: int) -> None:
    paid = attempt()
    db.commit(payment_store.create_attempt(paid))
    assert [payment_store.count_miss(paid) for _ in range(before)] == list(range(1, before + 1))
    original, counted = db.get, []

    def get(key: keys.Key, **how: Any) -> Any:
        item = original(key, **how)
        if not counted:
            counted.append(0)  # so that the other one's own look is let through
            counted.append(payment_store.count_miss(paid))
        return item

    with mock.patch.object(db, "get", get):
        mine = payment_store.count_miss(paid)

    assert (counted[1], mine) == (before + 1, before)
    assert payment_store.count_miss(paid) == before + 2
