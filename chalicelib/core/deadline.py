"""A time by which something has to be over, such as the minute that a function has."""

from __future__ import annotations

from chalicelib.core import clock


class OutOfTime(TimeoutError):
    """The time is over before the work is."""


class Deadline:
    """The end of so many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._end = clock.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Has the time passed?"""
        return clock.monotonic() > self._end

    @property
    def left(self) -> float:
        """The seconds that are left, 0 when the time has passed."""
        return max(0.0, self._end - clock.monotonic())

    def require(self) -> None:
        """Raise `OutOfTime` when the time has passed."""
        if self.is_over:
            raise OutOfTime

    def within(self, seconds: float) -> Deadline:
        """The end of so many seconds from now on, and no later than this one."""
        return Deadline(min(seconds, self.left))
