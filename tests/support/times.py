"""What time it is in tests: none, until a test says so, and never the machine's unless it is about real time.

A test that reads the machine's clock passes today and fails on some other day. So `chalicelib.core.clock` refuses to
answer until it is fixed: by `clock.fixed`, or by the emulated AWS, whose tests live at `STANDARD` and for which each
reading of the clock is a millisecond. `tests/unit/architecture/test_speakers.py` finds those that ask the machine.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from chalicelib.core import clock
from tools.dated import DATE

# Whoever tries a date by `make test DATE=…` means that of the tests too.
STANDARD = datetime.fromisoformat(os.environ.get(DATE) or "2026-11-21T09:30:00+00:00")


def refuse() -> datetime:
    """Fail the test that asks for the time and has not said what time it is."""
    pytest.fail("This reads the real clock: hold it with clock.fixed(…), or say that it is a test of real_time.")


def ticking(begin: datetime) -> Callable[[], datetime]:
    """A clock for which each reading takes a millisecond: what is made later sorts later, whatever the machine does."""
    readings = itertools.count()
    return lambda: begin + timedelta(milliseconds=next(readings))


def standard() -> AbstractContextManager[None]:
    """Live at the tests' own time for the length of the block."""
    return clock.read_from(ticking(STANDARD))


def guard() -> None:
    """Refuse the real clock to whatever tests read, from the loading of their modules on."""
    clock._source = refuse
