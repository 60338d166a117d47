"""The payment simulator as a library, with its ledger in the table: what tests and the dev stage are paid by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.aws import db, keys
from chalicelib.payments.models import ProviderEvent
from chalicelib.payments.simulator import webhook_messages
from chalicelib.payments.simulator.behaviour import Simulation
from chalicelib.payments.simulator.ledger import CallRow, PaymentRow, RefundRow


class TableLedger:
    """The simulator's ledger in the table; see `ledger.Ledger`."""

    def open(self, payment: PaymentRow, asked: CallRow) -> bool:
        """Keep the row and the line, or the line alone."""
        row = db.insert(keys.simulated_charge(payment.merchant_key), msgspec.to_builtins(payment))
        if _commit_if_current(row, _line(asked)):
            return True
        db.commit(_line(asked.without_effect()))
        return False

    def payment(self, merchant_key: str) -> PaymentRow | None:
        """The row of a merchant key."""
        item = db.get(keys.simulated_charge(merchant_key), consistent=True)
        return msgspec.convert(item, PaymentRow) if item else None

    def refund(self, refund_id: str) -> RefundRow | None:
        """The row of a refund."""
        item = db.get(keys.simulated_charge(refund_id), consistent=True)
        return msgspec.convert(item, RefundRow) if item else None

    def change(
        self, before: PaymentRow, after: PaymentRow, asked: CallRow, given_back: RefundRow | None = None
    ) -> bool:
        """Replace the row, and keep the refund and the line."""
        row = db.put(
            keys.simulated_charge(before.merchant_key),
            msgspec.to_builtins(after),
            condition="version = :version",
            values={":version": before.version},
        )
        return _commit_if_current(row, _line(asked), *_refund(given_back))

    def note(self, asked: CallRow, given_back: RefundRow | None = None) -> bool:
        """Keep the line, and the refund if it is new."""
        return _commit_if_current(_line(asked), *_refund(given_back))


class Simulator(Simulation):
    """The provider; its webhooks are read, but none are sent."""

    def __init__(self) -> None:
        super().__init__(TableLedger())

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        """The message in a webhook. Raises `InvalidSignature`."""
        return webhook_messages.read(body, headers, now)

    def list_events(self, since: int) -> Iterator[ProviderEvent]:  # noqa: ARG002 - the port's signature
        """Nothing, as it tells nothing: what a table loses, these books lose with it."""
        return iter(())


def _line(asked: CallRow) -> db.Write:
    return db.insert(keys.simulated_call(asked.key, asked.call_id), _builtins(asked))


def _refund(row: RefundRow | None) -> list[db.Write]:
    return [db.insert(keys.simulated_charge(row.refund_id), _builtins(row))] if row else []


def _builtins(row: msgspec.Struct) -> dict[str, Any]:
    builtins: dict[str, Any] = msgspec.to_builtins(row)
    return builtins


def _commit_if_current(*writes: db.Write) -> bool:
    try:
        db.commit(*writes)
    except db.Stale:
        return False
    return True
