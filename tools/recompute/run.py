"""What the recomputations share: the products there are, progress, the second look, and the report."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from tqdm import tqdm

from chalicelib.aws import db, keys
from chalicelib.core import clock
from tools import scan

T = TypeVar("T")
R = TypeVar("R")

_GROUP = 50  # products of two items, which one round trip can read
_LAG = 3.0  # seconds within which the stream follows a change


@dataclass
class Run:
    """One run of the command, and what it has found."""

    repairs: bool
    workers: int = 8
    differing: Counter[str] = field(default_factory=Counter)
    subjects: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    open: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def differs(self, kind: str, subject: str, *, times: int = 1) -> None:
        """Count what is not as it should be, each subject once."""
        with self._lock:
            if times and subject not in self.subjects[kind]:
                self.subjects[kind].add(subject)
                self.differing[kind] += times

    def leave(self, sentence: str) -> None:
        """Remember what could be neither judged nor repaired, and why."""
        self.open.append(sentence)

    @cached_property
    def products(self) -> list[str]:
        """The ids of all that was ever noted as a product, deleted or gone as well."""
        sks = (keys.PRODUCT_SK, keys.INDEXED_SK)
        items = self.scan("products", keys.PRODUCT_PREFIX, sks=sks, only=())
        return list({item["PK"].removeprefix(keys.PRODUCT_PREFIX): None for item in items})

    def scan(
        self, what: str, prefix: str, *, sks: Sequence[str] = (), only: Sequence[str] | None = None
    ) -> Iterator[db.Item]:
        """Every item of those partitions, as `scan.pages` narrows them, with progress."""
        with _bar(f"read {what}", unit=" items") as bar:
            for page in scan.pages(prefix, sks=sks, only=only):
                yield from page
                bar.update(len(page))

    def sift(
        self, what: str, ids: Collection[str], look: Callable[[list[str]], Iterable[str]], *, unit: str = " products"
    ) -> set[str]:
        """Look at products, or whatever the unit names, in groups; those that seem to be wrong."""
        suspects: set[str] = set()
        with _bar(f"look at {what}", total=len(ids), unit=unit) as bar:
            for group, found in self._parallel(look, db.chunks(ids, _GROUP)):
                suspects.update(found)
                bar.update(len(group))
        return suspects

    def settle(self, what: str, suspects: Collection[T], settle: Callable[[T], object]) -> None:
        """Let the stream go on for a moment, and look at each suspect again, to repair it or to tell."""
        if not suspects:
            return
        clock.pause(_LAG)
        verb = "repair" if self.repairs else "check"
        with _bar(f"{verb} {what}", total=len(suspects), unit="") as bar:
            for _ in self._parallel(settle, suspects):
                bar.update()

    def _parallel(self, job: Callable[[T], R], values: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Each value with its result, few at a time."""
        with ThreadPoolExecutor(self.workers) as pool:
            for group in db.chunks(values, self.workers * 4):
                yield from zip(group, pool.map(job, group), strict=True)


def as_read(item: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The condition, as keywords of a write, that these attributes of an item are still what they were."""
    names = list(names)
    parts = [f"#{name} = :was_{name}" if name in item else f"attribute_not_exists(#{name})" for name in names]
    return {
        "condition": " AND ".join(parts),
        "values": {f":was_{name}": item[name] for name in names if name in item},
        "names": {f"#{name}": name for name in names},
    }


def _bar(description: str, *, unit: str, total: int | None = None) -> Any:
    return tqdm(total=total, unit=unit, desc=description, disable=None, file=sys.stderr)
