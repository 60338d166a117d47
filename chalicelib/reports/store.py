"""Reports of store audits in the table."""

from __future__ import annotations

import msgspec

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.reports.models import Report

_REPORT_SECONDS = 365 * 24 * 3600


def create(report: Report) -> None:
    """Keep the report of a store audit, for a year."""
    item = {**msgspec.to_builtins(report), "expiresAt": clock.epoch() + _REPORT_SECONDS}
    db.commit(db.put(keys.store_report(report.at), item))


def get_latest() -> Report | None:
    """The report of the last store audit."""
    page = db.query(db.TABLE, keys.store_report("").pk, limit=1, newest_first=True)
    return msgspec.convert(page.items[0], Report) if page.items else None
