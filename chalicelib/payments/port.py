"""The port to whoever moves the money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from chalicelib.payments.limits import Limits
from chalicelib.payments.models import Attempt, Outcome, ProviderEvent, Refund, RefundOutcome
from chalicelib.payments.returns import Returns


class NoAnswer(Exception):
    """The provider did not say what happened: a time-out, a lost connection, an unreadable answer (P2)."""


class Provider(Protocol):
    """What a payment provider must be able to do, each at most once per key however often it is asked.

    All but `limits` raise `NoAnswer` when it is not known what came of it, and `Unavailable` when the call was not
    made; neither is ever a decline.
    """

    def limits(self, currency: str) -> Limits:
        """What amounts of a currency can be charged and given back at all, as far as that is known beforehand."""

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Charge `attempt.amount` under its merchant key; `failed` only where the provider declined it."""

    def look_up(self, attempt: Attempt) -> Outcome | None:
        """What became of a charge, or None if the provider never heard of it."""

    def capture(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Take the money of an authorised payment; `captured` again when it is taken already."""

    def void(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Let go of a payment that is authorised or waits for the buyer; `captured` when it was too late for that."""

    def refund(self, refund: Refund) -> RefundOutcome:
        """Give `refund.amount` back under its id."""

    def look_up_refund(self, refund: Refund) -> RefundOutcome | None:
        """What became of a refund, or None if the provider never heard of it."""

    def look_up_returns(self, payment_id: str) -> Returns:
        """All refunds and disputes of a payment, whoever asked for them."""

    def list_events(self, since: int) -> Iterator[ProviderEvent]:
        """All that was told since an epoch second, oldest first, whether or not it arrived; as far as it is kept.

        For operators' tools: it may take many calls. Raises `NoAnswer` at any of them.
        """

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        """The message in a webhook's raw body that arrived at epoch second `now`; None for kinds that do not matter.

        Raises `InvalidSignature` unless the provider signed it lately, `UnreadableEvent` when it makes no sense.
        """
