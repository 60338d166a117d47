"""What the payment simulator remembers: one row a charge, one a refund, and a line for every time it was asked."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from chalicelib.core import clock, ids
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    NextAction,
    Outcome,
    ProviderEvent,
    ProviderEventKind,
    Refund,
    RefundOutcome,
    RefundState,
)
from chalicelib.payments.returns import Dispute, DisputeStatus, ProviderRefund

_PAYMENT_PREFIX = "pay_"
_REFUNDED = (AttemptState.PARTIALLY_REFUNDED, AttemptState.REFUNDED)


class TokenScript(NamedTuple):
    """What a token makes of a charge."""

    state: AttemptState
    reason: str | None = None
    loses_answer: bool = False


_INVALID = TokenScript(AttemptState.FAILED, "invalid_payment_method")
_SCRIPTS = {
    "tok_success": TokenScript(AttemptState.CAPTURED),
    "tok_refund_fails": TokenScript(AttemptState.CAPTURED),
    "tok_timeout": TokenScript(AttemptState.CAPTURED, loses_answer=True),
    "tok_authorized": TokenScript(AttemptState.AUTHORIZED),
    "tok_requires_action": TokenScript(AttemptState.REQUIRES_ACTION),
    "tok_declined": TokenScript(AttemptState.FAILED, "card_declined"),
    "tok_insufficient_funds": TokenScript(AttemptState.FAILED, "insufficient_funds"),
}


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ledger's row of one merchant key, in minor units; `version` counts its changes."""

    merchant_key: str
    order_id: str
    payment_id: str
    amount: int
    currency: str
    state: AttemptState
    reason: str | None = None
    refunded: int = 0
    refuses_refunds: bool = False
    refund_ids: tuple[str, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    version: int = 1

    @property
    def left(self) -> int:
        """What has neither gone back nor is disputed."""
        disputed = sum(each.amount for each in self.disputes if each.status is not DisputeStatus.WON)
        return self.amount - self.refunded - disputed

    def outcome(self) -> Outcome:
        """What the provider says of it."""
        waits = self.state is AttemptState.REQUIRES_ACTION
        return Outcome(
            state=AttemptState.CAPTURED if self.state in _REFUNDED else self.state,
            payment_id=None if self.state is AttemptState.FAILED else self.payment_id,
            reason=self.reason,
            amount=self.amount,
            currency=self.currency,
            next_action=NextAction(url=f"https://simulator.invalid/pay/{self.payment_id}") if waits else None,
            has_returns=bool(self.refunded or self.disputes),
        )

    def become(self, state: AttemptState) -> PaymentRow:
        """The row after its next change."""
        return msgspec.structs.replace(self, state=state, version=self.version + 1)

    def less(self, refund: RefundRow) -> PaymentRow:
        """The row after a refund that succeeded."""
        refunded = self.refunded + refund.amount
        state = AttemptState.REFUNDED if refunded == self.amount else AttemptState.PARTIALLY_REFUNDED
        ids = (*self.refund_ids, refund.refund_id)
        return msgspec.structs.replace(self.become(state), refunded=refunded, refund_ids=ids)

    def with_dispute(self, dispute: Dispute) -> PaymentRow:
        """The row with a dispute that is new, or that has come to stand elsewhere."""
        others = tuple(each for each in self.disputes if each.dispute_id != dispute.dispute_id)
        return msgspec.structs.replace(self.become(self.state), disputes=(*others, dispute))


class RefundRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ledger's row of one refund id."""

    refund_id: str
    order_id: str
    payment_id: str
    amount: int
    currency: str
    state: RefundState
    reason: str | None = None
    is_foreign: bool = False
    created_at: str = ""

    def outcome(self) -> RefundOutcome:
        """What the provider says of it."""
        return RefundOutcome(state=self.state, reason=self.reason, amount=self.amount, currency=self.currency)

    def returned(self) -> ProviderRefund:
        """What the provider's books say of it, whoever asked for it."""
        return ProviderRefund(
            provider_id=self.refund_id,
            refund_id=None if self.is_foreign else self.refund_id,
            amount=self.amount,
            currency=self.currency,
            state=self.state,
            reason=self.reason,
            created_at=self.created_at,
        )


class CallRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ledger's line for one time that it was asked: only added, so that a second charge cannot hide.

    `effect` is what the call brought about, "" when it changed nothing.
    """

    call_id: str
    operation: str
    key: str
    amount: int
    currency: str
    effect: str
    at: str

    def without_effect(self) -> CallRow:
        """The line of a call that came to nothing new."""
        return msgspec.structs.replace(self, effect="")


class Ledger(Protocol):
    """Where the simulator remembers; each method is atomic, and safe under any number of callers."""

    def open(self, payment: PaymentRow, asked: CallRow) -> bool:
        """Keep the row and the line, or where the merchant key has a row a line without effect; was the row kept?"""

    def payment(self, merchant_key: str) -> PaymentRow | None:
        """The row of a merchant key."""

    def refund(self, refund_id: str) -> RefundRow | None:
        """The row of a refund."""

    def change(
        self, before: PaymentRow, after: PaymentRow, asked: CallRow, given_back: RefundRow | None = None
    ) -> bool:
        """Replace `before`, and keep the refund and the line: all, or none when the row is not `before` any more."""

    def note(self, asked: CallRow, given_back: RefundRow | None = None) -> bool:
        """Keep the line, and the refund unless its id has a row already, in which case nothing is kept."""


def payment_event(payment: PaymentRow) -> ProviderEvent:
    """The message that a payment has come to stand where it does."""
    return ProviderEvent(
        event_id=ids.new("evt"),
        kind=ProviderEventKind.PAYMENT,
        order_id=payment.order_id,
        merchant_key=payment.merchant_key,
        outcome=payment.outcome(),
        amount=payment.amount,
        currency=payment.currency,
        created_at=clock.timestamp(),
    )


def refund_event(row: RefundRow) -> ProviderEvent:
    """The message of how a refund ended."""
    return ProviderEvent(
        event_id=ids.new("evt"),
        kind=ProviderEventKind.REFUND,
        order_id=row.order_id,
        refund_id=row.refund_id,
        refund=row.outcome(),
        amount=row.amount,
        currency=row.currency,
        created_at=clock.timestamp(),
    )


def return_event(payment: PaymentRow, amount: int) -> ProviderEvent:
    """The message that something of a payment was refunded or disputed at the provider."""
    return ProviderEvent(
        event_id=ids.new("evt"),
        kind=ProviderEventKind.RETURN,
        order_id=payment.order_id,
        merchant_key=payment.merchant_key,
        payment_id=payment.payment_id,
        amount=amount,
        currency=payment.currency,
        created_at=clock.timestamp(),
    )


def payment_id_of(merchant_key: str) -> str:
    """The simulator's own name of a payment: one per merchant key, and telling it."""
    return _PAYMENT_PREFIX + merchant_key.replace(":", ".")


def merchant_key_of(payment_id: str) -> str:
    """The merchant key that a payment was made under."""
    return payment_id.removeprefix(_PAYMENT_PREFIX).replace(".", ":")


def script_of(token: str) -> TokenScript:
    """What a token makes of a charge."""
    return _SCRIPTS.get(token, _INVALID)


def new_payment(attempt: Attempt, token: str) -> PaymentRow:
    """The row that a charge with that token makes."""
    made = script_of(token)
    return PaymentRow(
        merchant_key=attempt.merchant_key,
        order_id=attempt.order_id,
        payment_id=payment_id_of(attempt.merchant_key),
        amount=attempt.amount,
        currency=attempt.currency,
        state=made.state,
        reason=made.reason,
        refuses_refunds=token == "tok_refund_fails",  # noqa: S105 - a script, not a secret
    )


def new_refund(refund: Refund, reason: str | None) -> RefundRow:
    """The row of a refund that succeeds, or fails for a reason."""
    return RefundRow(
        refund_id=refund.refund_id,
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        amount=refund.amount,
        currency=refund.currency,
        state=RefundState.FAILED if reason else RefundState.SUCCEEDED,
        reason=reason,
        created_at=clock.timestamp(),
    )


def new_foreign_refund(payment: PaymentRow, amount: int) -> RefundRow:
    """The row of a refund that somebody makes at the provider."""
    return RefundRow(
        refund_id=ids.new("re"),
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        amount=amount,
        currency=payment.currency,
        state=RefundState.SUCCEEDED,
        is_foreign=True,
        created_at=clock.timestamp(),
    )


def new_dispute(payment: PaymentRow, amount: int, reason: str) -> Dispute:
    """A dispute that a buyer opens with their bank."""
    return Dispute(
        dispute_id=ids.new("dp"),
        status=DisputeStatus.OPEN,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        created_at=clock.timestamp(),
    )


def new_call(operation: str, key: str, amount: int, currency: str, *, effect: str) -> CallRow:
    """The line of a call that is being answered."""
    return CallRow(
        call_id=ids.new("ask"),
        operation=operation,
        key=key,
        amount=amount,
        currency=currency,
        effect=effect,
        at=clock.timestamp(),
    )
