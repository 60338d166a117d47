"""The words by which products are found, and the note of how each product stands among them.

Millions of words do not fit into memory, 64 bits of each do: they are computed from the products, and struck out as
the words are read. What is left over is missing; what is read, but neither computed nor noted, is astray, and kept in
memory until its product's turn. A word is written or removed together with the product's note, whose version keeps
out a refresh that began before.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from chalicelib.aws import db, keys
from chalicelib.products import search
from chalicelib.products.models import Product
from chalicelib.products.search import Entry
from tools.recompute.run import Run, as_read

NOTES, WORDS = "notes of products in search", "words in search"
_BATCH_SIZE = 90

Strays = Mapping[str, Collection[keys.Key]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be read of a product: prints of its words' keys, of others that its note names, of what all say."""

    waiting: array[int]
    outdated: frozenset[int]
    content: int

    @classmethod
    def of(cls, product_id: str, wanted: Entry, note: Entry | None) -> Expected:
        """The prints of the words that are wanted, and of those that are only noted."""
        items = wanted.items(product_id)
        noted = note.items(product_id) if note and not note.is_found_like(wanted) else {}
        content = next(iter(items.values()), {})
        return cls(array("q", map(hash, items)), frozenset(map(hash, noted.keys() - items.keys())), _print(content))


def recompute(run: Run) -> None:
    """Find every product by its present words, and by no others."""
    expected: dict[str, Expected] = {}
    suspects = run.sift(NOTES, run.products, partial(_wrong, expected))
    strays: dict[str, set[keys.Key]] = defaultdict(set)
    suspects.update(_wrongly_worded(run.scan("words", keys.WORD_PREFIX), expected, strays))
    suspects.update(strays, (each for each, those in expected.items() if those.waiting))
    run.settle("the index", suspects, partial(_settle, run, strays))


def _wrong(expected: dict[str, Expected], product_ids: list[str]) -> list[str]:
    """The products whose notes are wrong or whose items cannot be read; on the way, what their words must be."""
    wanted = [key for each in product_ids for key in (keys.product(each), keys.index_entry(each))]
    items = db.get_many(wanted, consistent=True)
    suspects = []
    for each in product_ids:
        entry, note = _wanted(items.get(keys.product(each))), _noted(items.get(keys.index_entry(each)))
        if entry is None or note is None or not note.is_found_like(entry):
            suspects.append(each)
        if entry is not None:
            expected[each] = Expected.of(each, entry, note)
    return suspects


def _wrongly_worded(
    items: Iterable[db.Item], expected: Mapping[str, Expected], strays: dict[str, set[keys.Key]]
) -> set[str]:
    """Strike out the words that are expected, and collect the strays; the products whose words say something else."""
    suspects = set()
    for item in items:
        key = keys.Key(item.pop("PK"), item.pop("SK"))
        product_id, printed = key.sk.rpartition("#")[2], hash(key)
        those = expected.get(product_id)
        if those and printed in those.waiting:
            those.waiting.remove(printed)
            if _print(item) != those.content:
                suspects.add(product_id)
        elif not (those and printed in those.outdated):
            strays[product_id].add(key)
    return suspects


def _settle(run: Run, strays: Strays, product_id: str) -> None:
    """Look at one product again, tell what is wrong, and repair it."""
    note = _noted(db.get(keys.index_entry(product_id), consistent=True))
    wanted = _wanted(db.get(keys.product(product_id), consistent=True))
    if wanted is None:
        run.leave(f"{product_id}: its item cannot be read, so its words were left as they are.")
        return
    others = {*strays.get(product_id, ()), *(note.items(product_id) if note else ())}
    wrong = _corrections(wanted.items(product_id), others)
    is_noted = note is not None and note.is_found_like(wanted)
    run.differs(NOTES, product_id, times=int(not is_noted))
    run.differs(WORDS, product_id, times=len(wrong))
    if run.repairs and (wrong or not is_noted):
        db.retry_on_conflict(partial(_repair, product_id, others))


def _repair(product_id: str, strays: Collection[keys.Key]) -> None:
    """Note the product as it is now, and then make the words what the note says."""
    _replace_unreadable(product_id)
    search.refresh(product_id)
    noted = search.get_entry(product_id)
    writes = _corrections(noted.items(product_id), strays)
    for number, start in enumerate(range(0, len(writes), _BATCH_SIZE)):
        db.commit(*writes[start : start + _BATCH_SIZE], _hold(product_id, noted, passed=number))


def _corrections(right: Mapping[keys.Key, db.Item], strays: Collection[keys.Key]) -> list[db.Write]:
    """The writes that make these words right, and remove the others."""
    found = db.get_many((*right, *strays), consistent=True)
    puts = [db.put(key, item) for key, item in right.items() if found.get(key) != {"PK": key.pk, "SK": key.sk, **item}]
    return [*puts, *(db.delete(key) for key in found if key not in right)]


def _hold(product_id: str, noted: Entry, *, passed: int) -> db.Write:
    """What holds words to a note and makes it a newer one; a product that has none needs none."""
    if noted.version:
        return search.put_entry(product_id, noted, version=noted.version + passed)
    absent, noted_meanwhile = "attribute_not_exists(PK)", db.Stale(product_id)
    return db.check(keys.index_entry(product_id), absent, {}, otherwise=noted_meanwhile)


def _replace_unreadable(product_id: str) -> None:
    """Put an empty note in the place of one that no refresh could read."""
    item = db.get(keys.index_entry(product_id), consistent=True)
    if item is None or _noted(item) is not None:
        return
    version = item.get("version")
    empty = Entry(version=max(version, 0) + 1 if isinstance(version, int) else 1)
    unchanged = as_read(item, ["version"])
    db.commit(db.put(keys.index_entry(product_id), msgspec.to_builtins(empty), **unchanged))


def _noted(item: db.Item | None) -> Entry | None:
    """What a note says, None when it cannot be read."""
    try:
        entry = msgspec.convert(item or {}, Entry)
    except msgspec.ValidationError:
        return None
    return None if item and entry.version < 1 else entry


def _wanted(item: db.Item | None) -> Entry | None:
    """How a product is to stand in the index, None when its item cannot be read."""
    try:
        return Entry.of(msgspec.convert(item, Product) if item else None)
    except msgspec.ValidationError:
        return None


def _print(item: db.Item) -> int:
    return hash(repr(sorted(item.items())))
