"""What Stripe tells by itself, in this shop's words: of payments, of refunds, of disputes and of all that went back."""

from __future__ import annotations

import msgspec

from chalicelib.core import clock
from chalicelib.payments.models import AttemptState, ProviderEvent, ProviderEventKind, RefundState
from chalicelib.payments.stripe.schemas import (
    Intent,
    StripeDispute,
    StripeRefund,
    dispute,
    minor,
    outcome,
    read,
    refund_outcome,
)


class StripeCharge(msgspec.Struct, frozen=True):
    """The charge of a PaymentIntent, whose metadata it bears; `amount_refunded` is whoever asked for it."""

    currency: str
    amount_refunded: int
    metadata: dict[str, str] = {}


class Subject(msgspec.Struct, frozen=True):
    """What an event is about."""

    object: msgspec.Raw


class StripeEvent(msgspec.Struct, frozen=True):
    """A webhook's body."""

    id: str
    type: str
    created: int
    data: Subject


_PAYMENT_EVENTS = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "payment_intent.requires_action",
}
_REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
_DISPUTE_EVENTS = {
    f"charge.dispute.{what}" for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
}


def event(body: bytes) -> ProviderEvent | None:
    """The message in a verified webhook; None for another kind, or for a payment that is not this shop's.

    One that names its payment and no order says nothing of whose it is.
    """
    heard = read(body, StripeEvent)
    if heard.type in _PAYMENT_EVENTS:
        return _of_payment(heard, read(heard.data.object, Intent))
    if heard.type in _REFUND_EVENTS:
        return _of_refund(heard, read(heard.data.object, StripeRefund))
    if heard.type in _DISPUTE_EVENTS:
        said = read(heard.data.object, StripeDispute)
        return _of_return(heard, said.payment_intent, dispute(said).amount, said.currency)
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
    if "refundId" not in ours or "orderId" not in ours:
        return _of_return(heard, refund.payment_intent, said.amount or 0, refund.currency)
    if said.state is RefundState.PENDING:
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
        amount=minor(charge.amount_refunded, charge.currency),
        currency=charge.currency.upper(),
        created_at=clock.timestamp(clock.from_epoch(heard.created)),
    )


def _of_return(heard: StripeEvent, payment_id: str | None, amount: int, currency: str) -> ProviderEvent | None:
    if payment_id is None:
        return None
    return ProviderEvent(
        event_id=heard.id,
        kind=ProviderEventKind.RETURN,
        order_id="",
        payment_id=payment_id,
        amount=amount,
        currency=currency.upper(),
        created_at=clock.timestamp(clock.from_epoch(heard.created)),
    )
