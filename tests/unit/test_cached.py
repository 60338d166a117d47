"""Values that are kept for some seconds: when they are read again, and what happens when they cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.core import clock
from chalicelib.core.cached import Cached
from chalicelib.core.errors import Unavailable


class Store:
    """Gives one number after the other, or fails."""

    def __init__(self) -> None:
        self.number, self.failure = 0, None

    def read(self) -> int:
        if self.failure:
            raise self.failure
        self.number += 1
        return self.number


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    at = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: at[0])
    return at


def test_a_value_is_read_once_until_it_is_too_old(now: list[float]) -> None:
    cached = Cached(Store().read, seconds=60)

    assert [cached.get(), cached.get()] == [1, 1]
    now[0] += 60
    assert cached.get() == 1
    now[0] += 1
    assert cached.get() == 2


def test_somebody_may_want_it_younger_than_others(now: list[float]) -> None:
    cached = Cached(Store().read, seconds=60)
    cached.get()
    now[0] += 11

    assert [cached.get(max_age=11), cached.get(max_age=10), cached.get()] == [1, 2, 2]


def test_what_is_forgotten_is_read_again(now: list[float]) -> None:
    cached = Cached(Store().read, seconds=60)
    cached.get()

    cached.forget()

    assert cached.get() == 2


def test_a_known_value_outlives_a_silent_store_and_is_asked_for_each_time(now: list[float]) -> None:
    store, complaints = Store(), list[str]()
    cached = Cached(store.read, seconds=60, keep_stale_on=Unavailable, on_stale=lambda: complaints.append("silent"))
    cached.get()
    now[0] += 61
    store.failure = Unavailable("silent")

    assert [cached.get(), cached.get(), complaints] == [1, 1, ["silent", "silent"]]
    store.failure = None
    assert cached.get() == 2


def test_whoever_must_know_hears_of_the_silence_and_takes_nothing_from_the_others(now: list[float]) -> None:
    store = Store()
    cached = Cached(store.read, seconds=60, keep_stale_on=Unavailable)
    cached.get()
    now[0] += 11
    store.failure = Unavailable("silent")

    with pytest.raises(Unavailable):
        cached.get(max_age=10, keep_stale=False)

    assert cached.get() == 1


def test_the_first_failure_and_one_of_another_kind_are_the_callers(now: list[float]) -> None:
    store = Store()
    cached = Cached(store.read, seconds=60, keep_stale_on=Unavailable)
    store.failure = Unavailable("silent")
    with pytest.raises(Unavailable):
        cached.get()

    store.failure = None
    cached.get()
    now[0] += 61
    store.failure = LookupError("gone")
    with pytest.raises(LookupError):
        cached.get()
