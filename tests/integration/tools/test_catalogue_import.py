"""Importing a catalogue: what it writes, what it leaves alone, and that a repeat completes what was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.products import service as products
from chalicelib.products import store as product_store
from chalicelib.products.models import id_of
from chalicelib.products.schemas import ProductQuery
from chalicelib.products.views import listing_view
from tests.support import damage
from tests.support.faults import Crash, crash, injected
from tests.support.table import empty, everything
from tools.catalogue import __main__ as command
from tools.catalogue import importer
from tools.catalogue.importer import ImportOutcome
from tools.catalogue.lines import LineFault
from tools.refusal import Refusal
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUG = {"sku": "MUG-1", "name": "Mug", "category": "kitchen", "price": "12.50", "stock": 10, "description": "Blue."}
MUG_ID = id_of("MUG-1")


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[..., Path]:
    """Writes products into a file."""

    def written(*products: Any) -> Path:
        path = tmp_path / "catalogue.jsonl"
        path.write_text("".join(f"{json.dumps(product)}\n" for product in products))
        return path

    return written


def load(path: Path, *, at: datetime = NOON) -> tuple[dict[ImportOutcome, int], list[LineFault]]:
    """Import a file at an instant; the counts and the faults."""
    faults: list[LineFault] = []
    with clock.fixed(at):
        report = importer.load(path, on_fault=faults.append, on_progress=lambda _: None, workers=1)
    return {outcome: count for outcome, count in report.counts.items() if count}, faults


def test_a_first_run_creates_what_the_api_would_show(aws: None, catalogue: Callable[..., Path]) -> None:
    counts, faults = load(catalogue(MUG, {**MUG, "sku": "MUG-2"}))

    assert (counts, faults) == ({"created": 2}, [])
    shown = listing_view(products.get(MUG_ID))
    assert (shown.name, str(shown.price), shown.stock, shown.sku) == ("Mug", "12.50", 10, "MUG-1")
    assert (
        len(products.list_page(ProductQuery(), None)[0])
        == len(products.list_page(ProductQuery(), None, category="kitchen")[0])
        == 2
    )
    assert everything()[keys.stock_movement(MUG_ID, keys.FIRST_MOVEMENT)]["delta"] == 10


def test_a_second_run_changes_nothing(aws: None, catalogue: Callable[..., Path]) -> None:
    path = catalogue(MUG, {**MUG, "sku": "MUG-2", "isActive": False})
    load(path)
    before = everything()

    counts, _ = load(path, at=NOON + timedelta(days=1))

    assert counts == {"unchanged": 2}
    assert everything() == before


def test_a_changed_line_updates_description_and_offer_and_keeps_the_birthday(
    aws: None, catalogue: Callable[..., Path]
) -> None:
    load(catalogue(MUG))

    counts, _ = load(catalogue({**MUG, "price": "14.00", "category": "garden"}), at=NOON + timedelta(days=1))

    about, offer = everything()[keys.product(MUG_ID)], everything()[keys.stock(MUG_ID)]
    assert counts == {"updated": 1}
    assert (about["price"], offer["price"], about["GSI1PK"]) == (1400, 1400, "CATEGORY#garden")
    assert (about["createdAt"], about["updatedAt"]) == ("2026-11-21T12:00:00.000Z", "2026-11-22T12:00:00.000Z")


def test_sold_units_do_not_come_back(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue(MUG))
    db.commit(product_store.reserve(MUG_ID, 4, price=1250, currency="USD"))
    db.commit(product_store.update_shown_stock(MUG_ID, stock=6, version=1))

    same, _ = load(catalogue(MUG))
    dearer, _ = load(catalogue({**MUG, "price": 20, "stock": 99}))

    about, offer = everything()[keys.product(MUG_ID)], everything()[keys.stock(MUG_ID)]
    assert (same, dearer) == ({"unchanged": 1}, {"updated": 1})
    assert (offer["stock"], offer["stockVersion"], about["stock"], about["stockVersion"]) == (6, 1, 6, 1)


def test_a_product_leaves_the_lists_and_comes_back(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue(MUG))
    first = everything()

    load(catalogue({**MUG, "isActive": False}))
    hidden = products.list_page(ProductQuery(), None)[0]
    load(catalogue({**MUG, "isActive": True}))

    about = everything().pop(keys.product(MUG_ID))
    assert (hidden, about.pop("version")) == ([], 3)
    assert about == {name: value for name, value in first[keys.product(MUG_ID)].items() if name != "version"}


def test_a_file_without_currencies_leaves_them_as_they_are(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue({**MUG, "currency": "EUR"}, {**MUG, "sku": "YEN", "currency": "JPY", "price": "500"}))

    counts, _ = load(catalogue({**MUG, "price": "14.00"}, {**MUG, "sku": "YEN", "price": "600"}))

    shown = [listing_view(products.get(each)) for each in (MUG_ID, id_of("YEN"))]
    assert counts == {"updated": 2}
    assert [(each.currency, str(each.price)) for each in shown] == [("EUR", "14.00"), ("JPY", "600")]


@pytest.mark.fault("F3")
def test_a_price_that_does_not_fit_its_currency_is_that_lines_fault_alone(
    aws: None, catalogue: Callable[..., Path]
) -> None:
    yen = {**MUG, "sku": "YEN", "price": "500"}
    load(catalogue({**yen, "currency": "JPY"}))

    counts, faults = load(catalogue(MUG, {**yen, "price": "15.50"}, {**MUG, "sku": "MUG-2"}))

    assert (counts, faults) == (
        {"created": 2, "faulty": 1}, [LineFault(2, 2, "price", "JPY has 0 decimals.")],
    )  # fmt: skip
    assert everything()[keys.product(id_of("YEN"))]["price"] == 500


@pytest.mark.fault("F3")
def test_a_new_product_of_a_price_that_its_currency_does_not_have_is_that_lines_fault_alone(
    aws: None, catalogue: Callable[..., Path]
) -> None:
    lines = [{**MUG, "sku": f"MUG-{number}", "price": "1.999" if number in (2, 4) else "2"} for number in range(1, 6)]

    counts, faults = load(catalogue(*lines))

    assert counts == {"created": 3, "faulty": 2}
    assert faults == [LineFault(number, number, "price", "USD has 2 decimals.") for number in (2, 4)]


@pytest.mark.fault("F3")
def test_a_product_that_the_table_holds_unreadably_is_that_lines_fault_alone(
    aws: None, catalogue: Callable[..., Path]
) -> None:
    load(catalogue(MUG))
    db.commit(db.update(keys.product(MUG_ID), "SET price = :word", {":word": "dear"}))

    counts, (fault,) = load(catalogue(MUG, {**MUG, "sku": "MUG-2"}))

    assert counts == {"created": 1, "faulty": 1}
    assert (fault.number, fault.field) == (1, "line")


@pytest.mark.fault("F4")
def test_a_price_without_a_currency_is_judged_by_the_products_own(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue({**MUG, "currency": "KWD", "price": "1.250"}))

    counts, faults = load(catalogue({**MUG, "price": "1.255"}))

    about, offer = everything()[keys.product(MUG_ID)], everything()[keys.stock(MUG_ID)]
    assert (counts, faults) == ({"updated": 1}, [])
    assert (about["price"], about["currency"], offer["price"], offer["currency"]) == (1255, "KWD", 1255, "KWD")


@pytest.mark.fault("F4")
def test_a_new_product_without_a_currency_is_in_the_stages(
    aws: None, catalogue: Callable[..., Path], default_currency: Callable[[str], None]
) -> None:
    default_currency("KWD")

    counts, faults = load(catalogue({**MUG, "price": "1.255"}, {**MUG, "sku": "MUG-2", "price": "1.2555"}))

    assert counts == {"created": 1, "faulty": 1}
    assert [(fault.number, fault.detail) for fault in faults] == [(2, "KWD has 3 decimals.")]
    assert everything()[keys.product(MUG_ID)]["currency"] == "KWD"


@pytest.mark.fault("F2")
def test_an_unclosed_quote_in_line_2_leaves_lines_3_to_61_to_be_loaded(
    aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "catalogue.csv"
    rows = [f"MUG-{number},Mug,kitchen,5" for number in range(3, 62)]
    path.write_text("\n".join(["sku,name,category,price", 'MUG-2,"Mug,kitchen,5', *rows]))

    code = command.main(["import", str(path)])

    out, err = capsys.readouterr()
    told = "60 lines = 59 loaded (59 created, 0 updated) + 0 unchanged + 1 faulty, besides 1 header and 0 blank ("
    assert (code, out.startswith(told)) == (1, True)
    assert err == f"{path}:2: line: opens a quote that nothing closes\n"


@pytest.mark.fault("F2")
@settings(max_examples=40)
@given(file=damage.files())
def test_the_lines_of_any_file_are_those_loaded_unchanged_and_faulty(
    aws: None, tmp_path: Path, file: tuple[str, bytes]
) -> None:
    path, faults, content = tmp_path / file[0], list[LineFault](), file[1].removeprefix(b"\xef\xbb\xbf")
    path.write_bytes(file[1])
    before = everything()

    try:
        with clock.fixed(NOON):
            report = importer.load(path, on_fault=faults.append, on_progress=lambda _: None, workers=1)
    except Refusal:
        assert everything() == before
        return

    counts = report.counts
    assert report.lines == report.loaded + counts[ImportOutcome.UNCHANGED] + counts[ImportOutcome.FAULTY]
    assert counts.total() == damage.line_count(content)
    told = {number for fault in faults for number in range(fault.number, fault.last + 1)}
    assert len(told) == counts[ImportOutcome.FAULTY]


@pytest.mark.fault("F21")
def test_the_summary_says_which_fields_it_did_not_use(
    aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "catalogue.csv"
    header, known = "sku,name,category,price,stock,style,gr\u00f6\u00dfe,", "MUG-1,Mug,kitchen,5,7,plain,,"
    path.write_text(f"{header}\n{known}\n")
    command.main(["import", str(path)])
    path.write_bytes(f"{header}\n{known}\nMUG-2,Mug,kitchen,5,7,,,odd\n".encode("cp1252"))

    command.main(["import", str(path)])

    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Not used"))
    assert first == "Not used: gr\u00f6\u00dfe, style (products have no such field)."
    names = r"column 8, gr\udcf6\udcdfe, style (products have no such field)"
    assert second == f"Not used: {names}; stock of products that exist (1 of them; it counts what has been sold)."


def test_a_deleted_product_that_the_file_names_comes_back_with_the_units_it_has(
    shop: Shop, catalogue: Callable[..., Path]
) -> None:
    load(catalogue(MUG))
    shop.admin()("DELETE", f"/products/{MUG_ID}")

    counts, _ = load(catalogue({**MUG, "stock": 99}))

    assert counts == {"updated": 1}
    assert shop("GET", f"/products/{MUG_ID}").body["stock"] == 10


def test_what_the_file_leaves_out_stays(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue({**MUG, "isActive": False, "imageUrl": "https://example.com/mug.jpg"}))
    bare = {name: MUG[name] for name in ("sku", "name", "category", "price")}

    left_out, _ = load(catalogue(bare))
    cleared, _ = load(catalogue({**bare, "imageUrl": None}))

    about = everything()[keys.product(MUG_ID)]
    assert (left_out, cleared) == ({"unchanged": 1}, {"updated": 1})
    assert (about["isActive"], about["description"], "imageUrl" in about) == (False, "Blue.", False)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 4))
def test_an_interrupted_run_is_completed_by_the_next(
    aws: None, catalogue: Callable[..., Path], number: int, *, after: bool
) -> None:
    path = catalogue(*({**MUG, "sku": f"MUG-{each}", "stock": each} for each in range(80)))
    load(path)
    clean = everything()
    empty()

    with injected(crash(number, after=after)), pytest.raises(Crash):
        load(path)
    partial = everything()
    load(path)

    assert len(partial) < len(clean)
    assert everything() == clean


def test_a_product_that_somebody_creates_and_sells_meanwhile_keeps_what_is_left(
    shop: Shop, catalogue: Callable[..., Path]
) -> None:
    admin, ada, raced = shop.admin(), shop.customer(), []

    def create_first(operation: str, _: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and not raced:
            raced.append(operation)
            admin.product(sku="MUG-1", stock=5)
            assert ada.order((MUG_ID, 5)).status == 201
        return go_on()

    with injected(create_first):
        counts, _ = load(catalogue(MUG, {**MUG, "sku": "MUG-2"}), at=clock.now())

    assert counts == {"updated": 1, "created": 1}
    assert (shop.stock(MUG_ID), shop.stock(id_of("MUG-2"))) == (0, 10)


def test_a_change_between_reading_and_writing_is_not_half_overwritten(
    shop: Shop, catalogue: Callable[..., Path]
) -> None:
    admin, raced = shop.admin(), []
    load(catalogue(MUG))

    def change_first(operation: str, _: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and not raced:
            raced.append(operation)
            changed = admin("PATCH", f"/products/{MUG_ID}", {"name": "Theirs", "price": 99})
            assert changed.status == 200
        return go_on()

    with injected(change_first):
        load(catalogue({**MUG, "price": "14.00"}), at=clock.now())

    shown = shop("GET", f"/products/{MUG_ID}").body
    assert (shown["name"], shown["price"], shown["isActive"]) == ("Mug", 14, True)
    assert shop("GET", "/products").body["products"][0]["price"] == 14


@pytest.mark.parametrize(
    "missing",
    [{"METADATA"}, {"STOCK"}, {"MOVE#0"}, {"METADATA", "STOCK"}, {"STOCK", "MOVE#0"}],
)
def test_a_missing_item_is_completed_around_what_is_there(
    aws: None, catalogue: Callable[..., Path], missing: set[str]
) -> None:
    load(catalogue(MUG))
    clean = everything()
    db.commit(*(db.delete(keys.Key(pk, sk)) for pk, sk in clean if sk in missing))

    load(catalogue({**MUG, "stock": 77}))

    assert everything() == clean


def test_bad_lines_are_reported_and_the_others_loaded(
    aws: None, catalogue: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = catalogue(MUG, {**MUG, "price": "dear", "style": "plain"}, MUG, {**MUG, "sku": "MUG-2"})

    code = command.main(["import", str(path)])

    out, err = capsys.readouterr()
    assert code == 1
    assert err.splitlines() == [
        f"{path}:2: price: Must be a number.",
        f"{path}:3: sku: Line 1 has the same product already.",
    ]
    summary, unused = out.splitlines()
    told = "4 lines = 2 loaded (2 created, 0 updated) + 0 unchanged + 2 faulty, besides 0 header and 0 blank ("
    assert summary.startswith(told)
    assert unused == "Not used: style (products have no such field)."


@pytest.mark.parametrize(
    ("name", "text"), [("a.jsonl", ""), ("a.jsonl", "\n \n"), ("a.csv", "sku,name,category,price\n")]
)
def test_a_file_without_products_is_refused(
    aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)

    assert command.main(["import", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.endswith(f"{tmp_path / name} holds no products.\n")


def test_a_repeat_says_that_nothing_changed(
    aws: None, catalogue: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = catalogue(MUG)
    codes = [command.main(["import", str(path)]) for _ in range(2)]

    assert codes == [0, 0]
    assert "1 lines = 0 loaded (0 created, 0 updated) + 1 unchanged" in capsys.readouterr().out


def test_a_product_of_the_api_is_met_by_its_id(shop: Shop, catalogue: Callable[..., Path]) -> None:
    product_id = shop.admin().product(name="Mug", price=12.5, category="kitchen", stock=10)["productId"]
    line = {"productId": product_id, "name": "Cup", "category": "kitchen", "price": "12.50"}

    counts, _ = load(catalogue(line))

    assert counts == {"updated": 1}
    assert shop("GET", f"/products/{product_id}").body["name"] == "Cup"
