"""Instants as callers write them: with any offset from UTC, and kept in the one spelling of `clock.timestamp`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from msgspec import Meta

from chalicelib.core import clock, days
from chalicelib.core.errors import invalid

# A `+` that nobody has encoded arrives in a query as a blank, and nothing else can be meant by one here.
_TIME = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+ -]([01][0-9]|2[0-3]):[0-5][0-9])"
_DAY = r"(19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"

Instant = Annotated[
    str,
    Meta(
        pattern=rf"^{_DAY}{_TIME}$(?!\n)",
        description="a time such as 2026-11-30T23:59:59Z or 2026-11-30T23:59:59+05:30",
    ),
]
DayOrInstant = Annotated[
    str,
    Meta(
        pattern=rf"^{_DAY}({_TIME})?$(?!\n)",
        description="a day such as 2026-11-21, or a time such as 2026-11-21T09:30:00Z or 2026-11-21T15:00:00+05:30",
    ),
]


def read(text: str, field: str) -> str:
    """The timestamp of an instant, or of the beginning of a day of the shop; `Invalid` for one in no calendar."""
    return _read(text, field, days_on=0)


def read_end(text: str, field: str) -> str:
    """As `read`, but a day counts to its end, so the first instant of the next."""
    return _read(text, field, days_on=1)


def _read(text: str, field: str, *, days_on: int) -> str:
    try:
        if "T" in text:
            return clock.normalize(text.replace(" ", "+"))
        return days.begin(date.fromisoformat(text) + timedelta(days=days_on))
    except (ValueError, OverflowError):
        raise invalid(field, "invalid_value", "There is no such day or time.") from None
