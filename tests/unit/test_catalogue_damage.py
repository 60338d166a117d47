"""Each line of a catalogue file is in one record, whatever has happened to the file, and told by its numbers (F2)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support import damage
from tools.catalogue import files, sheets
from tools.catalogue.lines import CatalogueLine, Checker
from tools.catalogue.records import Record, RecordKind
from tools.refusal import Refusal

pytestmark = [pytest.mark.usefixtures("standard_time"), pytest.mark.fault("F2")]
HEADER = "sku,name,category,price,description"


def told(tmp_path: Path, content: str | bytes, name: str = "a.csv") -> tuple[list[int], list[str]]:
    """The first lines of the good records, and what is said of the faulty ones."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    checker, good, faults = Checker(), [], []
    for record in files.read(path):
        checked = checker.check(record)
        if isinstance(checked, CatalogueLine):
            good.append(checked.first)
        else:
            faults += [f"{fault.number}: {fault}" for fault in checked]
    return good, faults


def rows(first: int, last: int) -> list[str]:
    """One sound row a line, by the line's number."""
    return [f"SKU-{number},Mug,kitchen,5,Blue" for number in range(first, last + 1)]


UNCLOSED = "line: opens a quote that nothing closes"


@pytest.mark.parametrize("bad", [2, 30, 61])
@pytest.mark.parametrize("cell", ['"Mug', 'Mug,kitchen,5,"Blue', '"""', '"Mug"",kitchen,5,Blue'])
def test_an_unclosed_quote_in_any_line_is_that_lines_fault_alone(tmp_path: Path, bad: int, cell: str) -> None:
    lines = [HEADER, *rows(2, 61)]
    lines[bad - 1] = f"SKU-{bad},{cell}"

    good, faults = told(tmp_path, "\n".join(lines))

    assert good == [number for number in range(2, 62) if number != bad]
    assert faults == [f"{bad}: {UNCLOSED}"]


def test_what_cannot_be_a_record_either_goes_with_the_quote_before_it_by_its_numbers(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,"Mug', "no", "record", *rows(5, 6)]

    assert told(tmp_path, "\n".join(lines)) == ([5, 6], ["2: lines 2 to 4: opens a quote that nothing closes"])


def test_where_nothing_more_can_be_a_record_the_fault_is_all_the_rest(tmp_path: Path) -> None:
    lines = [HEADER, *rows(2, 3), 'SKU-4,"Mug', *["torn"] * 58]

    assert told(tmp_path, "\n".join(lines)) == ([2, 3], ["4: lines 4 to 62: opens a quote that nothing closes"])


def test_a_sound_cell_of_several_lines_after_an_unclosed_quote_is_read(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,"Mug', 'SKU-3,Mug,kitchen,5,"two', 'lines, both"', *rows(5, 5)]

    assert told(tmp_path, "\n".join(lines)) == ([3, 5], [f"2: {UNCLOSED}"])


def test_a_quote_that_is_closed_by_chance_lines_later_swallows_none_of_them(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,"Mug,kitchen,5,Blue', *rows(3, 5), 'SKU-6,12" plate,kitchen,5,Blue', *rows(7, 7)]
    by_chance = [HEADER, 'SKU-2,"Mug,kitchen,5,Blue', *rows(3, 5), 'SKU-6,Mug",kitchen,5,Blue', *rows(7, 7)]

    assert told(tmp_path, "\n".join(lines)) == ([3, 4, 5, 6, 7], [f"2: {UNCLOSED}"])
    good, (fault,) = told(tmp_path, "\n".join(by_chance))
    assert (good, fault) == (
        [3, 4, 5, 6, 7], "2: line: has a name with line breaks that it cannot have; a quote may be missing",
    )  # fmt: skip


@pytest.mark.parametrize("header", ["sku,name,description,category,price", "sku,name,notes,category,price"])
def test_a_quote_that_is_closed_by_chance_in_a_cell_that_may_have_lines_swallows_none(
    tmp_path: Path, header: str
) -> None:
    sound = [f"A{number},Pot,Iron,kitchen,5" for number in range(2, 6)]
    lines = [header, 'A1,Mug,"Nice mug,kitchen,9.99', *sound, 'A6,Pipe,Steel pipe 5",tools,3.50']

    good, (fault,) = told(tmp_path, "\n".join(lines))

    assert good == [3, 4, 5, 6, 7]
    assert fault == "2: line: takes in line 3, which is a row of its own; a quote may be missing"


def test_a_description_that_holds_a_row_of_its_own_is_a_fault_and_no_loss(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,Mug,kitchen,5,"As in:', "SKU-9,Pot,kitchen,7,Red", 'or the like"', *rows(5, 5)]

    good, faults = told(tmp_path, "\n".join(lines))

    assert good == [3, 5]
    assert [fault.split(":")[0] for fault in faults] == ["2", "4"]


def test_a_header_whose_open_quote_takes_in_a_row_is_refused(tmp_path: Path) -> None:
    lines = ['sku,name,category,price,"notes', "SKU-2,Mug,kitchen,5,", 'SKU-3,Mug,kitchen,5,12"', *rows(4, 5)]

    with pytest.raises(Refusal, match="takes in line 2, which is a row of its own"):
        told(tmp_path, "\n".join(lines))


def test_a_description_longer_than_any_can_be_swallows_no_lines(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,Mug,kitchen,5,"Blue', *rows(3, 300), 'SKU-301,Mug,kitchen,5,12"', *rows(302, 302)]

    good, faults = told(tmp_path, "\n".join(lines))

    assert good == list(range(3, 303))
    assert [fault.split(":")[0] for fault in faults] == ["2"]


def test_a_fault_of_a_record_of_several_lines_names_them_all(tmp_path: Path) -> None:
    lines = [HEADER, 'SKU-2,Mug,kitchen,dear,"two', 'lines"', *rows(4, 4)]

    assert told(tmp_path, "\n".join(lines)) == ([4], ["2: lines 2 to 3: price: Must be a number."])


# What a spreadsheet can do to a file, and the lines that are still good.
DEFECTS: dict[str, tuple[str | bytes, list[int]]] = {
    "a byte order mark": ("\ufeff" + "\n".join([HEADER, *rows(2, 3)]), [2, 3]),
    "two byte order marks": (f"\ufeff\ufeff{HEADER}\nSKU-2,Mug,kitchen,5,\n", [2]),
    "files one after another": ("\n".join([HEADER, *rows(2, 3), "\ufeff" + HEADER, *rows(5, 6)]), [2, 3, 5, 6]),
    "cp1252": (f"{HEADER}\nSKU-2,Becher für Öl,kitchen,5,\nSKU-3,Mug,kitchen,5,\n".encode("cp1252"), [3]),
    "a cp1252 column": (f"{HEADER},größe\nSKU-2,Mug,kitchen,5,,XL\n".encode("cp1252"), [2]),
    "a header in capitals": ("\n".join([HEADER.title(), *rows(2, 3)]), [2, 3]),
    "semicolons": ("\n".join([HEADER, *rows(2, 3)]).replace(",", ";"), [2, 3]),
    "tabs": ("\n".join([HEADER, *rows(2, 3)]).replace(",", "\t"), [2, 3]),
    "semicolons in the rows alone": ("\n".join([HEADER, *(row.replace(",", ";") for row in rows(2, 3))]), []),
    "CRLF": ("\r\n".join([HEADER, *rows(2, 3), ""]), [2, 3]),
    "CR alone": ("\r".join([HEADER, *rows(2, 3), ""]), [2, 3]),
    "all ends of lines": (f"{HEADER}\r\nSKU-2,Mug,kitchen,5,\rSKU-3,Mug,kitchen,5,\nSKU-4,Mug,kitchen,5,", [2, 3, 4]),
    "a CR within a row": (f"{HEADER}\nSKU-2,Mug,kit\rchen,5,\nSKU-4,Mug,kitchen,5,\n", [4]),
    "blank lines": ("\n".join(["", HEADER, "", *rows(4, 4), " ", ",,,,", *rows(7, 7), ""]), [4, 7]),
    "a quoted blank line": (f'{HEADER}\n"\n",,,,\nSKU-4,Mug,kitchen,5,\n', [4]),
    "short and long rows": (f"{HEADER}\nSKU-2,Mug\nSKU-3,Mug,kitchen,5,,,\nSKU-4,Mug,kitchen,5,\n", [4]),
    "columns without a name": (f"{HEADER},,\nSKU-2,Mug,kitchen,5,,x,\n", [2]),
    "an unknown column twice": (f"{HEADER},note,note\nSKU-2,Mug,kitchen,5,,x,y\n", [2]),
    "quotes about everything": (f'{HEADER}\n"SKU-2","Mug","kitchen","5","a ""b"""\n', [2]),
    "a blank before a quote": (f'{HEADER}\nSKU-2, "Mug, big", kitchen, 5, Blue\n', [2]),
    "a stray quote within": (f'{HEADER}\nSKU-2,12" plate,kitchen,5,\n', [2]),
    "text after a quote": (f'{HEADER}\nSKU-2,"Mug" big,kitchen,5,\nSKU-3,Mug,kitchen,5,\n', [3]),
    "NUL": (f"{HEADER}\nSKU-2,M\0ug,kitchen,5,\nSKU-3,Mug,kitchen,5,\n\0\0\0\n", [3]),
    "a formula": (f"{HEADER}\nSKU-2,=A1&B1,kitchen,5,\n=A3,Mug,kitchen,=1+1,\n", [2]),
    "thousand separators": (f'{HEADER}\nSKU-2,Mug,kitchen,"1,255.00",\nSKU-3,Mug,kitchen,1 255,\n', []),
    "a currency sign": (f"{HEADER}\nSKU-2,Mug,kitchen,$5,\nSKU-3,Mug,kitchen,5 €,\nSKU-4,Mug,kitchen,5,\n", [4]),
    "a date for a price": (f"{HEADER}\nSKU-2,Mug,kitchen,05.12.2026,\nSKU-3,Mug,kitchen,5-Dec,\n", []),
    "numbers by exponent": (f"{HEADER}\n4.01E+12,Mug,kitchen,5,\n4.01E+12,Cup,kitchen,5,\nS,Mug,kitchen,5E+00,\n", [2]),
    "errors of a formula": (f"{HEADER}\nSKU-2,Mug,#N/A,#VALUE!,\nSKU-3,#REF!,kitchen,5,\n", [3]),
    "a hard space": (f"{HEADER}\n\u00a0SKU-2\u00a0,\u00a0Mug,kitchen,\u00a05,\n", [2]),
    "characters without width": (f"{HEADER}\u200b,stock\n\u200bS-2\u2060,Mug,kitchen,\u200b9.98,,\u200b5\n", [2]),
    "a row twice": ("\n".join([HEADER, *rows(2, 2), *rows(2, 2)]), [2]),
    "a cut file": ("\n".join([HEADER, *rows(2, 3)])[:-10], [2]),
    "an endless cell": (f"{HEADER}\nSKU-2,{'x' * 200_000},kitchen,5,\nSKU-3,Mug,kitchen,5,\n", [3]),
    "an endless quoted cell": (f'{HEADER}\nSKU-2,"{"x" * 200_000}\nSKU-3,Mug,kitchen,5,\n', [3]),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_good_lines_of_a_damaged_file_are_read_and_all_others_are_named(tmp_path: Path, defect: str) -> None:
    content, wanted = DEFECTS[defect]

    good, _ = told(tmp_path, content)

    assert good == wanted
    path = tmp_path / "a.csv"
    assert_complete(list(files.read(path)), path.read_bytes())
    assert files.count_lines(path) == damage.line_count(path.read_bytes())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("\n".join([HEADER, *rows(2, 3)]).encode("utf-16")[:-1], "is UTF-16 that is damaged"),
        ("\n".join([HEADER, *rows(2, 3)]).encode("utf-16-le"), "looks like UTF-16"),
        ("\n".join(rows(1, 3)), "missing: sku, name, category, price"),
        ("sep=;\n" + HEADER, "missing: sku, name, category, price"),
        (f"{HEADER},sku\nSKU-2,Mug,kitchen,5,,SKU-3\n", "names a column twice"),
        ('sku,"name,category,price\nSKU-2,Mug,kitchen,5\n', "opens a quote that nothing closes"),
        ("\n\n,,,\n", "missing: sku, name, category, price"),
    ],
)
def test_a_file_that_does_not_say_what_its_columns_are_is_refused_whole(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence):
        told(tmp_path, content)


@pytest.mark.parametrize(
    "line",
    [
        b'{"sku":"SKU-2"', b'"text', b"[1]", b"nul", b'{"sku":"\xff"}', b'{"sku":"\\ud83d"}', b"\0",
        b"\xef", b"[" * 5000,
        b'{"name":' * 990 + b"1" + b"}" * 990, b'{"price":' + b"9" * 5000 + b"}", b'{"price":1e999999999999}',
        b'{"sku":"SKU-2","name":"Mug","category":"kitchen","price":NaN}', b"}", b'{"sku":"a","sku":"b"}', b"{}",
        b'{"sku":"SKU-2","name":"Mug","category":"kitchen","price":1e-99999,"currency":"USD"}',
        b'{"sku":"SKU-2","name":"Mug","category":"kitchen","price":5,"stock":' + b"9" * 25 + b"}",
    ],
)  # fmt: skip
def test_a_damaged_line_of_json_is_its_own_fault(tmp_path: Path, line: bytes) -> None:
    sound = b'{"sku":"SKU-3","name":"Mug","category":"kitchen","price":5}'

    good, faults = told(tmp_path, b"\n".join([line, b"", sound]), "a.jsonl")

    assert good == [3]
    assert {fault.split(":")[0] for fault in faults} == {"1"}


def test_a_field_nested_to_any_depth_is_a_fault(tmp_path: Path) -> None:
    lines = [b'{"sku":"S","name":' + b"[" * depth + b"]" * depth + b"}" for depth in range(0, 1200, 25)]

    good, faults = told(tmp_path, b"\n".join(lines), "a.jsonl")

    assert not good
    assert len({fault.split(":")[0] for fault in faults}) == len(lines)


@settings(max_examples=120)
@given(file=damage.files())
def test_whatever_happens_to_a_file_each_of_its_lines_is_in_one_record(tmp_path: Path, file: tuple[str, bytes]) -> None:
    name, content = file
    (tmp_path / name).write_bytes(content)

    try:
        records = list(files.read(tmp_path / name))
    except Refusal:
        return

    assert_complete(records, content)
    checker = Checker()
    for record in records:
        checked = checker.check(record)
        assert checked or record.kind in (RecordKind.HEADER, RecordKind.BLANK)


@settings(max_examples=120)
@given(lines=damage.torn_sheets())
def test_whatever_quotes_are_lost_and_found_no_sound_line_is_swallowed(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))

    records = list(files.read(path))

    sound = {number for number, line in enumerate(lines, 1) if damage.is_row(line)}
    assert sound <= {record.first for record in records}
    assert_complete(records, path.read_bytes())


def assert_complete(records: list[Record], content: bytes) -> None:
    """From the first line to the last, none twice."""
    edges = [(0, 0), *((record.first, record.last) for record in records)]
    assert all(following == last + 1 <= end for (_, last), (following, end) in pairwise(edges))
    assert edges[-1][1] == damage.line_count(content.removeprefix(b"\xef\xbb\xbf"))


class Lines(list[str]):
    """Lines that count how often they are read."""

    reads = 0

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(
    "row",
    [
        'SKU,"Mug,kitchen,5,Blue', 'SKU,b",x,",kitchen', 'SKU,Mug,"",5,"', '"""', 'SKU,""",x', '","', '",', ',"',
        'SKU,Mug,kitchen,5,"Blue', "SKU,Mug", 'a",b,"c",d,"', '"a"b', '"\t"', ' "',
        'S,Mug,kitchen,5,"Blue\nS,Mug,kitchen,5,Red\nS,Mug,kitchen,5,Red"',
    ],
)  # fmt: skip
def test_a_file_that_is_damaged_in_every_line_takes_time_by_its_length_alone(row: str) -> None:
    lines = Lines(f"{line}\n" for _ in range(1_000) for line in row.splitlines())

    records = list(sheets._Sheet(lines, ",", HEADER.split(",")).records(0))

    assert sum(record.line_count for record in records) == len(lines)
    assert lines.reads <= 4 * len(lines)
