"""The shop's days: a partition of time in any zone, with days of 23 and 25 hours (F7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.core import clock, days, instants, settings
from chalicelib.core.errors import Invalid, Misconfigured

pytestmark = pytest.mark.fault("F7")


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def live_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TIME_ZONE", zone)
    settings.current.cache_clear()


@pytest.mark.parametrize(
    ("zone", "day", "begin", "hours"),
    [
        ("UTC", "2026-03-29", "2026-03-29T00:00:00.000Z", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z", 23),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z", 25),
        ("Asia/Kolkata", "2026-11-20", "2026-11-19T18:30:00.000Z", 24),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00.000Z", 23.5),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00.000Z", 23),  # its clocks go from midnight to one
        ("America/Santiago", "2026-04-04", "2026-04-04T03:00:00.000Z", 25),  # and these from midnight back to eleven
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0),  # a day that was left out
    ],
)
def test_a_day_begins_at_its_midnight_and_is_as_long_as_its_clocks_say(
    zone: str, day: str, begin: str, hours: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_in(zone, monkeypatch)
    that = date.fromisoformat(day)

    assert days.begin(that) == begin
    assert clock.parse(days.begin(days.after(that))) - clock.parse(begin) == timedelta(hours=hours)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Cairo"])
def test_every_instant_of_a_year_is_of_the_day_whose_bounds_hold_it(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    live_in(zone, monkeypatch)

    for quarter in range(0, 365 * 24 * 4, 3):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
        day = days.of(clock.timestamp(at))
        assert days.begin(day) <= clock.timestamp(at) < days.begin(days.after(day)), at


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../etc/passwd", "/etc/localtime", "CEST-2", "berlin"])
def test_a_zone_that_nobody_knows_is_named_in_one_sentence(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    live_in(zone, monkeypatch)

    with pytest.raises(Misconfigured, match=r"^SHOP_TIME_ZONE is .*, which names no time zone; one is \S+$"):
        days.zone()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-20T00:30:00+05:30", "2026-11-19T19:00:00.000Z"),
        ("2026-11-20T00:30:00 05:30", "2026-11-19T19:00:00.000Z"),  # a + that nobody has encoded
        ("2026-11-20T00:30-03:30", "2026-11-20T04:00:00.000Z"),
        ("2026-11-20T00:30:00.5Z", "2026-11-20T00:30:00.500Z"),
        ("2026-11-20", "2026-11-19T23:00:00.000Z"),  # the shop's day
        ("2026-02-30", None),
        ("2026-11-20T24:01:00Z", None),
        ("2026-11-20T00:30:00+24:00", None),
    ],
)
def test_an_instant_has_any_offset_and_a_day_is_the_shops(
    text: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_in("Europe/Berlin", monkeypatch)

    if said is None:
        with pytest.raises(Invalid):
            instants.read(text, "since")
    else:
        assert instants.read(text, "since") == said
