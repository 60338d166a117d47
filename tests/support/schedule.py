"""The schedule, some time from now."""

from __future__ import annotations

from datetime import datetime, timedelta

import app
from chalicelib.core import clock
from chalicelib.orders import sweep
from tools.local import functions, schedule


def swept_after(*minutes: int) -> list[dict[str, int]]:
    """Let the schedule work so many minutes from now."""
    begin, done = clock.now(), []
    for each in minutes:
        with clock.fixed(begin + timedelta(minutes=each)):
            done.append(sweep.run(seconds=10))
    return done


def run_at(function: str, moment: datetime) -> dict[str, int]:
    """Let a scheduled function of the app work at that moment, which it was meant for."""
    with clock.fixed(moment):
        done: dict[str, int] = getattr(app, function)(schedule.event(moment), functions.context(function))
    return done
