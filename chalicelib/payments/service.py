"""Moving money: ask the provider, and take silence for what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from chalicelib.core import clock, log, settings, tracing
from chalicelib.core.errors import Unavailable
from chalicelib.payments import port, providers
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    Outcome,
    ProviderEvent,
    Refund,
    RefundOutcome,
    RefundState,
)
from chalicelib.payments.returns import Returns

Answer = TypeVar("Answer", Outcome, RefundOutcome, Outcome | None, RefundOutcome | None)


class ProviderSilent(Exception):
    """The provider did not answer a question that nothing but an answer helps with."""


_NO_ANSWER = (port.NoAnswer, Unavailable)
_UNKNOWN = Outcome(state=AttemptState.UNKNOWN)
_UNANSWERED = RefundOutcome(state=RefundState.PENDING)


def charge(attempt: Attempt, token: str) -> Outcome:
    """Charge an attempt that is on record; no answer is the outcome `unknown`, never a failure (P2)."""
    started = clock.monotonic()
    outcome = _ask("charge", attempt, lambda: providers.current().charge(attempt, token))
    elapsed = round((clock.monotonic() - started) * 1000, 1)
    log.info("PAYMENT_PROCESSED", orderId=attempt.order_id, outcome=outcome.state, duration=elapsed)
    log.metric("PaymentProcessed", Outcome=outcome.state)
    return outcome


def require_payable(amount: int, currency: str) -> None:
    """Raise `AmountNotPayable` for what the provider can never charge, without asking it (C1); nothing is payable."""
    if amount:
        providers.current().limits(currency).require_payable(amount)


def require_refundable(amount: int, currency: str) -> None:
    """Raise `AmountNotPayable` for what the provider can never give back, without asking it."""
    providers.current().limits(currency).require_refundable(amount)


def look_up(attempt: Attempt) -> Outcome | None:
    """What the provider knows of an attempt: None when it never heard of it, `unknown` when it is silent."""
    try:
        return _traced("look_up", attempt, lambda: providers.current().look_up(attempt))
    except _NO_ANSWER:
        return _UNKNOWN


def capture(attempt: Attempt, payment_id: str) -> Outcome:
    """Take the money of an authorised attempt; `unknown` when the provider is silent, so look it up or ask again."""
    outcome = _ask("capture", attempt, lambda: providers.current().capture(attempt, payment_id))
    log.info("PAYMENT_CAPTURED", orderId=attempt.order_id, outcome=outcome.state)
    return outcome


def void(attempt: Attempt, payment_id: str) -> Outcome:
    """Let go of an attempt; `captured` when it was too late, `unknown` when the provider is silent."""
    outcome = _ask("void", attempt, lambda: providers.current().void(attempt, payment_id))
    log.info("PAYMENT_VOIDED", orderId=attempt.order_id, outcome=outcome.state)
    return outcome


def refund(pending: Refund) -> RefundOutcome:
    """Ask for a refund that is on record; it stays `pending` when the provider did not say what came of it.

    One that was made at the provider is looked up: asking for it would make another.
    """
    provider = providers.current()
    operation = "look_up_refund" if pending.provider_id else "refund"
    ask = provider.look_up_refund if pending.provider_id else provider.refund
    try:
        outcome = _traced(operation, pending, lambda: ask(pending)) or _UNANSWERED
    except _NO_ANSWER:
        log.warning("REFUND_UNANSWERED", orderId=pending.order_id, refundId=pending.refund_id)
        return _UNANSWERED
    log.info("REFUND_PROCESSED", orderId=pending.order_id, refundId=pending.refund_id, outcome=outcome.state)
    return outcome


def look_up_refund(pending: Refund) -> RefundOutcome | None:
    """What the provider knows of a refund: None when it never heard of it. Raises `ProviderSilent`."""
    try:
        return _traced("look_up_refund", pending, lambda: providers.current().look_up_refund(pending))
    except _NO_ANSWER as error:
        raise ProviderSilent from error


def look_up_returns(payment_id: str) -> Returns:
    """What the provider's books say went back of a payment. Raises `ProviderSilent`."""
    try:
        return providers.current().look_up_returns(payment_id)
    except _NO_ANSWER as error:
        raise ProviderSilent from error


def read_event(body: bytes, headers: Mapping[str, str]) -> ProviderEvent | None:
    """The message in a webhook's raw body, None when it does not matter. Raises `InvalidSignature` (P5).

    `Unavailable` when the provider has to be asked whose payment it is about, and does not answer.
    """
    try:
        return providers.current().read_event(body, headers, clock.epoch())
    except port.NoAnswer as error:
        raise Unavailable("The payment provider did not say whose payment this is; send the message again.") from error


def _ask(operation: str, attempt: Attempt, ask: Callable[[], Outcome]) -> Outcome:
    try:
        return _traced(operation, attempt, ask)
    except _NO_ANSWER:
        return _UNKNOWN


def _traced(operation: str, subject: Attempt | Refund, ask: Callable[[], Answer]) -> Answer:
    """What the provider answers; the trace says for which order and user it was asked, and what came of it."""
    ids = {"orderId": subject.order_id, "userId": subject.user_id}
    provider = settings.current().payment_provider
    with tracing.Subsegment(provider, is_remote=True, operation=operation, **ids) as traced:
        answer = ask()
        traced.annotate(outcome=answer.state if answer else "not_found")
        return answer
