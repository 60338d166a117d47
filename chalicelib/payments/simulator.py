"""A stateful payment provider for development: scripted by its tokens, with a ledger of its own in the table.

`tok_success` charges, `tok_declined` declines, `tok_timeout` charges and loses the answer, `tok_timeout_before`
loses the request. Any other token is declined as invalid.
"""

from __future__ import annotations

from contextlib import suppress

from chalicelib import db, ids, keys
from chalicelib.payments.models import Attempt, AttemptState, Outcome, Refund
from chalicelib.payments.provider import NoAnswer


class Simulator:
    """The provider; its ledger has one row per merchant key or refund id, written once."""

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Do what the token says, at most once per merchant key."""
        if token == "tok_timeout_before":  # noqa: S105 - a script, not a secret
            raise NoAnswer("the request was lost")
        outcome = self._record(attempt, token)
        if token == "tok_timeout":  # noqa: S105 - a script, not a secret
            raise NoAnswer("the answer was lost")
        return outcome

    def look_up(self, merchant_key: str) -> Outcome | None:
        """The ledger's row for that key."""
        row = db.get(keys.simulated_charge(merchant_key), consistent=True)
        if row is None:
            return None
        return Outcome(state=AttemptState(row["state"]), payment_id=row.get("paymentId"), reason=row.get("reason"))

    def refund(self, refund: Refund) -> None:
        """Write the refund's row, or find it written."""
        row = {"paymentId": refund.payment_id, "refunded": refund.amount, "currency": refund.currency}
        with suppress(db.ConditionFailed):
            db.commit(db.insert(keys.simulated_charge(refund.refund_id), row))

    def _record(self, attempt: Attempt, token: str) -> Outcome:
        row = {"amount": attempt.amount, "currency": attempt.currency, **_script(token)}
        with suppress(db.ConditionFailed):
            db.commit(db.insert(keys.simulated_charge(attempt.merchant_key), row))
        recorded = self.look_up(attempt.merchant_key)
        if recorded is None:
            raise NoAnswer("the ledger lost a row")
        return recorded


def _script(token: str) -> dict[str, str]:
    if token in ("tok_success", "tok_timeout"):
        return {"state": AttemptState.CAPTURED, "paymentId": ids.new("pay")}
    reason = "card_declined" if token == "tok_declined" else "invalid_payment_method"  # noqa: S105 - a script
    return {"state": AttemptState.FAILED, "reason": reason}
