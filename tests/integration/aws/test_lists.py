"""Lists that are longer than a page, and changes that others get in the way of."""

from __future__ import annotations

import pytest

from chalicelib.aws import db
from chalicelib.aws.keys import Key
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable

PLACE = Key("LAMP#1", "METADATA")


def read_pages(*pages: list[int]) -> tuple[list[str | None], object]:
    asked: list[str | None] = []

    def read(after: str | None) -> tuple[list[int], str | None]:
        asked.append(after)
        number = len(asked)
        return pages[number - 1], str(number) if number < len(pages) else None

    return asked, read


def test_every_page_is_read_once_behind_the_one_before_also_behind_an_empty_one() -> None:
    asked, read = read_pages([1, 2], [], [3])

    assert list(db.every(read)) == [1, 2, 3]
    assert asked == [None, "1", "2"]


def test_no_page_is_read_before_somebody_wants_it() -> None:
    asked, read = read_pages([1], [2])
    pages = db.pages(read, after="here")

    assert (next(pages), asked) == ([1], ["here"])


def test_a_change_is_made_of_what_is_there_however_often_others_are_faster(aws: None) -> None:
    db.commit(db.put(PLACE, {"number": 1, "version": 1}))
    others = [10, 20]

    def read() -> db.Item:
        item = db.get(PLACE, consistent=True) or {}
        if others:
            db.commit(db.put(PLACE, {"number": others.pop(0), "version": item["version"] + 1}))
        return item

    def write(before: db.Item, after: db.Item) -> list[db.Write]:
        return [db.put(PLACE, after, condition="version = :was", values={":was": before["version"]})]

    db.change(read, lambda item: {**item, "number": item["number"] + 1, "version": item["version"] + 1}, write)

    assert (db.get(PLACE, consistent=True) or {})["number"] == 21


def test_what_is_to_stay_the_same_is_not_written(aws: None) -> None:
    item = {"number": 1}

    assert db.change(lambda: item, lambda same: same, lambda *_: pytest.fail("it was written")) is item


def test_after_so_many_tries_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    monkeypatch.setattr(clock, "pause", lambda _: None)

    def attempt() -> None:
        tries.append(1)
        raise db.Stale("always")

    with pytest.raises(Unavailable):
        db.retry_on_conflict(attempt)
    assert len(tries) == 8
