"""The simulator's behaviour, the same with its books in the table and as a service of its own (P6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.core import clock
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    InvalidSignature,
    Outcome,
    ProviderEventKind,
    RefundState,
    UnreadableEvent,
)
from chalicelib.payments.port import NoAnswer, Provider
from chalicelib.payments.returns import Dispute, DisputeStatus, ProviderRefund
from chalicelib.payments.simulator import ledger, webhook_messages
from chalicelib.payments.simulator.behaviour import NotPossible
from chalicelib.payments.simulator.in_table import Simulator
from chalicelib.payments.simulator.over_http import Remote
from tests.support.payments import SECRET, attempt, keep_secret, refund_of
from tools.payments.simulator import running

TOKENS = {
    "tok_success": (AttemptState.CAPTURED, None),
    "tok_refund_fails": (AttemptState.CAPTURED, None),
    "tok_authorized": (AttemptState.AUTHORIZED, None),
    "tok_requires_action": (AttemptState.REQUIRES_ACTION, None),
    "tok_declined": (AttemptState.FAILED, "card_declined"),
    "tok_insufficient_funds": (AttemptState.FAILED, "insufficient_funds"),
    "tok_anything_else": (AttemptState.FAILED, "invalid_payment_method"),
}


@pytest.fixture(params=["table", "service"])
def provider(request: pytest.FixtureRequest, aws: None, tmp_path: Path) -> Iterator[Provider]:
    if request.param == "table":
        yield Simulator()
        return
    with running(tmp_path) as url:
        yield Remote(url)


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_decides_what_becomes_of_a_charge(provider: Provider, token: str) -> None:
    paid = attempt()

    outcome = provider.charge(paid, token)

    assert (outcome.state, outcome.reason) == TOKENS[token]
    assert outcome.is_about(2500, "USD")
    assert (outcome.payment_id is None) is (outcome.state is AttemptState.FAILED)
    assert (outcome.next_action is not None) is (outcome.state is AttemptState.REQUIRES_ACTION)
    assert provider.look_up(paid) == outcome


@pytest.mark.parametrize(("token", "charged"), [("tok_timeout", True), ("tok_timeout_before", False)])
def test_a_lost_answer_may_hide_a_charge_and_a_lost_request_hides_none(
    provider: Provider, token: str, *, charged: bool
) -> None:
    paid = attempt()

    with pytest.raises(NoAnswer):
        provider.charge(paid, token)

    found = provider.look_up(paid)
    assert (found.state is AttemptState.CAPTURED) if charged and found else found is None


def test_a_merchant_key_is_charged_once_whatever_is_sent_again(provider: Provider) -> None:
    paid = attempt()
    first = provider.charge(paid, "tok_success")

    assert provider.charge(paid, "tok_declined") == first
    with pytest.raises(NoAnswer):
        provider.charge(paid, "tok_timeout")
    assert provider.look_up(paid) == first
    assert provider.charge(attempt(2, paid.order_id), "tok_success").payment_id != first.payment_id


def charged(provider: Provider, token: str) -> tuple[Attempt, Outcome]:
    paid = attempt()
    return paid, provider.charge(paid, token)


@pytest.mark.parametrize(
    ("token", "captured", "voided"),
    [
        ("tok_authorized", AttemptState.CAPTURED, AttemptState.VOIDED),
        ("tok_requires_action", AttemptState.REQUIRES_ACTION, AttemptState.VOIDED),
        ("tok_success", AttemptState.CAPTURED, AttemptState.CAPTURED),
        ("tok_declined", AttemptState.FAILED, AttemptState.FAILED),
    ],
)
def test_capturing_and_voiding_take_effect_once_and_tell_when_it_is_too_late(
    provider: Provider, token: str, captured: AttemptState, voided: AttemptState
) -> None:
    paid, other = (charged(provider, token)[0] for _ in range(2))
    first, second = (ledger.payment_id_of(each.merchant_key) for each in (paid, other))

    assert [provider.capture(paid, first).state for _ in range(2)] == [captured] * 2
    assert [provider.void(other, second).state for _ in range(2)] == [voided] * 2
    for change in (provider.capture, provider.void):
        with pytest.raises(NoAnswer):
            change(paid, second)


def test_what_was_captured_cannot_be_voided_nor_the_reverse(provider: Provider) -> None:
    paid, outcome = charged(provider, "tok_authorized")
    other, waiting = charged(provider, "tok_authorized")

    provider.capture(paid, str(outcome.payment_id))
    provider.void(other, str(waiting.payment_id))

    assert provider.void(paid, str(outcome.payment_id)).state is AttemptState.CAPTURED
    assert provider.capture(other, str(waiting.payment_id)).state is AttemptState.VOIDED


def test_a_refund_happens_once_per_id_and_never_beyond_what_was_paid(provider: Provider) -> None:
    paid, outcome = charged(provider, "tok_success")
    first, rest, more = (refund_of(paid, outcome.payment_id, amount) for amount in (1000, 1500, 1))
    assert provider.look_up_refund(first) is None

    states = [provider.refund(each).state for each in (first, first, rest, more)]

    assert states == [RefundState.SUCCEEDED] * 3 + [RefundState.FAILED]
    assert [(each.state, each.amount) for each in filter(None, map(provider.look_up_refund, (first, rest, more)))] == [
        (RefundState.SUCCEEDED, 1000), (RefundState.SUCCEEDED, 1500), (RefundState.FAILED, 1),
    ]  # fmt: skip
    found = provider.look_up(paid)
    assert found
    assert found.state is AttemptState.CAPTURED


@pytest.mark.parametrize(
    ("token", "changes", "reason"),
    [
        ("tok_refund_fails", {}, "refund_refused"),
        ("tok_authorized", {}, "not_captured"),
        ("tok_declined", {}, "not_captured"),
        ("tok_success", {"payment_id": "pay_nobodys"}, "no_such_payment"),
        ("tok_success", {"currency": "EUR"}, "more_than_was_paid"),
        ("tok_success", {"amount": 0}, "more_than_was_paid"),
    ],
)
def test_a_refund_that_is_refused_says_why_and_stays_refused(
    provider: Provider, token: str, changes: dict[str, object], reason: str
) -> None:
    paid = attempt()
    provider.charge(paid, token)
    whole = refund_of(paid, ledger.payment_id_of(paid.merchant_key))
    refund = msgspec.structs.replace(whole, **changes)

    outcomes = [provider.refund(refund) for _ in range(2)]

    assert [(each.state, each.reason) for each in outcomes] == [(RefundState.FAILED, reason)] * 2


def test_a_signed_message_is_read_and_any_other_refused(provider: Provider) -> None:
    keep_secret({"webhookSecret": ["the old one", SECRET]})
    paid = attempt()
    payment = ledger.new_payment(paid, "tok_success")
    body, now = webhook_messages.write(ledger.payment_event(payment)), clock.epoch()

    event = provider.read_event(body, webhook_messages.signed_headers(body, SECRET, now), now)

    assert event
    assert (event.kind, event.merchant_key, event.order_id) == (
        ProviderEventKind.PAYMENT,
        paid.merchant_key,
        paid.order_id,
    )
    assert (event.amount, event.currency, event.outcome) == (2500, "USD", payment.outcome())
    for headers, at in [({}, now), (webhook_messages.signed_headers(body, "guessed", now), now),
                        (webhook_messages.signed_headers(body, SECRET, now), now + 301)]:  # fmt: skip
        with pytest.raises(InvalidSignature):
            provider.read_event(body, headers, at)
    with pytest.raises(UnreadableEvent):
        provider.read_event(b"{}", webhook_messages.signed_headers(b"{}", SECRET, now), now)


def test_a_refunds_message_names_the_refund(provider: Provider) -> None:
    keep_secret({"webhookSecret": SECRET})
    refund = refund_of(attempt(), "pay_1", 700)
    body, now = webhook_messages.write(ledger.refund_event(ledger.new_refund(refund, "refund_refused"))), clock.epoch()

    event = provider.read_event(body, webhook_messages.signed_headers(body, SECRET, now), now)

    assert event
    assert (event.kind, event.refund_id, event.order_id) == (
        ProviderEventKind.REFUND,
        refund.refund_id,
        refund.order_id,
    )
    assert event.refund
    assert (event.refund.state, event.refund.reason, event.amount) == (RefundState.FAILED, "refund_refused", 700)


@pytest.mark.fault("F20")
def test_what_is_refunded_and_disputed_at_the_provider_is_told_and_no_more_than_was_paid(provider: Provider) -> None:
    tried, taken = charged(provider, "tok_success")
    payment, key = str(taken.payment_id), tried.merchant_key
    there = provider if isinstance(provider, Simulator) else Desk(provider)

    there.refund_there(key, 500)
    disputed = there.dispute(key, 1200, "fraudulent")
    refused = provider.refund(refund_of(tried, payment, 100))
    lost = there.close_dispute(key, DisputeStatus.LOST)

    said = provider.look_up_returns(payment)
    assert [(each.refund_id, each.amount) for each in said.refunds] == [(None, 500)]
    assert (disputed.status, said.disputes, said.total) == ("open", [lost], 1700)
    assert (refused.state, refused.reason) == (RefundState.FAILED, "charge_disputed")
    assert provider.refund(refund_of(tried, payment, 801)).reason == "more_than_was_paid"
    assert provider.refund(refund_of(tried, payment, 800)).state is RefundState.SUCCEEDED
    with pytest.raises(NotPossible):
        there.refund_there(key, 1)


class Desk:
    """Whoever works at the service, by its addresses."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def refund_there(self, key: str, amount: int) -> ProviderRefund:
        return self._post(f"{key}/refund", {"amount": amount}, ProviderRefund)

    def dispute(self, key: str, amount: int, reason: str) -> Dispute:
        return self._post(f"{key}/dispute", {"amount": amount, "reason": reason}, Dispute)

    def close_dispute(self, key: str, status: str) -> Dispute:
        return self._post(f"{key}/dispute", {"status": status}, Dispute)

    def _post(self, path: str, body: dict[str, Any], shape: Any) -> Any:
        try:
            return self._service._post(f"/_simulator/payments/{path}", body, shape)
        except NoAnswer as error:
            raise NotPossible(str(error)) from error
