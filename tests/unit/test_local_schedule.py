"""The local schedule: when a function is due by its own expression, and what is made up for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import app
from chalicelib.core import clock
from tools.local import schedule
from tools.local.schedule import Schedule, Timetable
from tools.refusal import Refusal

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NIGHTLY = "cron(30 0 * * ? *)"


@pytest.mark.parametrize(
    ("expression", "minute", "latest"),
    [
        ("rate(1 minute)", 0, NOON),
        ("rate(5 minutes)", 12, NOON + timedelta(minutes=10)),
        ("rate(1 day)", 12, NOON.replace(hour=0)),
        ("cron(10 * * * ? *)", 9, NOON.replace(hour=11, minute=10)),
        ("cron(10 * * * ? *)", 10, NOON.replace(minute=10)),
        (NIGHTLY, 9, NOON.replace(hour=0, minute=30)),
        ("cron(0 23 * * ? *)", 0, NOON.replace(hour=23) - timedelta(days=1)),
    ],
)
def test_a_function_is_due_by_its_expression(expression: str, minute: int, latest: datetime) -> None:
    assert Timetable.of(expression).latest(NOON + timedelta(minutes=minute, seconds=0)) == latest


@pytest.mark.parametrize(
    "expression", ["cron(0 3 ? * MON *)", "cron(61 * * * ? *)", "cron(0 24 * * ? *)", "rate(0 days)"]
)
def test_an_expression_that_it_cannot_read_is_refused(expression: str) -> None:
    with pytest.raises(Refusal, match="cannot read"):
        Timetable.of(expression)


def test_every_scheduled_function_of_the_app_is_run() -> None:
    expressions = schedule.expressions(app.app)

    assert {"run_scheduled_work", "check_store", "remind_of_carts", "summarise_sales"} <= set(expressions)
    assert expressions["summarise_sales"] == "cron(30 * * * ? *)"
    assert [worker.name for worker in schedule.workers(app)] == [f"schedule-{name}" for name in expressions]


class Job:
    """A function that notes the instants it was run for."""

    def __init__(self) -> None:
        self.instants: list[str] = []

    def __call__(self, event: dict[str, Any], _context: Any) -> None:
        self.instants.append(event["time"])


def test_what_was_missed_is_made_up_for_once_for_the_latest_instant() -> None:
    job = Job()
    nightly = Schedule("sales", job, NIGHTLY)

    with clock.fixed(NOON):
        done = nightly.catch_up(nightly.catch_up(LONG_AGO))
    with clock.fixed(NOON + timedelta(days=5)):
        done = nightly.catch_up(nightly.catch_up(done))

    assert job.instants == ["2026-11-21T00:30:00Z", "2026-11-26T00:30:00Z"]
    assert done == datetime(2026, 11, 26, 0, 30, tzinfo=UTC)


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    job = Job()
    nightly = Schedule("sales", job, NIGHTLY)
    with clock.fixed(NOON):
        done = nightly.catch_up(LONG_AGO)

    with clock.fixed(NOON - timedelta(days=1)):
        assert nightly.catch_up(done) == done

    assert len(job.instants) == 1


def test_a_failed_run_is_logged_and_the_next_comes_on_time(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any) -> None:
        raise ValueError

    minutely = Schedule("settle", fail, "rate(1 minute)")

    with clock.fixed(NOON), caplog.at_level(logging.ERROR):
        done = minutely.catch_up(NOON - timedelta(minutes=1))

    assert done == NOON
    assert "function failed" in caplog.text


def test_a_started_schedule_runs_what_is_due_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(schedule, "SETTLE_SECONDS", 0.01)
    job = Job()
    nightly = Schedule("sales", job, NIGHTLY)

    with clock.fixed(NOON):
        nightly.start()
        for _ in range(3000):
            if job.instants:
                break
            nightly.join(timeout=0.02)
        nightly.stop()

    assert job.instants == ["2026-11-21T00:30:00Z"]
    assert not nightly.is_alive()
