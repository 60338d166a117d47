"""What Stripe says, in this shop's words: PaymentIntents, refunds, errors and events of its documented API.

Only what is needed is read, and it is read strictly: what does not fit is no answer rather than a guess (P2).
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from chalicelib.core import clock
from chalicelib.payments.models import (
    AttemptState,
    NextAction,
    Outcome,
    ProviderEvent,
    ProviderEventKind,
    RefundOutcome,
    RefundState,
)
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


class StripeRefund(msgspec.Struct, frozen=True):
    """A refund."""

    id: str
    status: str | None
    amount: int
    currency: str
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None


class StripeCharge(msgspec.Struct, frozen=True):
    """The charge of a PaymentIntent, whose metadata it bears; `amount_refunded` is whoever asked for it."""

    currency: str
    amount_refunded: int
    metadata: dict[str, str] = {}


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


class Subject(msgspec.Struct, frozen=True):
    """What an event is about."""

    object: msgspec.Raw


class StripeEvent(msgspec.Struct, frozen=True):
    """A webhook's body."""

    id: str
    type: str
    created: int
    data: Subject


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
_PAYMENT_EVENTS = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "payment_intent.requires_action",
}
_REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
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
    taken = intent.amount_received if state is AttemptState.CAPTURED else intent.amount
    return Outcome(
        state=state,
        payment_id=intent.id,
        reason=reason,
        amount=_minor(taken, intent.currency),
        currency=intent.currency.upper(),
        next_action=_next_action(intent) if state is AttemptState.REQUIRES_ACTION else None,
    )


def refund_outcome(refund: StripeRefund) -> RefundOutcome:
    """What Stripe says of a refund. Raises `Unreadable`."""
    if refund.status not in _REFUND_STATES:
        raise Unreadable(f"a refund cannot be {refund.status!r}")
    amount, currency = _minor(refund.amount, refund.currency), refund.currency.upper()
    state = _REFUND_STATES[refund.status]
    reason = (refund.failure_reason or refund.status) if state is RefundState.FAILED else None
    return RefundOutcome(state=state, reason=reason, amount=amount, currency=currency)


def event(body: bytes) -> ProviderEvent | None:
    """The message in a verified webhook; None for another kind, or for a payment that is not this shop's."""
    heard = read(body, StripeEvent)
    if heard.type in _PAYMENT_EVENTS:
        return _of_payment(heard, read(heard.data.object, Intent))
    if heard.type in _REFUND_EVENTS:
        return _of_refund(heard, read(heard.data.object, StripeRefund))
    return _of_charge(heard, read(heard.data.object, StripeCharge)) if heard.type == "charge.refunded" else None


def _of_payment(heard: StripeEvent, intent: Intent) -> ProviderEvent | None:
    merchant_key, said = intent.metadata.get("merchantKey"), outcome(intent)
    if not merchant_key or said.state is AttemptState.PROCESSING:
        return None
    return ProviderEvent(
        event_id=heard.id,
        kind=ProviderEventKind.PAYMENT,
        order_id=merchant_key.rpartition(":")[0],
        merchant_key=merchant_key,
        outcome=said,
        amount=said.amount or 0,
        currency=said.currency or "",
        created_at=clock.timestamp(clock.from_epoch(heard.created)),
    )


def _of_refund(heard: StripeEvent, refund: StripeRefund) -> ProviderEvent | None:
    ours, said = refund.metadata or {}, refund_outcome(refund)
    if "refundId" not in ours or "orderId" not in ours or said.state is RefundState.PENDING:
        return None
    return ProviderEvent(
        event_id=heard.id,
        kind=ProviderEventKind.REFUND,
        order_id=ours["orderId"],
        refund_id=ours["refundId"],
        refund=said,
        amount=said.amount or 0,
        currency=said.currency or "",
        created_at=clock.timestamp(clock.from_epoch(heard.created)),
    )


def _of_charge(heard: StripeEvent, charge: StripeCharge) -> ProviderEvent | None:
    merchant_key = charge.metadata.get("merchantKey")
    if not merchant_key:
        return None
    return ProviderEvent(
        event_id=heard.id,
        kind=ProviderEventKind.GIVEN_BACK,
        order_id=merchant_key.rpartition(":")[0],
        merchant_key=merchant_key,
        amount=_minor(charge.amount_refunded, charge.currency),
        currency=charge.currency.upper(),
        created_at=clock.timestamp(clock.from_epoch(heard.created)),
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


def _minor(amount: int, currency: str) -> int:
    try:
        return amounts.from_stripe(amount, currency.upper())
    except amounts.NotChargeable as error:
        raise Unreadable(str(error)) from error
