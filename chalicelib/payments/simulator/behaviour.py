"""How the payment simulator behaves, whoever keeps its ledger: the table in tests, a file in the local service.

What happens is scripted by the token: `tok_success` charges, `tok_declined` and `tok_insufficient_funds` decline,
`tok_timeout` charges and loses the answer, `tok_timeout_before` loses the request, `tok_authorized` authorises only,
`tok_requires_action` waits for the buyer, `tok_refund_fails` charges and refuses to refund. Any other is declined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.payments.limits import Limits
from chalicelib.payments.models import Attempt, AttemptState, Outcome, ProviderEvent, Refund, RefundOutcome
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.simulator import ledger
from chalicelib.payments.simulator.ledger import Ledger, PaymentRow, RefundRow

_ATTEMPTS = 20


def _ignore(_: ProviderEvent) -> None:
    """No webhooks: the library in a test or a stage without them."""


@dataclass(frozen=True)
class Simulation:
    """The provider's behaviour over a ledger; `tell` hears of every change, once each."""

    ledger: Ledger
    tell: Callable[[ProviderEvent], None] = _ignore

    def limits(self, currency: str) -> Limits:
        """It takes any amount."""
        return Limits(currency=currency)

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Do what the token says, at most once per merchant key. Raises `NoAnswer` where it says so."""
        if token == "tok_timeout_before":  # noqa: S105 - a script, not a secret
            raise NoAnswer("the request was lost")
        row = ledger.new_payment(attempt, token)
        asked = ledger.new_call("charge", row.merchant_key, row.amount, row.currency, effect=row.state)
        is_new = self.ledger.open(row, asked)
        recorded = self._existing(attempt.merchant_key)
        if is_new:
            self.tell(ledger.payment_event(recorded))
        if ledger.script_of(token).loses_answer:
            raise NoAnswer("the answer was lost")
        return recorded.outcome()

    def look_up(self, attempt: Attempt) -> Outcome | None:
        """What the ledger holds of that merchant key."""
        payment = self.ledger.payment(attempt.merchant_key)
        return payment.outcome() if payment else None

    def capture(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Take the money of an authorised payment; any other stays as it is."""
        self._require_same(attempt, payment_id)
        return self._move(attempt.merchant_key, "capture", {AttemptState.AUTHORIZED: AttemptState.CAPTURED})

    def void(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Let go of a payment that is authorised or waits; any other stays as it is."""
        self._require_same(attempt, payment_id)
        waiting = (AttemptState.AUTHORIZED, AttemptState.REQUIRES_ACTION)
        return self._move(attempt.merchant_key, "void", dict.fromkeys(waiting, AttemptState.VOIDED))

    def complete(self, merchant_key: str) -> Outcome:
        """The buyer has done what was asked of them, and so pays."""
        return self._move(merchant_key, "complete", {AttemptState.REQUIRES_ACTION: AttemptState.CAPTURED})

    def refund(self, refund: Refund) -> RefundOutcome:
        """Give money back at most once per refund id, and never more than was taken."""
        for _ in range(_ATTEMPTS):
            known = self.ledger.refund(refund.refund_id)
            if known:
                return known.outcome()
            row = self._try_refund(refund)
            if row:
                self.tell(ledger.refund_event(row))
                return row.outcome()
        raise NoAnswer("too many refunds of one payment at once")

    def look_up_refund(self, refund: Refund) -> RefundOutcome | None:
        """What the ledger holds of that refund."""
        row = self.ledger.refund(refund.refund_id)
        return row.outcome() if row else None

    def _try_refund(self, refund: Refund) -> RefundRow | None:
        """Decide and record, or None when somebody else changed what was decided upon."""
        payment = self.ledger.payment(ledger.merchant_key_of(refund.payment_id))
        reason = _reason_to_refuse(payment, refund)
        row = ledger.new_refund(refund, reason)
        asked = ledger.new_call("refund", row.refund_id, row.amount, row.currency, effect=row.state)
        if payment is None or reason:
            return row if self.ledger.note(asked, row) else None
        is_all = payment.refunded + refund.amount == payment.amount
        after = payment.become(
            AttemptState.REFUNDED if is_all else AttemptState.PARTIALLY_REFUNDED, refunded=refund.amount
        )
        return row if self.ledger.change(payment, after, asked, row) else None

    def _move(self, merchant_key: str, operation: str, moves: dict[AttemptState, AttemptState]) -> Outcome:
        for _ in range(_ATTEMPTS):
            payment = self._existing(merchant_key)
            after = payment.become(moves.get(payment.state, payment.state))
            asked = ledger.new_call(operation, merchant_key, payment.amount, payment.currency, effect=after.state)
            if payment.state not in moves:
                self.ledger.note(asked.without_effect())
                return payment.outcome()
            if self.ledger.change(payment, after, asked):
                self.tell(ledger.payment_event(after))
                return after.outcome()
        raise NoAnswer("too many changes of one payment at once")

    def _require_same(self, attempt: Attempt, payment_id: str) -> None:
        if payment_id != ledger.payment_id_of(attempt.merchant_key):
            raise NoAnswer("that attempt has no such payment")

    def _existing(self, merchant_key: str) -> PaymentRow:
        payment = self.ledger.payment(merchant_key)
        if payment is None:
            raise NoAnswer("the ledger has no such payment")
        return payment


def _reason_to_refuse(payment: PaymentRow | None, refund: Refund) -> str | None:
    """The reason to refuse a refund, or None."""
    if payment is None:
        return "no_such_payment"
    if payment.refuses_refunds:
        return "refund_refused"
    if payment.state not in (AttemptState.CAPTURED, AttemptState.PARTIALLY_REFUNDED):
        return "not_captured"
    left = payment.amount - payment.refunded
    return None if refund.currency == payment.currency and 0 < refund.amount <= left else "more_than_was_paid"
