"""JSON Lines and CSV: what a file says, line by line, before anyone asks whether it is a product."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TextIO

import msgspec

from chalicelib.core import schema
from tools.refusal import Refusal

FIELDS = ("sku", "name", "description", "category", "price", "currency", "stock", "imageUrl", "isActive")
PRODUCT_ID = "productId"

_NEEDED = ("name", "category", "price")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_parse_json = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Record:
    """The fields that begin on a line of a file, or the problem that made it unreadable."""

    line: int
    fields: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def read(path: Path) -> Iterator[Record]:
    """Every record of the file that is not blank.

    Raises `Refusal` when the file cannot be read at all, before the first record.
    """
    kind = _format(path)
    try:
        with path.open("rb") as file:
            if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise Refusal(f"{path} is UTF-16; save it as UTF-8.")
        yield from kind.read(path)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error


def count_lines(path: Path) -> int:
    """How many lines the file has, for a progress bar."""
    _format(path)
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error


def require_writable(path: Path) -> None:
    """Refuse a place that cannot take the file, before anyone waits for its contents."""
    _format(path)
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise Refusal(f"{path} cannot be written: there is no such folder, or it is one itself.")


def write(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the records under their final name only when all are written."""
    kind = _format(path)
    with _replacing(path) as file:
        kind.write(records, file)


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of `path` at the end of the block, and leaves it alone if the block fails."""
    target = path.resolve()
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(target)
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _read_json(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).strip()
            if text:
                yield _json_record(number, text)


def _json_record(number: int, text: bytes) -> Record:
    try:
        fields = _parse_json(text)
        schema.require_unique_names(text)
    except InvalidOperation:
        return Record(number, problem="has a number that is out of all bounds")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, schema.DuplicateName) as error:
        return Record(number, problem=f"is not valid JSON: {error}")
    return Record(number, fields) if isinstance(fields, dict) else Record(number, problem="is not a JSON object")


def _read_csv(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = _header(path, reader)
        while True:
            number = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(number, problem=f"is not valid CSV: {error}")
                continue
            if any(row):
                yield _csv_record(number, header, row)


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise Refusal(f"{path} has no valid CSV header: {error}.") from error
    named = [name for name in header if name]
    missing = [name for name in _NEEDED if name not in named]
    if "sku" not in named and PRODUCT_ID not in named:
        missing.insert(0, "sku")
    if missing:
        raise Refusal(f"{path} needs a first line with comma-separated column names; missing: {', '.join(missing)}.")
    if len(set(named)) < len(named):
        raise Refusal(f"{path} names a column twice in its first line.")
    return header


def _csv_record(number: int, header: list[str], row: list[str]) -> Record:
    if len(row) != len(header):
        return Record(number, problem=f"has {len(row)} cells where the first line names {len(header)} columns")
    if any("\udc80" <= character <= "\udcff" for cell in row for character in cell):
        return Record(number, problem="is not UTF-8 text")
    cells = zip(header, row, strict=True)
    values = ((name, _value(name, cell.strip())) for name, cell in cells if name)
    return Record(number, {name: value for name, value in values if value is not msgspec.UNSET})


def _value(name: str, cell: str) -> Any:
    """A cell as JSON would say it; an empty one is an empty description, no image, or else a field left out."""
    if not cell:
        return {"description": "", "imageUrl": None}.get(name, msgspec.UNSET)
    if name == "stock":
        return int(cell) if _WHOLE.fullmatch(cell) else cell
    return _TRUTH.get(cell.lower(), cell) if name == "isActive" else cell


def _write_json(records: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    file.writelines(f"{schema.encode(record)}\n" for record in records)


def _write_csv(records: Sequence[Mapping[str, Any]], file: TextIO) -> None:
    own_ids = any(PRODUCT_ID in record for record in records)
    writer = csv.writer(file)
    columns = [*FIELDS, PRODUCT_ID] if own_ids else FIELDS
    writer.writerow(columns)
    writer.writerows([_cell(record.get(name)) for name in columns] for record in records)


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@dataclass(frozen=True)
class _Format:
    read: Callable[[Path], Iterator[Record]]
    write: Callable[[Sequence[Mapping[str, Any]], TextIO], None]


_FORMATS = {
    ".jsonl": _Format(_read_json, _write_json),
    ".ndjson": _Format(_read_json, _write_json),
    ".csv": _Format(_read_csv, _write_csv),
}


def _format(path: Path) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise Refusal(f"{path} must end in one of {', '.join(_FORMATS)}.") from None
