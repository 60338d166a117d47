"""Catalogue files as they come from spreadsheets, mails and half finished copies: sound ones, and what befalls them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

from hypothesis import strategies as st

COLUMNS = ("sku", "name", "category", "price", "description", "style", "stock")

_LINE_END = re.compile(rb"\r\n|\r|\n")
_TEXTS = st.sampled_from(
    ["", "Blue", "Big, round", 'A 12" one', "two\nlines", "a\r\n\r\nb", "1,255.00", "€ 5", "=1+1", "Öl"]
)
_CELLS = st.sampled_from(["", "5", "Mug", "SKU-1", "Blue"])
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sku": st.one_of(st.integers(1, 9).map("SKU-{}".format), st.sampled_from(["4.01E+12", "", " SKU-1 "])),
            "name": st.one_of(st.just("Mug"), _TEXTS),
            "category": st.sampled_from(["kitchen", "kitchen", "Kitchen"]),
            "price": st.sampled_from(["5", "12.50", "12.5", "12,50", "$5", "24.12.2026"]),
            "description": _TEXTS,
            "style": _TEXTS,
            "stock": st.sampled_from(["", "7", "1.000"]),
        }
    ),
    max_size=8,
)  # fmt: skip


def line_count(content: bytes) -> int:
    """How many lines an editor counts."""
    ends = len(_LINE_END.findall(content))
    return ends + (not content.endswith((b"\r", b"\n")) and content != b"")


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name and the bytes of a file that something may have happened to."""
    name, rows = draw(st.sampled_from(["a.csv", "a.csv", "a.jsonl"])), draw(_ROWS)
    text = _as_csv(draw, rows) if name == "a.csv" else "".join(f"{json.dumps(row)}\n" for row in rows)
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "cp1252"])), "replace")
    for _ in range(draw(st.integers(0, 4))):
        content = draw(st.sampled_from(_DAMAGES))(draw, content)
    return name, content


@st.composite
def torn_sheets(draw: st.DrawFn) -> list[str]:
    """The lines of a CSV with a sound header and quotes that open and close where no cell begins or ends rightly."""
    lines = [",".join(draw(st.lists(_CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)))) for _ in range(8)]
    cell = st.sampled_from([1, 4, 4, 5, 5, 6])
    for _ in range(draw(st.integers(1, 3))):
        opened = draw(cell)
        closed = draw(st.sampled_from([opened, opened, draw(cell)]))
        first, last = sorted((draw(st.integers(0, 7)), draw(st.integers(0, 7))))
        _spoil(lines, first, opened, draw(st.sampled_from(['"{}', '"{}', '"{}"', '""{}'])))
        _spoil(lines, last, closed, draw(st.sampled_from(['{}"', '{}"', '{}""'])))
    return [",".join(COLUMNS), *lines]


def _spoil(lines: list[str], at: int, cell: int, form: str) -> None:
    cells = lines[at].split(",")
    lines[at] = ",".join([*cells[:cell], form.format(cells[cell]), *cells[cell + 1 :]])


def is_row(line: str) -> bool:
    """Is a line of such a sheet a record by itself?"""
    try:
        (cells,) = csv.reader([line], strict=True, skipinitialspace=True)
    except csv.Error:
        return False
    return len(cells) == len(COLUMNS) and any(cells)


def _as_csv(draw: st.DrawFn, rows: list[dict[str, str]]) -> str:
    file = io.StringIO()
    delimiter, end = draw(st.sampled_from(",,;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _cut(draw: st.DrawFn, content: bytes) -> bytes:
    return content[: _place(draw, content)]


def _double(draw: st.DrawFn, content: bytes) -> bytes:
    first, last = sorted((_place(draw, content), _place(draw, content)))
    return content[:last] + content[first:]


def _insert(draw: st.DrawFn, content: bytes) -> bytes:
    at = _place(draw, content)
    extra = [
        b'"',
        b'"',
        b'""',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b" ",
        b"\\",
        b"}",
    ]
    return content[:at] + draw(st.sampled_from(extra)) + content[at:]


def _lose(draw: st.DrawFn, content: bytes) -> bytes:
    lost = draw(st.sampled_from([b'"', b",", b"\n", b"\r", b"{"]))
    return content.replace(lost, b"", draw(st.integers(1, 3)))


def _replace(draw: st.DrawFn, content: bytes) -> bytes:
    old, new = draw(st.sampled_from([(b",", b";"), (b"\n", b"\r"), (b"\r\n", b"\n"), (b'"', b"'"), (b"\n", b"\n\n")]))
    return content.replace(old, new, draw(st.integers(1, 30)))


def _encode(_: st.DrawFn, content: bytes) -> bytes:
    return content.decode("latin-1").encode("utf-16-le")


def _place(draw: st.DrawFn, content: bytes) -> int:
    return draw(st.integers(0, len(content)))


_DAMAGES: list[Callable[[st.DrawFn, bytes], bytes]] = [
    _cut,
    _double,
    _insert,
    _insert,
    _insert,
    _lose,
    _replace,
    _encode,
]
