"""JSON Lines and CSV: what a file says, line by line, before anyone asks whether it is a product."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TextIO

import msgspec

from chalicelib.core import faults, schema
from tools.catalogue import sheets
from tools.catalogue.records import FIELDS, PRODUCT_ID, Record, RecordKind, read_lines
from tools.refusal import Refusal

_parse_json = msgspec.json.Decoder(float_hook=Decimal).decode


def read(path: Path) -> Iterator[Record]:
    """Every record of the file, by its lines; together they have each of them once.

    Raises `Refusal` when the file cannot be read at all, before the first record.
    """
    kind = _format(path)
    try:
        yield from kind.read(path)
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from error


def count_lines(path: Path) -> int:
    """How many lines the file has, for a progress bar."""
    _format(path)
    try:
        return sum(1 for _ in read_lines(path))
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
    for number, line in enumerate(read_lines(path), 1):
        text = line.encode("utf-8", "surrogateescape").strip()
        yield _json_record(number, text) if text else Record(RecordKind.BLANK, number, number)


def _json_record(number: int, text: bytes) -> Record:
    try:
        fields = _parse_json(text)
        schema.require_unique_names(text)
    except InvalidOperation:
        return _broken(number, "has a number that is out of all bounds")
    except RecursionError:
        return _broken(number, "is nested too deeply")
    except (msgspec.DecodeError, UnicodeDecodeError, faults.DuplicateName) as error:
        return _broken(number, f"is not valid JSON: {faults.reason(error)}")
    if not isinstance(fields, dict):
        return _broken(number, "is not a JSON object")
    return Record(RecordKind.PRODUCT, number, number, fields=fields)


def _broken(number: int, problem: str) -> Record:
    return Record(RecordKind.BROKEN, number, number, problem=problem)


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
    ".csv": _Format(sheets.read, _write_csv),
}


def _format(path: Path) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise Refusal(f"{path} must end in one of {', '.join(_FORMATS)}.") from None
