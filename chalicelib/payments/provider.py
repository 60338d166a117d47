"""The port to whoever moves the money, and the choice of one per stage."""

from __future__ import annotations

from typing import Protocol

from chalicelib import settings
from chalicelib.errors import Misconfigured
from chalicelib.payments.models import Attempt, Outcome, Refund


class NoAnswer(Exception):
    """The provider did not say what happened: a time-out, a lost connection, an unreadable answer (P2)."""


class Provider(Protocol):
    """What a payment provider must be able to do, each at most once per key however often it is asked."""

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Charge `attempt.amount` under its merchant key. Raises `NoAnswer`."""

    def look_up(self, merchant_key: str) -> Outcome | None:
        """What became of a charge, or None if the provider never heard of it. Raises `NoAnswer`."""

    def refund(self, refund: Refund) -> None:
        """Give `refund.amount` back under its id. Raises `NoAnswer`."""


def current() -> Provider:
    """The provider that this stage has chosen."""
    name, stage = settings.current().payment_provider, settings.current().stage
    if name != "simulator" or stage == "prod":
        message = f"PAYMENT_PROVIDER is {name!r}, which stage {stage} cannot use; only the simulator exists so far."
        raise Misconfigured(message)
    from chalicelib.payments import simulator  # noqa: PLC0415 - a stage loads only the provider that it uses

    return simulator.Simulator()
