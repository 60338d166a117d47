"""Importing a catalogue: what it writes, what it leaves alone, and that a repeat completes what was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import attributes, clients, clock, db, keys, settings
from chalicelib.products import service, store
from tests.shop import Shop
from tools.catalogue import __main__ as command
from tools.catalogue import identity, importer
from tools.catalogue.importer import Outcome
from tools.catalogue.lines import Fault

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUG = {"sku": "MUG-1", "name": "Mug", "category": "kitchen", "price": "12.50", "stock": 10, "description": "Blue."}
MUG_ID = identity.product_id("MUG-1")


class Killed(Exception):
    """The process would be gone here."""


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[..., Path]:
    """Writes products into a file."""

    def written(*products: Any) -> Path:
        path = tmp_path / "catalogue.jsonl"
        path.write_text("".join(f"{json.dumps(product)}\n" for product in products))
        return path

    return written


def load(path: Path, *, at: datetime = NOON) -> tuple[dict[Outcome, int], list[Fault]]:
    """Import a file at an instant; the counts and the faults."""
    faults: list[Fault] = []
    with clock.fixed(at):
        report = importer.load(path, on_fault=faults.append, on_progress=lambda _: None, workers=1)
    return {outcome: count for outcome, count in report.counts.items() if count}, faults


def everything() -> dict[tuple[str, str], dict[str, Any]]:
    """Every item of the table."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=settings.current().table_name)
    items = [attributes.plain_item(item) for page in pages for item in page["Items"]]
    return {(item["PK"], item["SK"]): item for item in items}


def empty_the_table() -> None:
    for pk, sk in everything():
        db.commit(db.delete(keys.Key(pk, sk)))


@contextmanager
def killed_in_write(number: int) -> Iterator[None]:
    """End the run in the middle of its n-th BatchWriteItem: half of the batch arrives, the answer does not."""
    calls = 0

    def halve(params: Any, **_: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < number:
            return params
        return {"RequestItems": {table: puts[: len(puts) // 2] for table, puts in params["RequestItems"].items()}}

    def kill(**_: Any) -> None:
        if calls >= number:
            raise Killed

    events = clients.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", halve)
    events.register("after-call.dynamodb.BatchWriteItem", kill)
    try:
        yield
    finally:
        events.unregister("provide-client-params.dynamodb.BatchWriteItem", halve)
        events.unregister("after-call.dynamodb.BatchWriteItem", kill)


def test_a_first_run_creates_what_the_api_would_show(aws: None, catalogue: Callable[..., Path]) -> None:
    counts, faults = load(catalogue(MUG, {**MUG, "sku": "MUG-2"}))

    assert (counts, faults) == ({"created": 2}, [])
    shown = service.get(MUG_ID)
    assert (shown.name, str(shown.price), shown.stock, shown.sku) == ("Mug", "12.50", 10, "MUG-1")
    assert (
        len(service.page(size=10, after=None)[0]) == len(service.page(size=10, after=None, category="kitchen")[0]) == 2
    )
    assert everything()[keys.stock_movement(MUG_ID, "initial")]["delta"] == 10


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
    db.commit(store.take(MUG_ID, 4, price=1250, currency="USD"))
    db.commit(store.show_stock(MUG_ID, stock=6, version=1))

    same, _ = load(catalogue(MUG))
    dearer, _ = load(catalogue({**MUG, "price": 20, "stock": 99}))

    about, offer = everything()[keys.product(MUG_ID)], everything()[keys.stock(MUG_ID)]
    assert (same, dearer) == ({"unchanged": 1}, {"updated": 1})
    assert (offer["stock"], offer["stockVersion"], about["stock"], about["stockVersion"]) == (6, 1, 6, 1)


def test_a_product_leaves_the_lists_and_comes_back(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue(MUG))
    first = everything()

    load(catalogue({**MUG, "isActive": False}))
    hidden = service.page(size=10, after=None)[0]
    load(catalogue({**MUG, "isActive": True}))

    assert hidden == []
    assert everything() == first


def test_what_the_file_leaves_out_stays(aws: None, catalogue: Callable[..., Path]) -> None:
    load(catalogue({**MUG, "isActive": False, "imageUrl": "https://example.com/mug.jpg"}))
    bare = {name: MUG[name] for name in ("sku", "name", "category", "price")}

    left_out, _ = load(catalogue(bare))
    cleared, _ = load(catalogue({**bare, "imageUrl": None}))

    about = everything()[keys.product(MUG_ID)]
    assert (left_out, cleared) == ({"unchanged": 1}, {"updated": 1})
    assert (about["isActive"], about["description"], "imageUrl" in about) == (False, "Blue.", False)


@pytest.mark.parametrize("number", range(1, 7))
def test_an_interrupted_run_is_completed_by_the_next(aws: None, catalogue: Callable[..., Path], number: int) -> None:
    path = catalogue(*({**MUG, "sku": f"MUG-{each}", "stock": each} for each in range(40)))
    load(path)
    clean = everything()
    empty_the_table()

    with killed_in_write(number), pytest.raises(Killed):
        load(path)
    partial = everything()
    load(path)

    assert len(partial) < len(clean)
    assert everything() == clean


@pytest.mark.parametrize(
    "missing",
    [{"METADATA"}, {"STOCK"}, {"MOVE#initial"}, {"METADATA", "STOCK"}, {"STOCK", "MOVE#initial"}],
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
        f"{path}: ignored these fields: style.",
    ]
    assert out.startswith("2 created, 0 updated, 0 unchanged, 2 faulty (")


def test_a_repeat_says_that_nothing_changed(
    aws: None, catalogue: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = catalogue(MUG)
    codes = [command.main(["import", str(path)]) for _ in range(2)]

    assert codes == [0, 0]
    assert "0 created, 0 updated, 1 unchanged, 0 faulty" in capsys.readouterr().out.splitlines()[1]


def test_a_product_of_the_api_is_met_by_its_id(shop: Shop, catalogue: Callable[..., Path]) -> None:
    product_id = shop.admin().product(name="Mug", price=12.5, category="kitchen", stock=10)["productId"]
    line = {"productId": product_id, "name": "Cup", "category": "kitchen", "price": "12.50"}

    counts, _ = load(catalogue(line))

    assert counts == {"updated": 1}
    assert shop("GET", f"/products/{product_id}").body["name"] == "Cup"
