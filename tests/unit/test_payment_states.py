"""The whole matrix of an attempt's states (P1)."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.payments.models import AttemptState, Outcome, may_become, predecessors

ALLOWED = {
    ("created", "processing"),
    *(("processing", state) for state in ("authorized", "captured", "failed", "unknown", "requires_action", "voided")),
    *(("unknown", state) for state in ("authorized", "captured", "failed", "requires_action", "voided")),
    *(("requires_action", state) for state in ("authorized", "captured", "failed", "unknown", "voided")),
    ("authorized", "captured"),
    ("authorized", "voided"),
    ("captured", "partially_refunded"),
    ("captured", "refunded"),
    ("partially_refunded", "refunded"),
}


@pytest.mark.parametrize(("current", "following"), list(itertools.product(AttemptState, AttemptState)))
def test_an_attempt_goes_only_where_the_rules_let_it(current: AttemptState, following: AttemptState) -> None:
    allowed = (current, following) in ALLOWED

    assert may_become(current, following) is allowed
    assert (current in predecessors(following)) is allowed


@pytest.mark.parametrize(
    ("amount", "currency", "agrees"),
    [(2500, "USD", True), (None, None, True), (2499, "USD", False), (2500, "EUR", False), (0, "USD", False)],
)
def test_another_amount_or_currency_than_asked_for_is_found(amount: int, currency: str, *, agrees: bool) -> None:
    outcome = Outcome(state=AttemptState.CAPTURED, amount=amount, currency=currency)

    assert outcome.is_about(2500, "USD") is agrees
