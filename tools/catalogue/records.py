"""What a file says, before anyone asks whether it is a product: records, which together have every line of it once.

A line is what an editor numbers as one: it ends with LF, CRLF or CR. A record takes more than one where a quoted cell
of CSV has line breaks in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

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
    """Every line with its end; what is not UTF-8 comes as lone surrogates, a byte order mark not at all."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        if first := file.readline().removeprefix("\ufeff"):
            yield first
        yield from file


def is_text(line: str) -> bool:
    """Was it all UTF-8?"""
    return not any("\udc80" <= character <= "\udcff" for character in line)
