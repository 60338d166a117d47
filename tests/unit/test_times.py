"""What time it is in tests, and on another day."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from _pytest.outcomes import Failed

from chalicelib.core import clock, ids
from tests.support import times
from tools import dated

ROOT = Path(__file__).parents[2]
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def test_a_test_that_has_not_fixed_the_clock_may_not_read_it() -> None:
    with clock.fixed(NEW_YEAR):
        assert clock.now() == NEW_YEAR

    with pytest.raises(Failed, match="reads the real clock"):
        clock.now()
    with pytest.raises(Failed, match="reads the real clock"):
        ids.new("ord")


@pytest.mark.real_time
def test_a_test_of_real_time_hears_that_of_the_machine() -> None:
    assert clock.now() < clock.real() < clock.now() + timedelta(minutes=1)


def test_what_is_made_later_sorts_later_at_the_tests_own_time(standard_time: None) -> None:
    begin, made = clock.now(), [ids.new("ord") for _ in range(100)]

    assert begin == times.STANDARD
    assert made == sorted(set(made))
    assert clock.now() == begin + timedelta(milliseconds=101)


def at(date: str, *command: str) -> subprocess.CompletedProcess[str]:
    """That command at that date, whenever these tests live themselves."""
    return subprocess.run(
        [sys.executable, "-m", "tools.dated", date, sys.executable, *command],
        cwd=ROOT, env=dated.real(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_command_and_what_it_starts_live_at_another_date() -> None:
    say = "import datetime; print(datetime.date.today(), flush=True)"
    ran = at("2028-02-29", "-c", f"{say}; import subprocess, sys; subprocess.run([sys.executable, '-c', '{say}'])")

    if "needs libfaketime" in ran.stderr:
        pytest.skip(ran.stderr)
    assert (ran.returncode, ran.stdout) == (0, "2028-02-29\n2028-02-29\n")


def test_a_date_that_is_in_no_calendar_is_refused_in_a_sentence() -> None:
    ran = at("2027-02-29", "-c", "print('never')")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Which date is 2027-02-29? It should look like 2028-02-29 or 2026-12-31T23:56:00, in UTC.\n"
