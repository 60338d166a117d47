"""What a file says, before anyone asks whether it is a product: records, which together have every line of it once.

A line is what an editor numbers as one: it ends with LF, CRLF or CR. A record takes more than one where a quoted cell
of CSV has line breaks in it.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tools.refusal import Refusal

FIELDS = ("sku", "name", "description", "category", "price", "currency", "stock", "imageUrl", "isActive")
PRODUCT_ID = "productId"


class RecordKind(StrEnum):
    """What a record is: the names of the columns, nothing at all, perhaps a product, or unreadable."""

    HEADER = "header"
    BLANK = "blank"
    PRODUCT = "product"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Record:
    """The lines from `first` to `last`, counted from 1: their fields, or the problem that made them unreadable."""

    kind: RecordKind
    first: int
    last: int
    fields: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def line_count(self) -> int:
        """How many lines it takes."""
        return self.last - self.first + 1


def read_lines(path: Path) -> Iterator[str]:
    """Every line with its end; what is not UTF-8 comes as lone surrogates, a byte order mark not at all.

    A file whose mark says UTF-16 is read as that, or refused whole.
    """
    with path.open("rb") as beginning:
        mark = beginning.read(2)
    if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield from _utf_16(path)
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        if first := file.readline().removeprefix("\ufeff"):
            yield first
        yield from file


def _utf_16(path: Path) -> io.StringIO:
    try:
        return io.StringIO(path.read_bytes().decode("utf-16"), newline="")
    except UnicodeDecodeError as error:
        raise Refusal(f"{path} is UTF-16 that is damaged; save it as UTF-8.") from error


def is_text(line: str) -> bool:
    """Was it all UTF-8?"""
    return not any("\udc80" <= character <= "\udcff" for character in line)
