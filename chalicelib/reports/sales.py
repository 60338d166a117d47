"""The sales of a day, told once: two files in the bucket, and an item in the table from which a mail follows.

What a day's figures are is decided by the first draft of them that gets into the table; the files are made of that
draft, and then the item of the day is inserted with the same figures. So a run may die anywhere, come late, come twice
or two at once: whoever goes on writes the same bytes and tells nothing a second time. A day that has its item is left
alone, unless it is asked for again: then figures, files and item are written anew, and nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from chalicelib.aws import db, keys, s3
from chalicelib.core import clock, log
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.core.errors import Misconfigured
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.reports import figures
from chalicelib.reports.figures import DayCounter, Summary

PAGE_SIZE = 100
_LOOK_BACK = 7  # days, yesterday among them
_KEPT_SECONDS = 400 * 24 * 3600
_FOLDER = "reports/sales/"
_WRITERS = {"json": (figures.as_json, "application/json"), "csv": (figures.as_csv, "text/csv; charset=utf-8")}


def run(*, at: str, seconds: float, again: bool = False) -> dict[str, int]:
    """Tell the sales of the day before `at`, an instant of ISO 8601, and of days before it that nobody told.

    A missed day is one of the last seven on which somebody ordered. `again` computes the day before `at` alone, anew.
    Gives how many days were written, and how many could not be, for want of time or of a bucket.
    """
    deadline, yesterday = Deadline(seconds), clock.parse(clock.normalize(at)).date() - timedelta(days=1)
    days = [yesterday] if again else _missing_days(yesterday)
    written = 0
    try:
        for day in days:
            written += _write_day(day, deadline, again=again, always=day == yesterday)
    except Misconfigured as error:
        log.error("SALES_NOT_WRITTEN", str(error))
        return {"written": written, "failed": 1}
    except OutOfTime:
        log.warning("SALES_UNFINISHED", written=written)
        return {"written": written, "failed": 1}
    return {"written": written, "failed": 0}


def summarise(day: date, *, deadline: Deadline, page_size: int = PAGE_SIZE) -> Summary:
    """What was ordered on a UTC day, as it stands now, or `OutOfTime` when that takes longer than it may."""
    count = DayCounter(day.isoformat())
    for order in _orders(day, deadline, page_size):
        count.add(order)
    return count.summary()


def _orders(day: date, deadline: Deadline, page_size: int) -> Iterator[Order]:
    """Every order of a day once.

    All lists are read side by side and keep an order at its place by time. So one that moves to another list, always
    one that is read later, is met in one page only, as it was read last.
    """
    since, end = keys.order_time(day.isoformat()), keys.order_time((day + timedelta(days=1)).isoformat())

    def read(after: str | None) -> tuple[list[Order], str | None]:
        deadline.require()
        return order_store.list_by_status(None, limit=page_size, after=after or end, since=since)

    yield from db.every(read)


def _missing_days(yesterday: date) -> list[date]:
    """The days that have no report yet, yesterday first, so that none can keep its time from the days after it."""
    days = [yesterday - timedelta(days=back) for back in range(_LOOK_BACK)]
    told = db.get_many((keys.sales_report(day.isoformat()) for day in days), consistent=True)
    return [day for day in days if keys.sales_report(day.isoformat()) not in told]


def _write_day(day: date, deadline: Deadline, *, again: bool, always: bool) -> bool:
    """Write a day's files and then its item; a missed day on which nobody ordered is left out unless `always`."""
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
