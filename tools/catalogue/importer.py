"""Reads a file into the table, many products at a time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path

from chalicelib.aws import db
from chalicelib.aws.keys import Key
from chalicelib.products import store as product_store
from chalicelib.products.models import SkuTaken
from tools.catalogue import files, reconcile
from tools.catalogue.lines import CatalogueLine, Checker, LineFault

GROUP = 100
_BATCH_SIZE = 33  # products of three items that one transaction can write
WORKERS = 8


class ImportOutcome(StrEnum):
    """What became of a line."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAULTY = "faulty"


@dataclass
class ImportReport:
    """What became of a file."""

    counts: Counter[ImportOutcome] = field(default_factory=Counter)
    ignored: set[str] = field(default_factory=set)


def load(
    path: Path,
    *,
    on_fault: Callable[[LineFault], object],
    on_progress: Callable[[int], object],
    workers: int = WORKERS,
) -> ImportReport:
    """Bring the table up to the file, and report every faulty line and the last line that is done.

    Safe to kill and to repeat, and beside others who create or change the same products.
    """
    report, checker = ImportReport(), Checker()
    lines = _good_lines(files.read(path), checker, report, on_fault)
    for counts, last in _in_parallel(lines, workers):
        report.counts += counts
        on_progress(last)
    report.ignored = checker.ignored
    return report


def _good_lines(
    records: Iterable[files.Record], checker: Checker, report: ImportReport, on_fault: Callable[[LineFault], object]
) -> Iterator[CatalogueLine]:
    for record in records:
        checked = checker.check(record)
        if isinstance(checked, CatalogueLine):
            yield checked
        else:
            report.counts[ImportOutcome.FAULTY] += 1
            for fault in checked:
                on_fault(fault)


def _in_parallel(lines: Iterator[CatalogueLine], workers: int) -> Iterator[tuple[Counter[ImportOutcome], int]]:
    """Settle the lines in groups, with few groups in flight; yields counts and last line in the file's order."""
    pool = ThreadPoolExecutor(workers)
    running: deque[tuple[Future[Counter[ImportOutcome]], int]] = deque()
    try:
        while group := list(islice(lines, GROUP)):
            running.append((pool.submit(_settle_group, group), group[-1].number))
            if len(running) > workers:
                future, last = running.popleft()
                yield future.result(), last
        for future, last in running:
            yield future.result(), last
    finally:
        pool.shutdown(cancel_futures=True)


def _settle_group(lines: Sequence[CatalogueLine]) -> Counter[ImportOutcome]:
    wanted = {line: reconcile.product_keys(line.product.product_id) for line in lines}
    items = db.get_many((key for keys in wanted.values() for key in keys), consistent=True)
    new = [line for line, keys in wanted.items() if not any(key in items for key in keys)]
    known = [line for line, keys in wanted.items() if any(key in items for key in keys)]
    counts = Counter(_settle(line, items) for line in known)
    for start in range(0, len(new), _BATCH_SIZE):
        counts += _create(new[start : start + _BATCH_SIZE])
    return counts


def _create(lines: Sequence[CatalogueLine]) -> Counter[ImportOutcome]:
    """Write products of which nothing existed, all or none; where somebody was faster, one by one."""
    try:
        db.commit(*(write for line in lines for write in product_store.create(line.product, actor=reconcile.ACTOR)))
    except (db.Stale, SkuTaken):
        return Counter(db.retry_on_conflict(partial(_write, line)) for line in lines)
    return Counter({ImportOutcome.CREATED: len(lines)})


def _settle(line: CatalogueLine, items: dict[Key, db.Item]) -> ImportOutcome:
    if not reconcile.writes(line, items):
        return ImportOutcome.UNCHANGED
    return db.retry_on_conflict(partial(_write, line))


def _write(line: CatalogueLine) -> ImportOutcome:
    """Read again, decide, and write all of it or none."""
    about, *_ = found = reconcile.product_keys(line.product.product_id)
    items = db.get_many(found, consistent=True)
    writes = reconcile.writes(line, items)
    if writes:
        db.commit(*writes)
    return ImportOutcome.UPDATED if about in items else ImportOutcome.CREATED
