"""The shop's days: those of its time zone, 23 and 25 hours long where clocks are changed (docs/adr/0039)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from chalicelib.core import clock, settings
from chalicelib.core.errors import Misconfigured

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def zone() -> ZoneInfo:
    """The shop's time zone. Raises `Misconfigured` when the setting names none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - for what reckons in days alone

    name = settings.current().shop_time_zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError for a part of a name, such as Europe
        message = f"SHOP_TIME_ZONE is {name!r}, which names no time zone; one is Europe/Berlin."
        raise Misconfigured(message) from None


def of(at: str) -> date:
    """The day on which the instant of a timestamp falls."""
    return clock.parse(at).astimezone(zone()).date()


def begin(day: date) -> str:
    """The first instant of a day, as a timestamp: the end of the day before, whatever clocks do at midnight."""
    return clock.timestamp(clock.midnight(day, zone()))


def after(day: date) -> date:
    """The day that follows."""
    return day + timedelta(days=1)
