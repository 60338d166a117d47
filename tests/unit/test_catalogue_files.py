"""What the catalogue's files say: JSON Lines, CSV, and the rules a line is held to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core import ids
from chalicelib.products.models import id_of
from tools.catalogue import files
from tools.catalogue.lines import CatalogueLine, Checker
from tools.catalogue.records import RecordKind
from tools.local import seed
from tools.refusal import Refusal

pytestmark = pytest.mark.usefixtures("standard_time")
MUG = {"sku": "MUG-1", "name": "Mug", "category": "kitchen", "price": "12.50"}
MUG_JSON = '{"sku":"MUG-1","name":"Mug","category":"kitchen","price":"12.50"}'
HEADER = "sku,name,category,price,stock,isActive,imageUrl,description"


def checked(
    tmp_path: Path, name: str, content: str | bytes
) -> tuple[list[CatalogueLine], list[tuple[int, str]], set[str]]:
    """The good lines, the faults' lines and fields, and the ignored fields of a file."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    checker, good, faults = Checker(), [], []
    for record in files.read(path):
        result = checker.check(record)
        if isinstance(result, CatalogueLine):
            good.append(result)
        else:
            faults += [(fault.number, fault.field) for fault in result]
    return good, faults, checker.ignored


def test_the_same_sku_always_has_the_same_id() -> None:
    assert id_of("MUG-1") == "prd_01DXF6DT00CQQMY27NBDRVJR9T"
    assert id_of("MUG-1") != id_of("mug-1")


def test_an_id_of_any_sku_is_one_that_the_shop_looks_up() -> None:
    assert all(ids.is_valid("prd", id_of(f"SKU-{number}")) for number in range(1000))


@pytest.mark.parametrize("price", ['"12.50"', '" 12.5 "', "12.50", "12.5", "1.25e1"])
def test_a_price_is_exact_as_text_or_number(tmp_path: Path, price: str) -> None:
    good, faults, _ = checked(tmp_path, "a.jsonl", MUG_JSON.replace('"12.50"', price))

    mug = good[0].product(currency="USD")
    assert (mug.price, mug.currency, faults) == (1250, "USD", [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", '"12,50"'),
        ("price", "-1"),
        ("price", "true"),
        ("price", "1e9999"),
        ("stock", '"5"'),
        ("stock", "-1"),
        ("stock", "99999999999999999999999"),
        ("category", '"Kitchen"'),
        ("name", '"  "'),
        ("name", "null"),
        ("sku", '"two words"'),
        ("sku", "null"),
        ("currency", '"XXX"'),
        ("imageUrl", '"javascript:alert(1)"'),
        ("isActive", '"yes"'),
        ("productId", '"prd_1"'),
        ("productId", "7"),
    ],
)
def test_a_line_is_held_to_the_rules_of_the_api(tmp_path: Path, field: str, value: str) -> None:
    members = {name: f'"{text}"' for name, text in MUG.items()} | {field: value}
    line = "{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}"

    _, faults, _ = checked(tmp_path, "a.jsonl", f"{MUG_JSON.replace('MUG-1', 'MUG-0')}\n{line}\n")

    assert faults == [(2, field)]


def test_a_line_reports_all_its_faults(tmp_path: Path) -> None:
    _, faults, _ = checked(tmp_path, "a.jsonl", '{"name":"","price":"dear","category":"Kitchen"}')

    assert sorted(faults) == [(1, "category"), (1, "name"), (1, "price"), (1, "sku")]


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[1]", b'{"sku":"\xff"}', b'{"price":1e99999999999999999999}', b"{", b'{"sku":"a","sku":"b"}'],
)
def test_a_line_that_is_no_object_is_faulty_and_the_next_is_read(tmp_path: Path, line: bytes) -> None:
    good, faults, _ = checked(tmp_path, "a.jsonl", line + b"\n\n" + MUG_JSON.encode())

    assert ([each.first for each in good], faults) == ([3], [(1, "line")])


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON"])
def test_json_lines_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str) -> None:
    good, faults, _ = checked(tmp_path, name, "\ufeff" + MUG_JSON + "\r\n")

    assert (len(good), faults) == (1, [])


@pytest.mark.fault("F2")
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf_16_with_its_mark_is_read_as_a_spreadsheet_writes_it(tmp_path: Path, codec: str, end: str) -> None:
    sheet = end.join(["\ufeffsku\tname\tcategory\tprice", "M-1\tÖl\u2028 čaj 🍵\tkitchen\t5", ""])
    lines = f"\ufeff{MUG_JSON}{end}"

    good, faults, _ = checked(tmp_path, "a.csv", sheet.encode(codec))
    (mug,), none, _ = checked(tmp_path, "a.jsonl", lines.encode(codec))

    assert ([(each.first, each.new.name) for each in good], faults) == ([(2, "Öl\u2028 čaj 🍵")], [])
    assert (mug.new.sku, none) == ("MUG-1", [])
    assert files.count_lines(tmp_path / "a.csv") == 2


@pytest.mark.fault("F9")
def test_a_sku_an_id_and_a_price_are_read_in_one_way_whatever_unseen_is_around_them(tmp_path: Path) -> None:
    codes = {"sku": "MUG-1", "price": "12.50", "productId": id_of("MUG-1")}
    padded = json.dumps({**MUG, **{name: f"\u200b {code}\ufeff" for name, code in codes.items()}})
    only_id = json.dumps({"name": "Mug", "category": "kitchen", "price": 5, "productId": f"\u2060{ids.new('prd')} "})

    good, faults, _ = checked(tmp_path, "a.jsonl", f"{padded}\n{only_id}\n")

    assert faults == []
    assert good[0].product_id == id_of("MUG-1")
    assert good[0].product(currency="USD").price == 1250
    assert ids.is_valid("prd", good[1].product_id)


def test_csv_columns_come_in_any_order_after_a_byte_order_mark(tmp_path: Path) -> None:
    content = '\ufeffprice, name ,stock,sku,category,isActive\r\n5,"A ""mug""",7,MUG-1,kitchen,FALSE\r\n'

    good, faults, _ = checked(tmp_path, "a.csv", content)

    mug = good[0].product(currency="USD")
    assert (mug.name, mug.price, mug.stock, mug.is_active, faults) == ('A "mug"', 500, 7, False, [])


def test_an_empty_cell_is_an_empty_text_or_a_field_left_out(tmp_path: Path) -> None:
    good, _, _ = checked(tmp_path, "a.csv", f"{HEADER}\nMUG-1,Mug,kitchen,5,,,,\n")

    assert {"description", "imageUrl"} <= good[0].given
    assert not good[0].given & {"stock", "isActive"}


def test_csv_faults_name_the_line_that_a_row_begins_on(tmp_path: Path) -> None:
    rows = [
        'M-1,Mug,kitchen,5,1,true,,"two\nlines"',
        "M-2,Mug,kitchen,5,1.5,perhaps,,",
        ",,,,,,,",
        "M-3,Mug",
        "M-4,M\udcff,kitchen,5,,,,",
        ",,kitchen,5,,,,",
        '"M-5,Mug,kitchen,5,,,,',
    ]
    content = "\n".join([HEADER, *rows]).encode("utf-8", "surrogateescape")

    good, faults, _ = checked(tmp_path, "a.csv", content)

    assert [line.first for line in good] == [2]
    assert faults == [(4, "stock"), (4, "isActive"), (6, "line"), (7, "line"), (8, "sku"), (8, "name"), (9, "line")]


def test_unknown_fields_are_left_out_and_remembered(tmp_path: Path) -> None:
    good, faults, ignored = checked(tmp_path, "a.csv", "sku,name,category,price,style\nM-1,Mug,kitchen,5,plain\n")

    assert (len(good), faults, ignored) == (1, [], {"style"})


def test_the_second_line_of_a_sku_is_faulty_and_one_after_a_faulty_line_is_not(tmp_path: Path) -> None:
    faulty = MUG_JSON.replace("kitchen", "Kitchen")

    good, faults, _ = checked(tmp_path, "a.jsonl", f"{faulty}\n{MUG_JSON}\n{MUG_JSON}\n")

    assert ([line.first for line in good], faults) == ([2], [(1, "category"), (3, "sku")])


@pytest.mark.parametrize("content", ["", "name,price\n", "sku,name,category,price,name\n", "sku|name|category|price\n"])
def test_a_csv_file_without_a_usable_header_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(Refusal):
        checked(tmp_path, "a.csv", content)


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.csv", "a.xlsx", "a"])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal, match=name):
        list(files.read(tmp_path / name))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    nasty = 'A "b", c;\n\td\r\ne ü 🙂 =1+1'
    record: dict[str, Any] = {
        **MUG, "description": nasty, "currency": "USD", "stock": 3, "imageUrl": None, "isActive": False,
    }  # fmt: skip

    files.write([record, {**record, "sku": None, "productId": "prd_x"}], tmp_path / name)

    fields = [record.fields for record in files.read(tmp_path / name) if record.kind is RecordKind.PRODUCT]
    assert fields[0] == record
    assert (fields[1].get("sku"), fields[1]["productId"]) == (None, "prd_x")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("precious")

    with pytest.raises(TypeError):
        files.write([{"sku": object()}], path)

    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_the_demo_catalogue_is_faultless_and_varied() -> None:
    checker = Checker()

    lines = [checker.check(record) for record in files.read(seed.CATALOGUE)]

    products = [line.product(currency="USD") for line in lines if isinstance(line, CatalogueLine)]
    assert len(products) == len(lines) >= 60
    assert len({product.category for product in products}) >= 6
    assert checker.ignored == set()
