"""The steps of orders in their buyers' histories, which repeat what stands in the orders' timelines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from chalicelib.aws import db, keys
from chalicelib.orders import history
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.users import store as user_store
from chalicelib.users.models import AuditEntry
from tools.recompute.run import Run

KIND = "steps in histories"
_PAGE_SIZE = 100


def recompute(run: Run) -> None:
    """Write every step that a history lacks or tells otherwise."""
    buyers = dict(_orders())
    suspects = run.sift(KIND, buyers, partial(_wrong, buyers), unit=" orders")
    run.settle(KIND, suspects, lambda order_id: _settle(run, buyers[order_id], order_id))


def _orders() -> Iterator[tuple[str, str]]:
    """Every order with its buyer."""
    for order in db.every(lambda after: order_store.list_by_status(None, limit=_PAGE_SIZE, after=after)):
        yield order.order_id, order.user_id


def _wrong(buyers: dict[str, str], order_ids: list[str]) -> list[str]:
    return [each for each in order_ids if (order := order_store.get_owned(buyers[each], each)) and _lacking(order)]


def _settle(run: Run, user_id: str, order_id: str) -> None:
    order = order_store.get_owned(user_id, order_id)
    lacking = _lacking(order) if order else []
    run.differs(KIND, order_id, times=len(lacking))
    if run.repairs and lacking:
        db.commit(*(user_store.record_audit(line.entry, line.step) for line in lacking))


def _lacking(order: Order) -> list[history.HistoryLine]:
    """The steps that the history does not tell as the order does."""
    lines = {keys.audit_entry(line.entry.user_id, line.entry.at, line.step): line for line in history.lines(order)}
    told = db.get_many(lines, consistent=True)
    return [line for key, line in lines.items() if key not in told or _entry(told[key]) != line.entry]


def _entry(item: db.Item) -> AuditEntry | None:
    try:
        return msgspec.convert(item, AuditEntry)
    except msgspec.ValidationError:
        return None
