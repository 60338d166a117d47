"""The sales of a day, told once: two files in the bucket, and an item in the table from which a mail follows.

What a day's figures are is decided by the first draft of them that gets into the table; the files are made of that
draft, and then the item of the day is inserted with the same figures. So a run may die anywhere, come late, come twice
or two at once: whoever goes on writes the same bytes and tells nothing a second time. A day that has its item is left
alone, unless it is asked for again: then figures, files and item are written anew, and nobody is told twice.

A sale counts on the day on which its money came and a refund on the day on which it went back, in the shop's time zone
(docs/adr/0039): the sum over all days is what the payment provider's books say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from chalicelib.aws import db, keys, s3
from chalicelib.core import clock, days, log
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.core.errors import Misconfigured
from chalicelib.orders import books
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Refund
from chalicelib.payments.returns import Dispute
from chalicelib.reports import figures
from chalicelib.reports.figures import DayCounter, Summary

PAGE_SIZE = 100
_LOOK_BACK = 7  # days, yesterday among them
_SETTLING = timedelta(minutes=15)  # longer than any transaction takes that bears a time of the day before
_KEPT_SECONDS = 400 * 24 * 3600
_FOLDER = "reports/sales/"
_WRITERS = {"json": (figures.as_json, "application/json"), "csv": (figures.as_csv, "text/csv; charset=utf-8")}


def run(*, at: str, seconds: float, again: bool = False) -> dict[str, int]:
    """Tell the sales of the shop's day before `at`, an instant of ISO 8601, and of days before it that nobody told.

    A day is told once it has been over for a quarter of an hour. A missed day is one of the last seven on which
    something happened. `again` computes the day before `at` alone, anew. Gives how many days were written, and how many
    could not be, for want of time or of a setting.
    """
    deadline, written = Deadline(seconds), 0
    try:
        yesterday = days.of(clock.timestamp(clock.parse(clock.normalize(at)) - _SETTLING)) - timedelta(days=1)
        for day in [yesterday] if again else _missing_days(yesterday):
            written += _write_day(day, deadline, again=again, always=day == yesterday)
    except Misconfigured as error:
        log.error("SALES_NOT_WRITTEN", str(error))
        return {"written": written, "failed": 1}
    except OutOfTime:
        log.warning("SALES_UNFINISHED", written=written)
        return {"written": written, "failed": 1}
    return {"written": written, "failed": 0}


def summarise(day: date, *, deadline: Deadline, page_size: int = PAGE_SIZE) -> Summary:
    """What was ordered, paid and given back on a day of the shop, or `OutOfTime` when that takes longer than it may.

    What was paid and given back on a day that is over is the same whenever it is computed.
    """
    window = _Window(days.begin(day), days.begin(days.after(day)), deadline, page_size)
    count = DayCounter(day.isoformat(), str(days.zone()))
    for order in _orders(window):
        if window.holds(order.created_at):
            count.add_placed(order)
        if window.holds(books.sold_at(order)):
            count.add_sold(order)
    for order in _paid_late(window):
        count.add_sold(order)
    for refund in _refunds(window):
        count.add_refund(refund.amount, refund.currency)
    for dispute in _losses(window):
        count.add_refund(dispute.amount, dispute.currency)
    return count.summary()


class _Window(NamedTuple):
    """A day's first instant and the one after its last, and what its reading may take."""

    since: str
    end: str
    deadline: Deadline
    page_size: int

    def holds(self, at: str | None) -> bool:
        """Is that instant one of the day?"""
        return at is not None and self.since <= at < self.end

    @property
    def first_order(self) -> str:
        """The earliest time of an order whose money came promptly and on this day."""
        return clock.timestamp(clock.parse(self.since) - books.PROMPT)


def _orders(window: _Window) -> Iterator[Order]:
    """Every order of a day, and those before it whose money may have come on it, once.

    All lists are read side by side and keep an order at its place by time. So one that moves to another list, always
    one that is read later, is met in one page only, as it was read last.
    """
    since, end = keys.order_time(window.first_order), keys.order_time(window.end)

    def read(after: str | None) -> tuple[list[Order], str | None]:
        window.deadline.require()
        return order_store.list_by_status(None, limit=window.page_size, after=after or end, since=since)

    yield from db.every(read)


def _paid_late(window: _Window) -> Iterator[Order]:
    """The orders whose money came on the day, and that are too old to be among the day's."""

    def read(after: str | None) -> tuple[list[Order], str | None]:
        window.deadline.require()
        return order_store.list_paid_late(since=window.since, until=window.end, after=after, limit=window.page_size)

    yield from (order for order in db.every(read) if order.created_at < window.first_order)


def _refunds(window: _Window) -> Iterator[Refund]:
    """What went back on the day."""

    def read(after: str | None) -> tuple[list[Refund], str | None]:
        window.deadline.require()
        return payment_store.list_given_back(since=window.since, until=window.end, after=after, limit=window.page_size)

    yield from db.every(read)


def _losses(window: _Window) -> Iterator[Dispute]:
    """What disputes cost that were lost on the day."""

    def read(after: str | None) -> tuple[list[Dispute], str | None]:
        window.deadline.require()
        return order_store.list_lost(since=window.since, until=window.end, after=after, limit=window.page_size)

    yield from db.every(read)


def _missing_days(yesterday: date) -> list[date]:
    """The days that have no report yet, yesterday first, so that none can keep its time from the days after it."""
    recent = [yesterday - timedelta(days=back) for back in range(_LOOK_BACK)]
    told = db.get_many((keys.sales_report(day.isoformat()) for day in recent), consistent=True)
    return [day for day in recent if keys.sales_report(day.isoformat()) not in told]


def _write_day(day: date, deadline: Deadline, *, again: bool, always: bool) -> bool:
    """Write a day's files and then its item; a missed day on which nothing happened is left out unless `always`."""
    files = {f"{_FOLDER}{day.isoformat()}.{kind}": kind for kind in _WRITERS}
    s3.require_bucket()
    summary = None if again else _get_draft(day)
    if summary is None:
        summary = summarise(day, deadline=deadline)
        if not (summary.currencies or always):
            return False
        summary = _decide_draft(day, summary, again=again)
    for key, kind in files.items():
        write, content_type = _WRITERS[kind]
        s3.put(key, write(summary), content_type=content_type)
    return _insert_report(day, summary, list(files), again=again)


def _get_draft(day: date) -> Summary | None:
    """The figures that were decided on before, if they were."""
    item = db.get(keys.sales_draft(day.isoformat()), consistent=True)
    return msgspec.convert(item, Summary) if item else None


def _decide_draft(day: date, summary: Summary, *, again: bool) -> Summary:
    """These figures, or those of whoever was faster."""
    key, item = keys.sales_draft(day.isoformat()), _to_item(summary)
    try:
        db.commit(db.put(key, item) if again else db.insert(key, item))
    except db.Stale:
        return _get_draft(day) or summary
    return summary


def _insert_report(day: date, summary: Summary, files: list[str], *, again: bool) -> bool:
    """Write the day's item; False when somebody else did."""
    key, item = keys.sales_report(day.isoformat()), {**_to_item(summary), "files": files}
    try:
        db.commit(db.put(key, item) if again else db.insert(key, item))
    except db.Stale:
        return False
    log.info("SALES_WRITTEN", day=summary.day, orders=sum(each.placed for each in summary.currencies))
    return True


def _to_item(summary: Summary) -> db.Item:
    written = {"writtenAt": clock.timestamp(), "expiresAt": clock.epoch() + _KEPT_SECONDS}
    return {**msgspec.to_builtins(summary), **written}
