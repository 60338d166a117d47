"""The one source of time, so that tests and late schedules can say what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo


def real() -> datetime:
    """What the clock of this machine says."""
    return datetime.now(UTC)


_source: Callable[[], datetime] = real


def now() -> datetime:
    """The current instant in UTC."""
    return _source()


def timestamp(at: datetime | None = None) -> str:
    """An instant as ISO 8601 with milliseconds, such as `2026-11-21T09:30:00.000Z`."""
    moment = at or now()
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def normalize(text: str) -> str:
    """An instant of ISO 8601 in the spelling of `timestamp`. Raises `ValueError` for a day that is in no calendar."""
    return timestamp(datetime.fromisoformat(text).astimezone(UTC))


def epoch() -> int:
    """Whole seconds since 1970, the unit of tokens and of DynamoDB's time to live."""
    return int(now().timestamp())


def epoch_of(text: str) -> int:
    """The whole second of a `timestamp`."""
    return int(datetime.fromisoformat(text).timestamp())


def from_epoch(epoch_seconds: float) -> datetime:
    """The instant so many seconds after the beginning of 1970."""
    return datetime.fromtimestamp(epoch_seconds, UTC)


def parse(text: str) -> datetime:
    """The instant of a timestamp."""
    return datetime.fromisoformat(text)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The instant at which a day begins in a time zone: where its clocks leave midnight out, the one after."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def ago(span: timedelta) -> str:
    """The timestamp of the instant `span` before now."""
    return timestamp(now() - span)


def monotonic() -> float:
    """Seconds from an arbitrary start, for durations and cache ages only."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait, between bounded retries."""
    time.sleep(seconds)


@contextmanager
def read_from(source: Callable[[], datetime]) -> Iterator[None]:
    """Let `source` say what time it is for the length of the block, in every thread."""
    global _source  # noqa: PLW0603 - the clock is the one deliberate piece of global state
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


@contextmanager
def fixed(at: datetime) -> Iterator[None]:
    """Hold the clock at `at` for the length of the block, in every thread."""
    with read_from(lambda: at):
        yield
