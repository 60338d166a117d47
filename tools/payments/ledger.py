"""The simulator's books in a file of SQLite: rows that change state, and a journal that is only added to."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.payments.models import ProviderEvent
from chalicelib.payments.simulator.ledger import CallRow, PaymentRow, RefundRow

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (merchant_key TEXT PRIMARY KEY, version INTEGER NOT NULL, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (refund_id TEXT PRIMARY KEY, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY AUTOINCREMENT, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT UNIQUE NOT NULL, body BLOB NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0
);
CREATE TRIGGER IF NOT EXISTS journal_is_kept BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'kept'); END;
CREATE TRIGGER IF NOT EXISTS journal_stays BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'kept'); END;
"""


class FileLedger:
    """See `chalicelib.payments.simulator.ledger.Ledger`; one connection, and one thread at a time on it."""

    def __init__(self, path: Path) -> None:
        """Open the books, or begin them."""
        self.path = path.resolve()
        self._turn = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file, once whoever is writing has ended."""
        with self._turn:
            self._connection.close()

    def open(self, payment: PaymentRow, asked: CallRow) -> bool:
        """Keep the row and the line, or the line alone."""
        with self._transaction() as cursor:
            row = (payment.merchant_key, payment.version, msgspec.json.encode(payment))
            is_new = bool(cursor.execute("INSERT OR IGNORE INTO payments VALUES (?, ?, ?)", row).rowcount)
            _note(cursor, asked if is_new else asked.without_effect())
            return is_new

    def payment(self, merchant_key: str) -> PaymentRow | None:
        """The row of a merchant key."""
        found = self._read("SELECT row FROM payments WHERE merchant_key = ?", merchant_key)
        return msgspec.json.decode(found[0][0], type=PaymentRow) if found else None

    def refund(self, refund_id: str) -> RefundRow | None:
        """The row of a refund."""
        found = self._read("SELECT row FROM refunds WHERE refund_id = ?", refund_id)
        return msgspec.json.decode(found[0][0], type=RefundRow) if found else None

    def change(
        self, before: PaymentRow, after: PaymentRow, asked: CallRow, given_back: RefundRow | None = None
    ) -> bool:
        """Replace the row, and keep the refund and the line."""
        with self._transaction() as cursor:
            changed = cursor.execute(
                "UPDATE payments SET row = ?, version = ? WHERE merchant_key = ? AND version = ?",
                (msgspec.json.encode(after), after.version, before.merchant_key, before.version),
            ).rowcount
            kept = bool(changed) and _give_back(cursor, given_back)
            if kept:
                _note(cursor, asked)
            else:
                cursor.execute("ROLLBACK")
            return kept

    def note(self, asked: CallRow, given_back: RefundRow | None = None) -> bool:
        """Keep the line, and the refund if it is new."""
        with self._transaction() as cursor:
            kept = _give_back(cursor, given_back)
            if kept:
                _note(cursor, asked)
            return kept

    def add_event(self, event: ProviderEvent, body: bytes) -> None:
        """Keep a message before it is sent."""
        with self._transaction() as cursor:
            cursor.execute("INSERT INTO events (event_id, body) VALUES (?, ?)", (event.event_id, body))

    def body_of(self, event_id: str) -> bytes | None:
        """A message as it is sent, None when there is none of that id."""
        found = self._read("SELECT body FROM events WHERE event_id = ?", event_id)
        return bytes(found[0][0]) if found else None

    def list_events(self, since: str) -> list[ProviderEvent]:
        """The messages of what happened since a timestamp, in the order of that."""
        rows = self._read("SELECT body FROM events ORDER BY number")
        told = [msgspec.json.decode(row[0], type=ProviderEvent) for row in rows]
        return [event for event in told if event.created_at >= since]

    def undelivered(self) -> list[str]:
        """The messages that nobody has taken, in the order of what happened."""
        return [row[0] for row in self._read("SELECT event_id FROM events WHERE deliveries = 0 ORDER BY number")]

    def count_try(self, event_id: str, *, taken: bool) -> None:
        """Note that a message was sent, and whether it was taken."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE events SET tries = tries + 1, deliveries = deliveries + ? WHERE event_id = ?", (taken, event_id)
            )

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All the books, for whoever wants to know what really happened."""
        events = self._read("SELECT body, tries, deliveries FROM events ORDER BY number")
        return {
            "payments": [msgspec.json.decode(row) for (row,) in self._read("SELECT row FROM payments ORDER BY rowid")],
            "refunds": [msgspec.json.decode(row) for (row,) in self._read("SELECT row FROM refunds ORDER BY rowid")],
            "journal": [msgspec.json.decode(row) for (row,) in self._read("SELECT row FROM journal ORDER BY number")],
            "events": [{**msgspec.json.decode(row[0]), "tries": row[1], "deliveries": row[2]} for row in events],
        }

    def _read(self, query: str, *values: str) -> Sequence[tuple[Any, ...]]:
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._turn:
            cursor = self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            if self._connection.in_transaction:
                cursor.execute("COMMIT")


def _note(cursor: sqlite3.Cursor, asked: CallRow) -> None:
    cursor.execute("INSERT INTO journal (row) VALUES (?)", (msgspec.json.encode(asked),))


def _give_back(cursor: sqlite3.Cursor, row: RefundRow | None) -> bool:
    """Keep a refund unless its id has a row."""
    if row is None:
        return True
    values = (row.refund_id, msgspec.json.encode(row))
    return bool(cursor.execute("INSERT OR IGNORE INTO refunds VALUES (?, ?)", values).rowcount)
