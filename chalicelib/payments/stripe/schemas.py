"""What is asked of Stripe, and what it says in this shop's words, by the shapes of its documented API.

Only what is needed is read, and it is read strictly: what does not fit is no answer rather than a guess (P2).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from chalicelib.core import clock
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    NextAction,
    Outcome,
    RefundOutcome,
    RefundState,
)
from chalicelib.payments.returns import Dispute, DisputeStatus, ProviderRefund
from chalicelib.payments.stripe import amounts

T = TypeVar("T")


class Unreadable(Exception):
    """Stripe said something that does not fit its own documentation."""


class Redirect(msgspec.Struct, frozen=True):
    """Where the buyer is to go."""

    url: str | None = None


class Action(msgspec.Struct, frozen=True):
    """What the buyer is to do."""

    redirect_to_url: Redirect | None = None


class Error(msgspec.Struct, frozen=True):
    """The `error` of an answer, and the `last_payment_error` of a PaymentIntent."""

    type: str = ""
    code: str | None = None
    decline_code: str | None = None
    param: str | None = None


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent; amounts are Stripe's units."""

    id: str
    status: str
    amount: int
    currency: str
    amount_received: int = 0
    metadata: dict[str, str] = {}
    client_secret: str | None = None
    next_action: Action | None = None
    last_payment_error: Error | None = None
    cancellation_reason: str | None = None
    latest_charge: LatestCharge | str | None = None


class LatestCharge(msgspec.Struct, frozen=True):
    """The charge of a PaymentIntent, where it was asked for."""

    amount_refunded: int = 0
    disputed: bool = False


class StripeRefund(msgspec.Struct, frozen=True):
    """A refund."""

    id: str
    status: str | None
    amount: int
    currency: str
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None
    payment_intent: str | None = None
    created: int = 0


class StripeDispute(msgspec.Struct, frozen=True):
    """A dispute, or an inquiry that may become one."""

    id: str
    status: str
    amount: int
    currency: str
    reason: str | None = None
    payment_intent: str | None = None
    created: int = 0


class Failure(msgspec.Struct, frozen=True):
    """The body of an answer that is an error."""

    error: Error


class Named(msgspec.Struct, frozen=True):
    """Anything of a list."""

    id: str


class StripePage(msgspec.Struct, frozen=True):
    """A page of a list or of a search."""

    data: list[msgspec.Raw]
    has_more: bool


_STATES = {
    "succeeded": AttemptState.CAPTURED,
    "requires_capture": AttemptState.AUTHORIZED,
    "requires_action": AttemptState.REQUIRES_ACTION,
    "processing": AttemptState.PROCESSING,
    "requires_confirmation": AttemptState.PROCESSING,
    "canceled": AttemptState.VOIDED,
}
_REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
}
_DISPUTE_STATES = {
    **dict.fromkeys(
        ("needs_response", "under_review", "warning_needs_response", "warning_under_review"), DisputeStatus.OPEN
    ),
    **dict.fromkeys(("won", "warning_closed", "prevented"), DisputeStatus.WON),
    "lost": DisputeStatus.LOST,
}
# What a buyer may be told. Stripe advises against telling a thief that a card is known as stolen.
_DECLINES = {
    "insufficient_funds": "insufficient_funds",
    "withdrawal_count_limit_exceeded": "insufficient_funds",
    "expired_card": "expired_card",
    "processing_error": "processing_error",
    "authentication_required": "authentication_required",
    "payment_intent_authentication_failure": "authentication_required",
    **dict.fromkeys(
        ("incorrect_cvc", "incorrect_number", "invalid_cvc", "invalid_number", "invalid_expiry_month",
         "invalid_expiry_year", "card_not_supported", "currency_not_supported"),
        "invalid_payment_method",
    ),
}  # fmt: skip


def new_intent(attempt: Attempt, amount: int, token: str) -> dict[str, Any]:
    """The parameters of a PaymentIntent; a token is a PaymentMethod's id, or one of the older card tokens."""
    is_method = not token.startswith("tok_")
    method = {"payment_method": token} if is_method else {
        "payment_method_data": {"type": "card", "card": {"token": token}}
    }  # fmt: skip
    return {
        "amount": amount,
        "currency": attempt.currency.lower(),
        "capture_method": "automatic",
        "confirm": True,
        "payment_method_types": ["card"],
        "metadata": {"merchantKey": attempt.merchant_key, "orderId": attempt.order_id},
        **method,
    }


def read(body: bytes | str | msgspec.Raw, shape: type[T]) -> T:
    """What Stripe said as `shape`. Raises `Unreadable`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not {shape.__name__}: {error}") from error


def declined_for(error: Error) -> str:
    """The class of a decline."""
    codes = (error.decline_code, error.code)
    return next((_DECLINES[code] for code in codes if code in _DECLINES), "card_declined")


def outcome(intent: Intent) -> Outcome:
    """What a PaymentIntent says of its charge. Raises `Unreadable` for a status or an amount nobody knows."""
    state, error = _state(intent), intent.last_payment_error
    reason = declined_for(error) if state is AttemptState.FAILED and error else intent.cancellation_reason
    charge = intent.latest_charge
    taken = intent.amount_received if state is AttemptState.CAPTURED else intent.amount
    return Outcome(
        state=state,
        payment_id=intent.id,
        reason=reason,
        amount=minor(taken, intent.currency),
        currency=intent.currency.upper(),
        next_action=_next_action(intent) if state is AttemptState.REQUIRES_ACTION else None,
        has_returns=isinstance(charge, LatestCharge) and bool(charge.amount_refunded or charge.disputed),
    )


def refund_outcome(refund: StripeRefund) -> RefundOutcome:
    """What Stripe says of a refund. Raises `Unreadable`."""
    if refund.status not in _REFUND_STATES:
        raise Unreadable(f"a refund cannot be {refund.status!r}")
    amount, currency = minor(refund.amount, refund.currency), refund.currency.upper()
    state = _REFUND_STATES[refund.status]
    reason = (refund.failure_reason or refund.status) if state is RefundState.FAILED else None
    return RefundOutcome(state=state, reason=reason, amount=amount, currency=currency)


def returned(refund: StripeRefund) -> ProviderRefund:
    """A refund of Stripe's books, whoever asked for it. Raises `Unreadable`."""
    said = refund_outcome(refund)
    return ProviderRefund(
        provider_id=refund.id,
        refund_id=(refund.metadata or {}).get("refundId"),
        amount=said.amount or 0,
        currency=said.currency or "",
        state=said.state,
        reason=said.reason,
        created_at=clock.timestamp(clock.from_epoch(refund.created)),
    )


def dispute(said: StripeDispute) -> Dispute:
    """A dispute of Stripe's books. Raises `Unreadable`."""
    if said.status not in _DISPUTE_STATES:
        raise Unreadable(f"a dispute cannot be {said.status!r}")
    return Dispute(
        dispute_id=said.id,
        status=_DISPUTE_STATES[said.status],
        amount=minor(said.amount, said.currency),
        currency=said.currency.upper(),
        reason=said.reason,
        created_at=clock.timestamp(clock.from_epoch(said.created)),
    )


def _state(intent: Intent) -> AttemptState:
    """Without an error, a PaymentIntent that wants a payment method is one that is still being confirmed."""
    if intent.status == "requires_payment_method":
        return AttemptState.FAILED if intent.last_payment_error else AttemptState.PROCESSING
    if intent.status not in _STATES:
        raise Unreadable(f"a PaymentIntent cannot be {intent.status!r}")
    return _STATES[intent.status]


def _next_action(intent: Intent) -> NextAction:
    redirect = intent.next_action.redirect_to_url if intent.next_action else None
    return NextAction(url=redirect.url if redirect else None, client_secret=intent.client_secret)


def minor(amount: int, currency: str) -> int:
    """Stripe's units as ours. Raises `Unreadable`."""
    try:
        return amounts.from_stripe(amount, currency.upper())
    except ValueError as error:
        raise Unreadable(str(error)) from error
