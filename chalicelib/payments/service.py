"""Moving money: ask the provider, and take silence for what it is."""

from __future__ import annotations

from chalicelib import clock, log
from chalicelib.errors import Unavailable
from chalicelib.payments import provider
from chalicelib.payments.models import Attempt, AttemptState, Outcome, Refund


def charge(attempt: Attempt, token: str) -> Outcome:
    """Charge an attempt that is on record; no answer is the outcome `unknown`, never a failure (P2)."""
    started = clock.monotonic()
    try:
        outcome = provider.current().charge(attempt, token)
    except (provider.NoAnswer, Unavailable):
        outcome = Outcome(state=AttemptState.UNKNOWN)
    elapsed = round((clock.monotonic() - started) * 1000, 1)
    log.info("PAYMENT_PROCESSED", orderId=attempt.order_id, outcome=outcome.state, duration=elapsed)
    log.metric("PaymentProcessed", Outcome=outcome.state)
    return outcome


def look_up(attempt: Attempt) -> Outcome | None:
    """What the provider knows of an attempt: None when it never heard of it, `unknown` when it is silent."""
    try:
        return provider.current().look_up(attempt.merchant_key)
    except (provider.NoAnswer, Unavailable):
        return Outcome(state=AttemptState.UNKNOWN)


def refund(pending: Refund) -> bool:
    """Ask for a refund that is on record; False when the provider did not say that it is done."""
    try:
        provider.current().refund(pending)
    except (provider.NoAnswer, Unavailable):
        log.warning("REFUND_UNANSWERED", orderId=pending.order_id, refundId=pending.refund_id)
        return False
    return True
