"""Calls every scheduled function by its own expression, as the deployed EventBridge rules do.

What is due at a time of day is made up for when the shop was closed or the machine asleep then: once, for the latest
such instant. That is safe, because every scheduled function may come late, twice, and two at once.
"""

import re
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, ScheduleExpression

from chalicelib.core import clock
from tools.local import functions
from tools.local.settings import ACCOUNT, REGION
from tools.refusal import Refusal

CHECK_SECONDS = 1.0
SETTLE_SECONDS = 60.0  # before what was missed is made up for: the shop opens first

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(([0-5]?\d) ([01]?\d|2[0-3]|\*) \* \* \? \*\)")


@dataclass(frozen=True)
class Timetable:
    """Instants in equal steps; what is due at a time of day or hour `is_kept`: made up for when it was missed."""

    step: timedelta
    offset: timedelta
    is_kept: bool

    @classmethod
    def of(cls, expression: str) -> "Timetable":
        """The timetable of `rate(…)`, or of a cron expression that names a minute and perhaps an hour."""
        if rate := _RATE.fullmatch(expression):
            return cls(timedelta(**{f"{rate[2]}s": int(rate[1])}), timedelta(), is_kept=False)
        if cron := _CRON.fullmatch(expression):
            hourly = cron[2] == "*"
            offset = timedelta(minutes=int(cron[1]), hours=0 if hourly else int(cron[2]))
            return cls(timedelta(hours=1 if hourly else 24), offset, is_kept=True)
        raise Refusal(f"The local schedule cannot read {expression!r}: it knows rates, and cron by minute and hour.")

    def latest(self, now: datetime) -> datetime:
        """The last instant that is not after `now`."""
        return now - (now - _EPOCH - self.offset) % self.step


class Schedule(threading.Thread):
    """One function, one run after the other; a failed one is logged and the next comes on time."""

    def __init__(self, name: str, handler: functions.Function, expression: str) -> None:
        """`handler` is the scheduled function of that name."""
        super().__init__(name=f"schedule-{name}", daemon=True)
        self._job = name
        self._handler = handler
        self._timetable = Timetable.of(expression)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look at the clock, call when it is time, repeat until told to stop."""
        if self._timetable.is_kept:
            self._stopping.wait(SETTLE_SECONDS)
            done = _EPOCH
        else:
            done = self._timetable.latest(clock.now())
        while not self._stopping.wait(CHECK_SECONDS):
            done = self.catch_up(done)

    def catch_up(self, done: datetime) -> datetime:
        """Call the function for the latest instant if that is after `done`; the instant that is done now."""
        due = self._timetable.latest(clock.now())
        if due <= done:
            return done
        with suppress(functions.FunctionFailed):
            functions.call(self._handler, event(due), functions.context(self._job))
        return due

    def stop(self) -> None:
        """Return when no run is under way any more, or takes too long."""
        self._stopping.set()
        self.join(timeout=30)


def expressions(app: Chalice) -> dict[str, str]:
    """Every scheduled function of the app, and when it is due."""
    scheduled = [source for source in app.event_sources if isinstance(source, ScheduledEventConfig)]
    return {source.name: _text(source.schedule_expression) for source in scheduled}


def workers(module: ModuleType) -> list[Schedule]:
    """One for each scheduled function of the module's app."""
    return [Schedule(name, getattr(module, name), text) for name, text in expressions(module.app).items()]


def event(now: datetime, detail: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a scheduled EventBridge rule sends."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ecommerce-local-schedule"],
        "detail": detail or {},
    }


def _text(expression: str | ScheduleExpression) -> str:
    return expression if isinstance(expression, str) else expression.to_string()
