"""A time by which something has to be over."""

from __future__ import annotations

import pytest

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline, OutOfTime


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: at[0])
    return at


def test_a_deadline_passes(now: list[float]) -> None:
    deadline = Deadline(10)

    assert (deadline.left, deadline.is_over) == (10, False)
    deadline.require()
    now[0] += 10.5
    assert (deadline.left, deadline.is_over) == (0, True)
    with pytest.raises(OutOfTime):
        deadline.require()


def test_a_part_of_the_time_ends_no_later_than_the_whole(now: list[float]) -> None:
    deadline = Deadline(10)
    now[0] += 7

    assert (deadline.within(2).left, deadline.within(60).left) == (2, 3)


def test_running_out_of_time_is_a_time_out() -> None:
    assert issubclass(OutOfTime, TimeoutError)
