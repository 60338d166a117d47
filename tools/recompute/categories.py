"""The numbers of the categories: how many products are noted as counted in each.

A note and the numbers change in one transaction, which also counts the number's changes. So the notes of a category
whose number is the same before and after they were read, to the count of its changes, were all read as they are; and
a number is repaired on condition that it has not changed since. One that changed is looked at again with all notes,
a few times; after that the run says that it was not judged.
"""

from __future__ import annotations

from collections import Counter

from chalicelib.aws import db, keys
from tools.recompute.run import Run, as_read

KIND = "numbers of categories"
_LOOKS = 3
_PAGE_SIZE = 500


def make_countable(run: Run) -> None:
    """Let numbers that nothing can be added to be added to again: no refresh of a product of theirs would succeed."""
    for name, item in _numbers().items():
        if run.repairs and not _is_countable(item):
            count = item.get("count")
            _repair(run, name, item, count if isinstance(count, int) else 0)


def recompute(run: Run) -> None:
    """Make each number that of the products noted."""
    waiting = _look(run, None)
    for _ in range(_LOOKS - 1):
        waiting = _look(run, waiting) if waiting else waiting
    for name in sorted(waiting):
        run.leave(f"{name}: its number changed all the while and was not judged.")


def _look(run: Run, only: set[str] | None) -> set[str]:
    """Judge and repair the numbers of those categories, or of all; those that changed meanwhile."""
    before = _numbers()
    counted = _counted(run)
    after = _numbers()
    names = before.keys() | counted.keys() | after.keys()
    moved = {name for name in names if before.get(name) != after.get(name)}
    return {
        name
        for name in (names if only is None else only)
        if name in moved or not _settle(run, name, after.get(name), counted[name])
    }


def _settle(run: Run, name: str, item: db.Item | None, count: int) -> bool:
    """Tell and repair a wrong number; False if it changed meanwhile."""
    if _is_right(name, item, count):
        return True
    if run.repairs:
        return _repair(run, name, item, count)
    run.differs(KIND, name)
    return True


def _repair(run: Run, name: str, item: db.Item | None, count: int) -> bool:
    try:
        db.commit(_number(name, item, count))
    except db.Stale:
        return False
    run.differs(KIND, name)
    return True


def _is_right(name: str, item: db.Item | None, count: int) -> bool:
    if item is None:
        return count == 0
    return _is_countable(item) and (item.get("category"), item.get("count")) == (name, count)


def _is_countable(item: db.Item) -> bool:
    return all(isinstance(item.get(name, 0), int) for name in ("count", "version"))


def _number(name: str, item: db.Item | None, count: int) -> db.Write:
    version = (item or {}).get("version", 0)
    number = {"category": name, "count": count, "version": version + 1 if isinstance(version, int) else 1}
    if item is None:
        return db.insert(keys.category_count(name), number)
    return db.put(keys.category_count(name), number, **as_read(item, ("count", "version")))


def _numbers() -> dict[str, db.Item]:
    """The items of all numbers, by category."""
    pk = keys.category_count().pk
    found = db.every(lambda after: db.query(db.TABLE, pk, limit=_PAGE_SIZE, after=after, consistent=True))
    return {item["SK"]: item for item in found}


def _counted(run: Run) -> Counter[str]:
    """How many products are noted as counted in each category."""
    notes = run.scan("notes", keys.PRODUCT_PREFIX, sks=[keys.INDEXED_SK], only=["category"])
    return Counter(name for note in notes if isinstance(name := note.get("category"), str))
