"""What amounts a payment provider can move at all, and the errors of those that it cannot."""

from __future__ import annotations

import msgspec

from chalicelib.core import money
from chalicelib.core.errors import Unprocessable

AMOUNT_NOT_PAYABLE = "amount_not_payable"  # the reason of an attempt that failed for its amount, and not for its buyer


class AmountNotPayable(Unprocessable):
    """The provider can never take or give back that amount; nothing was tried."""

    code = "amount_not_payable"


class AmountRefused(AmountNotPayable):
    """The provider did not take that amount when it was asked to; nothing was charged."""

    is_recorded = True


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can move of a currency, in minor units: multiples of `step`, and at once from least to most.

    A `most` of 0 says that the currency is not taken; None, that there is no limit within what an order may cost.
    """

    currency: str
    least: int = 1
    most: int | None = None
    step: int = 1

    def require_payable(self, amount: int) -> None:
        """Raise `AmountNotPayable` for what can never be charged."""
        self._require_taken(amount)
        if amount < self.least:
            raise self._refused(amount, f"The least that can be paid is {self._said(self.least)}.")
        if self.most is not None and amount > self.most:
            raise self._refused(amount, f"The most that can be paid at once is {self._said(self.most)}.")
        self.require_refundable(amount)

    def require_refundable(self, amount: int) -> None:
        """Raise `AmountNotPayable` for what can never go back."""
        self._require_taken(amount)
        if amount % self.step:
            detail = f"{self._said(amount)} cannot be moved: it must be a multiple of {self._said(self.step)}."
            raise self._refused(amount, detail)

    def _require_taken(self, amount: int) -> None:
        if self.most == 0:
            raise self._refused(amount, f"Payments in {self.currency} are not taken.")

    def _said(self, minor: int) -> str:
        return f"{money.to_decimal(minor, self.currency)} {self.currency}"

    def _refused(self, amount: int, detail: str) -> AmountNotPayable:
        bounds = {"amount": amount, "minimum": self.least, "maximum": self.most, "step": self.step}
        decimals = {
            name: None if minor is None else money.to_decimal(minor, self.currency) for name, minor in bounds.items()
        }
        return AmountNotPayable(detail, facts={**decimals, "currency": self.currency})
