"""Reads a file into the table, many products at a time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from chalicelib.aws import db
from chalicelib.aws.keys import Key
from chalicelib.core.errors import Invalid
from chalicelib.products import store as product_store
from chalicelib.products.models import Product, SkuTaken
from tools.catalogue import files, reconcile
from tools.catalogue.lines import WHOLE, CatalogueLine, Checker, LineFault, faults_of
from tools.catalogue.records import Record, RecordKind

GROUP = 100
_BATCH_SIZE = 33  # products of three items that one transaction can write
WORKERS = 8

Items = Mapping[Key, db.Item]


class ImportOutcome(StrEnum):
    """What became of a line of the file; the last two hold no product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAULTY = "faulty"
    HEADER = "header"
    BLANK = "blank"


@dataclass
class ImportReport:
    """What became of a file: of each line one thing (F2), and what of its fields was not used (F21).

    `ignored` are fields that no product has, `unused_stock` is how many products kept the stock that they had.
    """

    counts: Counter[ImportOutcome] = field(default_factory=Counter)
    ignored: set[str] = field(default_factory=set)
    unused_stock: int = 0

    @property
    def lines(self) -> int:
        """How many lines there were, but for those that hold no product."""
        return self.counts.total() - self.counts[ImportOutcome.HEADER] - self.counts[ImportOutcome.BLANK]

    @property
    def loaded(self) -> int:
        """How many lines the table did not say before."""
        return self.counts[ImportOutcome.CREATED] + self.counts[ImportOutcome.UPDATED]


@dataclass
class _Settled:
    """What became of some records."""

    counts: Counter[ImportOutcome] = field(default_factory=Counter)
    faults: list[LineFault] = field(default_factory=list)
    unused_stock: int = 0


_EMPTY = {RecordKind.HEADER: ImportOutcome.HEADER, RecordKind.BLANK: ImportOutcome.BLANK}


def load(
    path: Path,
    *,
    on_fault: Callable[[LineFault], object],
    on_progress: Callable[[int], object],
    workers: int = WORKERS,
) -> ImportReport:
    """Bring the table up to the file, and report every fault and the last line that is done, in the file's order.

    Safe to kill and to repeat, and beside others who create or change the same products.
    """
    report, checker = ImportReport(), Checker()
    for settled, last in _in_parallel(files.read(path), checker, workers):
        report.counts += settled.counts
        report.unused_stock += settled.unused_stock
        for fault in settled.faults:
            on_fault(fault)
        on_progress(last)
    report.ignored = checker.ignored
    return report


def _in_parallel(records: Iterator[Record], checker: Checker, workers: int) -> Iterator[tuple[_Settled, int]]:
    """Settle the records in groups, with few groups in flight; yields each with its last line, in the file's order."""
    pool = ThreadPoolExecutor(workers)
    running: deque[tuple[Future[_Settled], int]] = deque()
    try:
        while group := list(islice(records, GROUP)):
            settled, lines = _checked(group, checker)
            running.append((pool.submit(_settle_group, settled, lines), group[-1].last))
            if len(running) > workers:
                future, last = running.popleft()
                yield future.result(), last
        for future, last in running:
            yield future.result(), last
    finally:
        pool.shutdown(cancel_futures=True)


def _checked(records: Iterable[Record], checker: Checker) -> tuple[_Settled, list[CatalogueLine]]:
    """What can be said of records without the table, and the lines that remain."""
    settled, lines = _Settled(), []
    for record in records:
        checked = checker.check(record)
        if isinstance(checked, CatalogueLine):
            lines.append(checked)
            continue
        settled.counts[_EMPTY.get(record.kind, ImportOutcome.FAULTY)] += record.line_count
        settled.faults += checked
    return settled, lines


def _settle_group(settled: _Settled, lines: Sequence[CatalogueLine]) -> _Settled:
    wanted = {line: reconcile.product_keys(line.product_id) for line in lines}
    items = db.get_many((key for keys in wanted.values() for key in keys), consistent=True)
    new = []
    for line, keys in wanted.items():
        if any(key in items for key in keys):
            _settle(line, items, settled)
        else:
            new.append(line)
    _create(new, settled)
    settled.faults.sort(key=lambda fault: fault.number)
    return settled


def _create(lines: Sequence[CatalogueLine], settled: _Settled) -> None:
    """Write products of which nothing existed, as many at once as a transaction can hold."""
    made: list[tuple[CatalogueLine, Product]] = []
    for line in lines:
        with _faults_into(settled, line):
            made.append((line, reconcile.new_product(line)))
    for start in range(0, len(made), _BATCH_SIZE):
        _create_at_once(made[start : start + _BATCH_SIZE], settled)


def _create_at_once(made: Sequence[tuple[CatalogueLine, Product]], settled: _Settled) -> None:
    """All or none; where somebody was faster, one by one."""
    try:
        db.commit(*(write for _, product in made for write in product_store.create(product, actor=reconcile.ACTOR)))
    except (db.Stale, SkuTaken):
        for line, _ in made:
            _settle(line, None, settled)
    else:
        settled.counts[ImportOutcome.CREATED] += sum(line.line_count for line, _ in made)


def _settle(line: CatalogueLine, items: Items | None, settled: _Settled) -> None:
    """Write what a line changes, if it changes anything; `items` are those that were read before, if they were."""
    with _faults_into(settled, line):
        if items is not None and not reconcile.writes(line, items):
            outcome, had_stock = ImportOutcome.UNCHANGED, True
        else:
            outcome, had_stock = db.retry_on_conflict(partial(_write, line))
        settled.counts[outcome] += line.line_count
        settled.unused_stock += had_stock and "stock" in line.given


def _write(line: CatalogueLine) -> tuple[ImportOutcome, bool]:
    """Read again, decide, and write all of it or none; what it was, and whether the product had a stock already."""
    about, stock, _ = found = reconcile.product_keys(line.product_id)
    items = db.get_many(found, consistent=True)
    writes = reconcile.writes(line, items)
    if writes:
        db.commit(*writes)
    return ImportOutcome.UPDATED if about in items else ImportOutcome.CREATED, stock in items


@contextmanager
def _faults_into(settled: _Settled, line: CatalogueLine) -> Iterator[None]:
    """What is wrong with one line is its own fault alone (F3)."""
    try:
        yield
    except Invalid as error:
        settled.faults += faults_of(line, error)
        settled.counts[ImportOutcome.FAULTY] += line.line_count
    except msgspec.ValidationError:
        settled.faults.append(LineFault(line.first, line.last, WHOLE, "has a product that the table holds unreadably"))
        settled.counts[ImportOutcome.FAULTY] += line.line_count
