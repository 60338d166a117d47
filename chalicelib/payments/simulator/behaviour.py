"""How the payment simulator behaves, whoever keeps its ledger: the table in tests, a file in the local service.

What happens is scripted by the token: `tok_success` charges, `tok_declined` and `tok_insufficient_funds` decline,
`tok_timeout` charges and loses the answer, `tok_timeout_before` loses the request, `tok_authorized` authorises only,
`tok_requires_action` waits for the buyer, `tok_refund_fails` charges and refuses to refund. Any other is declined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from chalicelib.payments.limits import Limits
from chalicelib.payments.models import Attempt, AttemptState, Outcome, ProviderEvent, Refund, RefundOutcome
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.returns import Dispute, DisputeStatus, ProviderRefund, Returns
from chalicelib.payments.simulator import ledger
from chalicelib.payments.simulator.ledger import Ledger, PaymentRow, RefundRow

_ATTEMPTS = 20


class NotPossible(Exception):
    """The payment does not stand so that this could be done at the provider."""


class _Return(NamedTuple):
    """A payment after something of it was refunded or disputed, and what that was."""

    after: PaymentRow
    amount: int
    effect: str
    refund: RefundRow | None = None


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
        row = self.ledger.refund(refund.provider_id or refund.refund_id)
        return row.outcome() if row else None

    def look_up_returns(self, payment_id: str) -> Returns:
        """What the ledger holds of refunds and disputes of that payment."""
        payment = self.ledger.payment(ledger.merchant_key_of(payment_id))
        if payment is None:
            return Returns()
        rows = [self.ledger.refund(each) for each in payment.refund_ids]
        return Returns(refunds=[row.returned() for row in rows if row], disputes=list(payment.disputes))

    def refund_there(self, merchant_key: str, amount: int | None = None) -> ProviderRefund:
        """Somebody refunds at the provider: that much, or all that is left. Raises `NotPossible`."""

        def change(payment: PaymentRow) -> _Return:
            row = ledger.new_foreign_refund(payment, _some(payment, amount))
            return _Return(after=payment.less(row), amount=row.amount, effect=row.state, refund=row)

        row = self._return(merchant_key, "refund_there", change).refund
        if row is None:
            raise NoAnswer("nothing was refunded")
        return row.returned()

    def dispute(self, merchant_key: str, amount: int | None = None, reason: str = "fraudulent") -> Dispute:
        """The buyer disputes that much, or all that is left. Raises `NotPossible`."""

        def change(payment: PaymentRow) -> _Return:
            new = ledger.new_dispute(payment, _some(payment, amount), reason)
            return _Return(after=payment.with_dispute(new), amount=new.amount, effect=new.status)

        return self._return(merchant_key, "dispute", change).after.disputes[-1]

    def close_dispute(self, merchant_key: str, status: DisputeStatus) -> Dispute:
        """The bank decides the open dispute. Raises `NotPossible` when there is none."""

        def change(payment: PaymentRow) -> _Return:
            found = next((each for each in payment.disputes if each.is_open), None)
            if found is None:
                raise NotPossible("nothing is disputed")
            decided = msgspec.structs.replace(found, status=status)
            return _Return(after=payment.with_dispute(decided), amount=found.amount, effect=status)

        return self._return(merchant_key, "close_dispute", change).after.disputes[-1]

    def _try_refund(self, refund: Refund) -> RefundRow | None:
        """Decide and record, or None when somebody else changed what was decided upon."""
        payment = self.ledger.payment(ledger.merchant_key_of(refund.payment_id))
        reason = _reason_to_refuse(payment, refund)
        row = ledger.new_refund(refund, reason)
        asked = ledger.new_call("refund", row.refund_id, row.amount, row.currency, effect=row.state)
        if payment is None or reason:
            return row if self.ledger.note(asked, row) else None
        return row if self.ledger.change(payment, payment.less(row), asked, row) else None

    def _return(self, merchant_key: str, operation: str, change: Callable[[PaymentRow], _Return]) -> _Return:
        """Change what is back or disputed of a payment, and tell of it."""
        for _ in range(_ATTEMPTS):
            payment = self._existing(merchant_key)
            done = change(payment)
            asked = ledger.new_call(operation, merchant_key, done.amount, payment.currency, effect=done.effect)
            if self.ledger.change(payment, done.after, asked, done.refund):
                self.tell(ledger.return_event(done.after, done.amount))
                return done
        raise NoAnswer("too many changes of one payment at once")

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
    if any(each.is_open for each in payment.disputes):
        return "charge_disputed"
    fits = refund.currency == payment.currency and 0 < refund.amount <= payment.left
    return None if fits else "more_than_was_paid"


def _some(payment: PaymentRow, amount: int | None) -> int:
    """That much of a payment, or all that is left."""
    some = payment.left if amount is None else amount
    if payment.state not in (AttemptState.CAPTURED, AttemptState.PARTIALLY_REFUNDED) or not 0 < some <= payment.left:
        raise NotPossible(f"of {payment.amount} there are {payment.left} left")
    return some
