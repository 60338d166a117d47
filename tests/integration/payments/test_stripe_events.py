"""Stripe's webhooks: signed by its own library, read from its documented shapes (P5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stripe as library

from chalicelib.core import clock
from chalicelib.payments import credentials, providers
from chalicelib.payments.models import (
    AttemptState,
    InvalidSignature,
    ProviderEvent,
    ProviderEventKind,
    RefundState,
    UnreadableEvent,
)
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.stripe.provider import Stripe
from tests.support.fake_stripe import shape
from tests.support.payments import keep_secret, paid_by_stripe

NOW = 1_700_000_000
OURS = {"merchantKey": "ord_1:2", "orderId": "ord_1"}
REFUND = {"refundId": "ref_1", "orderId": "ord_1"}


@pytest.fixture
def stripe(aws: None) -> Iterator[Stripe]:
    keep_secret({"apiKey": "sk_test_1", "webhookSecret": ["whsec_old", "whsec_new"]})
    yield Stripe(library.StripeClient("sk_test_1"))
    credentials.forget()


def event(kind: str, about: dict[str, Any]) -> bytes:
    return json.dumps(shape("event", type=kind, data={"object": about})).encode()


def signed(body: bytes, secret: str = "whsec_new", at: int = NOW) -> dict[str, str]:
    return {"Stripe-Signature": library.WebhookSignature.generate_signature_header(body.decode(), secret, at)}


def heard(stripe: Stripe, kind: str, about: dict[str, Any]) -> ProviderEvent | None:
    body = event(kind, about)
    return stripe.read_event(body, signed(body), NOW)


def intent(**changes: Any) -> dict[str, Any]:
    return shape("payment_intent", metadata=OURS, **changes)


@pytest.mark.parametrize(
    ("kind", "changes", "state", "amount"),
    [
        ("payment_intent.succeeded", {}, AttemptState.CAPTURED, 2000),
        ("payment_intent.succeeded", {"amount_received": 1900}, AttemptState.CAPTURED, 1900),
        ("payment_intent.payment_failed",
         {"status": "requires_payment_method", "last_payment_error": shape("card_error"), "amount_received": 0},
         AttemptState.FAILED, 2000),
        ("payment_intent.canceled", {"status": "canceled", "amount_received": 0}, AttemptState.VOIDED, 2000),
        ("payment_intent.amount_capturable_updated", {"status": "requires_capture", "amount_received": 0},
         AttemptState.AUTHORIZED, 2000),
        ("payment_intent.requires_action", {"status": "requires_action", "next_action": shape("next_action")},
         AttemptState.REQUIRES_ACTION, 2000),
    ],
)  # fmt: skip
def test_what_became_of_a_payment_is_read(
    stripe: Stripe, kind: str, changes: dict[str, Any], state: AttemptState, amount: int
) -> None:
    said = heard(stripe, kind, intent(**changes))

    assert said
    assert said.outcome
    assert (said.kind, said.order_id, said.merchant_key) == (ProviderEventKind.PAYMENT, "ord_1", "ord_1:2")
    assert (said.outcome.state, said.amount, said.currency) == (state, amount, "USD")
    assert (said.event_id, said.created_at) == ("evt_1NG8Du2eZvKYlo2CUI79vXWy", "2023-06-06T22:19:30.000Z")


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("refund.created", "succeeded", RefundState.SUCCEEDED),
        ("refund.updated", "succeeded", RefundState.SUCCEEDED),
        ("charge.refund.updated", "canceled", RefundState.FAILED),
        ("refund.failed", "failed", RefundState.FAILED),
    ],
)
def test_what_became_of_a_refund_is_read(stripe: Stripe, kind: str, status: str, state: RefundState) -> None:
    said = heard(stripe, kind, shape("refund", metadata=REFUND, status=status, currency="isk", amount=700))

    assert said
    assert said.refund
    assert (said.kind, said.order_id, said.refund_id) == (ProviderEventKind.REFUND, "ord_1", "ref_1")
    assert (said.refund.state, said.amount, said.currency) == (state, 7, "ISK")


def test_all_that_went_back_of_a_payment_is_read(stripe: Stripe) -> None:
    said = heard(stripe, "charge.refunded", shape("charge", metadata=OURS, amount_refunded=1200))

    assert said
    assert (said.kind, said.order_id, said.merchant_key) == (ProviderEventKind.GIVEN_BACK, "ord_1", "ord_1:2")
    assert (said.amount, said.currency, said.outcome, said.refund) == (1200, "USD", None, None)


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("customer.created", {"id": "cus_1", "object": "customer"}),
        ("charge.succeeded", {"id": "ch_1"}),
        ("charge.refunded", shape("charge")),
        ("payment_intent.created", intent(status="requires_payment_method")),
        ("payment_intent.succeeded", shape("payment_intent")),
        ("payment_intent.requires_action", intent(status="processing")),
        ("refund.created", shape("refund", payment_intent=None)),
        ("charge.dispute.created", shape("dispute", payment_intent=None)),
        ("refund.updated", shape("refund", metadata=REFUND, status="pending")),
    ],
)
def test_what_does_not_matter_is_left_alone(stripe: Stripe, kind: str, about: dict[str, Any]) -> None:
    assert heard(stripe, kind, about) is None


def test_every_secret_is_good_while_they_change(stripe: Stripe) -> None:
    body = event("payment_intent.succeeded", intent())

    assert [bool(stripe.read_event(body, signed(body, secret), NOW)) for secret in ("whsec_old", "whsec_new")]


BODY = event("payment_intent.succeeded", intent())


@pytest.mark.parametrize(
    ("body", "headers", "now"),
    [
        (BODY, {}, NOW),
        (BODY, {"Stripe-Signature": ""}, NOW),
        (BODY, {"Stripe-Signature": "t=1,v1="}, NOW),
        (BODY, {"Stripe-Signature": f"t={NOW},v1=caf\u00e9"}, NOW),
        (BODY, signed(BODY, "whsec_guessed"), NOW),
        (BODY, signed(BODY), NOW + 301),
        (BODY, signed(BODY), NOW - 301),
        (BODY + b" ", signed(BODY), NOW),
        (BODY.replace(b"2000", b"2001"), signed(BODY), NOW),
        (b"\xff\xfe", signed(BODY), NOW),
        (BODY, {"Stripe-Signature": signed(BODY)["Stripe-Signature"].replace("v1", "v0")}, NOW),
    ],
)
def test_what_stripe_did_not_sign_lately_is_refused(
    stripe: Stripe, body: bytes, headers: dict[str, str], now: int
) -> None:
    with pytest.raises(InvalidSignature):
        stripe.read_event(body, headers, now)


def test_the_age_is_judged_by_the_clock_that_is_handed_in(stripe: Stripe) -> None:
    assert stripe.read_event(BODY, signed(BODY), NOW + 300)
    assert clock.epoch() > NOW + 300


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"not json",
        event("payment_intent.succeeded", {"id": "pi_1"}),
        event("payment_intent.succeeded", intent(status="richer")),
        event("payment_intent.succeeded", intent(currency="isk", amount=2050, amount_received=2050)),
        event("refund.failed", shape("refund", metadata=REFUND, status="lost")),
    ],
)
def test_what_is_signed_but_makes_no_sense_is_told_apart(stripe: Stripe, body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        stripe.read_event(body, signed(body), NOW)


def test_what_was_told_is_listed_from_the_oldest_on(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(number: int, kind: str, about: dict[str, Any]) -> dict[str, Any]:
        return shape("event", id=f"evt_{number}", created=NOW + number, type=kind, data={"object": about})

    with paid_by_stripe(monkeypatch) as account:
        account.events += [
            told(1, "payment_intent.succeeded", intent()),
            told(2, "payment_intent.succeeded", shape("payment_intent", metadata={})),  # of another system
            told(3, "refund.updated", shape("refund", metadata=REFUND)),
            told(4, "payout.paid", {}),
            told(5, "payment_intent.canceled", intent(status="canceled")),
        ]
        chosen = providers.current()
        assert isinstance(chosen, Stripe)
        chosen._page_size, chosen._max_pages = 2, 1  # more than anybody waits for but an operator
        found = list(chosen.list_events(NOW + 2)), list(chosen.list_events(NOW))

    assert [[each.event_id for each in events] for events in found] == [["evt_3", "evt_5"], ["evt_1", "evt_3", "evt_5"]]


def test_a_key_that_may_not_list_what_was_told_is_no_answer(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with paid_by_stripe(monkeypatch) as account:
        account.faults.append((403, {"error": {"message": "no", "type": "invalid_request_error"}}))

        with pytest.raises(NoAnswer):
            list(providers.current().list_events(NOW))
