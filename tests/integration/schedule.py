"""The schedule, some time from now."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import clock
from chalicelib.orders import sweep


def swept_after(*minutes: int) -> list[dict[str, int]]:
    """Let the schedule work so many minutes from now."""
    begin, done = clock.now(), []
    for each in minutes:
        with clock.fixed(begin + timedelta(minutes=each)):
            done.append(sweep.run(seconds=10))
    return done
