"""CSV as spreadsheets write it, and as they break it.

A quote that is never closed makes the rest of a file one cell. So a record that cannot be one ends before the next
line that can, and reading goes on there: the rest of the file is not lost with it. That needs lines read before, so
the whole file is in memory; each line is parsed a few times at most, whatever is wrong with the file (`_torn_until`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.core.reading import unpadded
from chalicelib.core.schema import Prose
from tools.catalogue.records import FIELDS, PRODUCT_ID, Record, RecordKind, is_text, read_lines
from tools.refusal import Refusal

_DELIMITERS = ",;\t"  # spreadsheets in most of Europe write semicolons, and tabs are what is copied from them
_NEEDED = ("name", "category", "price")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_PROSE = "description"  # the one field that may have line breaks
_BLANK = f" {_DELIMITERS}\r\n"
_UNCLOSED = "opens a quote that nothing closes"
_OPEN_END = "unexpected end of data"
_SAID_BY_CSV = {
    _OPEN_END: _UNCLOSED,
    "expected after": "has text after a closing quote; a quote within a cell is written twice",
    "field limit": "has a cell that is longer than any can be",
}


def read(path: Path) -> Iterator[Record]:
    """Every record of the file, its header among them. Raises `Refusal` when there is none, before the first."""
    lines = list(read_lines(path))
    begin = next((index for index, line in enumerate(lines) if line.strip(_BLANK)), len(lines))
    delimiter, header = _read_header(path, lines, begin)
    sheet = _Sheet(lines, delimiter, [_column(cell) for cell in header.cells])
    if (inner := sheet.first_row(begin + 1, begin + header.line_count)) is not None:
        raise Refusal(f"{path} has no valid CSV header: it {_takes_in(inner)}.")
    yield from (Record(RecordKind.BLANK, index + 1, index + 1) for index in range(begin))
    names = dict.fromkeys(name for name in sheet.columns if name)
    yield Record(RecordKind.HEADER, begin + 1, begin + header.line_count, fields=names)
    yield from sheet.records(begin + header.line_count)


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row and how many lines it takes, or the problem that was met in the last of them.

    `is_open` is whether the problem is the end of what there is to read, within a quote.
    """

    cells: list[str]
    line_count: int
    problem: str = ""
    is_open: bool = False


@dataclass
class _Sheet:
    """The lines below the header. A quote open at the end of a line before `_torn_until` is not closed rightly."""

    lines: Sequence[str]
    delimiter: str
    columns: list[str]
    _torn_until: int = 0

    def records(self, at: int) -> Iterator[Record]:
        """Every record from the line of that index on."""
        while at < len(self.lines):
            record = self._record(at)
            yield record
            at = record.last

    def first_row(self, at: int, end: int) -> int | None:
        """The index of the first of these lines that is a row by itself."""
        return next((index for index in range(at, end) if self._is_row(index)), None)

    def _record(self, at: int) -> Record:
        row = self._parse(at, at + 1 if at < self._torn_until else len(self.lines))
        end = at + row.line_count
        if not row.problem and not any(unpadded(cell) for cell in row.cells):
            return Record(RecordKind.BLANK, at + 1, end)
        inner = self.first_row(at + 1, end)
        problem = row.problem or self._problem(row, inner)
        if not problem:
            return Record(RecordKind.PRODUCT, at + 1, end, fields=_fields(self.columns, row.cells))
        if row.line_count > 1:
            # Whatever opens a quote before the last of these lines runs into the same end.
            self._torn_until = max(self._torn_until, end - 1)
            failed_within = bool(row.problem) and not row.is_open  # the last line may be sound if it is read by itself
            end = end - failed_within if inner is None else inner
        return Record(RecordKind.BROKEN, at + 1, end, problem=problem)

    def _is_row(self, index: int) -> bool:
        row = self._parse(index, index + 1)
        return not row.problem and len(row.cells) == len(self.columns) and any(unpadded(cell) for cell in row.cells)

    def _problem(self, row: _Row, inner: int | None) -> str:
        """Why these cells are no product's, whatever it may be; `inner` is a row among the lines after their first."""
        if len(row.cells) != len(self.columns):
            return f"has {len(row.cells)} cells where the first line names {len(self.columns)} columns"
        if not all(is_text(cell) for cell in row.cells):
            return "is not UTF-8 text"
        if row.line_count > 1:
            named = zip(self.columns, row.cells, strict=True)
            torn = [name for name, cell in named if not _may_span_lines(name, unpadded(cell))]
            if torn:
                return f"has a {torn[0]} with line breaks that it cannot have; a quote may be missing"
        return _takes_in(inner) if inner is not None else ""

    def _parse(self, at: int, end: int) -> _Row:
        return _parse((self.lines[index] for index in range(at, end)), self.delimiter)


def _takes_in(index: int) -> str:
    return f"takes in line {index + 1}, which is a row of its own; a quote may be missing"


def _read_header(path: Path, lines: Sequence[str], at: int) -> tuple[str, _Row]:
    """The delimiter and the names of the columns, or `Refusal`."""
    if at < len(lines) and "\0" in lines[at]:
        raise Refusal(f"{path} is not UTF-8 text; it looks like UTF-16. Save it as UTF-8.")
    rows = {delimiter: _parse(lines[at:], delimiter) for delimiter in _DELIMITERS}
    delimiter, row = next(((each, row) for each, row in rows.items() if not _missing(row)), (",", rows[","]))
    if row.problem:
        raise Refusal(f"{path} has no valid CSV header: it {row.problem}.")
    if missing := _missing(row):
        raise Refusal(f"{path} needs a first line with column names; missing: {', '.join(missing)}.")
    known = [_column(cell) for cell in row.cells if _column(cell) in (*FIELDS, PRODUCT_ID)]
    if len(set(known)) < len(known):
        raise Refusal(f"{path} names a column twice in its first line.")
    return delimiter, row


def _missing(header: _Row) -> list[str]:
    names = {_column(cell) for cell in header.cells}
    identity = [] if names & {"sku", PRODUCT_ID} else ["sku"]
    return [*identity, *(name for name in _NEEDED if name not in names)]


def _column(cell: str) -> str:
    """The name of a column; one that is known is known in capitals as well."""
    known = {name.lower(): name for name in (*FIELDS, PRODUCT_ID)}
    name = unpadded(cell)
    return known.get(name.lower(), name)


def _parse(lines: Iterable[str], delimiter: str) -> _Row:
    """The row that begins with the first of these lines, of which no more are taken than it has."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        return _Row(next(reader, []), reader.line_num)
    except csv.Error as error:
        said = next((ours for theirs, ours in _SAID_BY_CSV.items() if theirs in str(error)), "is not valid CSV")
        problem = _UNCLOSED if reader.line_num > 1 else said
        return _Row([], reader.line_num, problem=problem, is_open=_OPEN_END in str(error))


def _fields(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """The fields of a row; what stands in a column without a name goes by the column's number."""
    named = {
        name or f"column {number}": unpadded(cell)
        for number, (name, cell) in enumerate(zip(columns, cells, strict=True), 1)
        if name or unpadded(cell)
    }
    values = {name: _value(name, cell) for name, cell in named.items()}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def _value(name: str, cell: str) -> Any:
    """A cell as JSON would say it; an empty one is an empty description, no image, or else a field left out."""
    if not cell:
        return {"description": "", "imageUrl": None}.get(name, msgspec.UNSET)
    if name == "stock":
        return int(cell) if _WHOLE.fullmatch(cell) else cell
    return _TRUTH.get(cell.lower(), cell) if name == "isActive" else cell


def _may_span_lines(name: str, cell: str) -> bool:
    """Can a cell be what it is, or is it whole lines behind a quote that is missing?"""
    if name != _PROSE:
        return name not in (*FIELDS, PRODUCT_ID) or not {"\r", "\n"} & set(cell)
    try:
        msgspec.convert(cell, Prose)
    except msgspec.ValidationError:
        return False
    return True
