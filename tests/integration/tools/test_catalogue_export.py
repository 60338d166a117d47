"""Exporting a catalogue, and what the commands say when they cannot work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from moto import mock_aws

from chalicelib.aws import clients, db
from chalicelib.products import store as product_store
from tests.conftest import ROOT
from tests.integration.tools.test_catalogue_import import MUG, MUG_ID
from tests.support.ports import free_port
from tests.support.table import empty
from tools.catalogue import __main__ as command
from tools.testing.shop import Shop


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_an_export_read_into_an_empty_shop_exports_the_same(shop: Shop, tmp_path: Path, ending: str) -> None:
    first, second, source = tmp_path / f"first.{ending}", tmp_path / f"second.{ending}", tmp_path / "source.jsonl"
    yen = {**MUG, "sku": "A-9", "price": 500, "currency": "JPY", "isActive": False, "imageUrl": "https://example.com/9"}
    quoted = {**MUG, "sku": "MUG-2", "name": '"Quoted", é', "description": "Two\nlines\t", "price": "0.10"}
    source.write_text("".join(f"{json.dumps(product)}\n" for product in (MUG, yen, quoted)))
    admin = shop.admin()
    admin.product(name="Without SKU")
    admin.product(name="Of the API", sku="API-1")
    command.main(["import", str(source)])

    command.main(["export", str(first)])
    empty()
    imported = command.main(["import", str(first)])
    command.main(["export", str(second)])

    assert imported == 0
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_text().splitlines()) == (5 if ending == "jsonl" else 7)


def test_an_export_shows_the_units_that_are_left_and_is_sorted_by_sku(aws: None, tmp_path: Path) -> None:
    source, target = tmp_path / "source.jsonl", tmp_path / "target.jsonl"
    source.write_text("".join(f"{json.dumps({**MUG, 'sku': sku})}\n" for sku in ("MUG-2", "MUG-1")))
    command.main(["import", str(source)])
    db.commit(product_store.reserve(MUG_ID, 4, price=1250, currency="USD"))

    code = command.main(["export", str(target)])

    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert code == 0
    assert [line["sku"] for line in lines] == ["MUG-1", "MUG-2"]
    assert lines[0] == {**MUG, "stock": 6, "currency": "USD", "imageUrl": None, "isActive": True}


def test_an_export_read_into_the_same_shop_changes_nothing(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.csv"
    shop.admin().product(name="Of the API", sku="API-1")
    command.main(["export", str(path)])

    command.main(["import", str(path)])

    assert "= 0 loaded (0 created, 0 updated) + 1 unchanged + 0 faulty, besides 1 header" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["import", "missing.csv"], ["import", "a.xlsx"], ["export", "nowhere/a.csv"]])
def test_a_file_that_cannot_be_used_is_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(arguments)

    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_table_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clients.forget()
    with mock_aws():
        code = command.main(["export", str(tmp_path / "a.csv")])
    clients.forget()

    assert code == 2
    assert capsys.readouterr().err == "There is no table ecommerce-test in this account and region.\n"
    assert list(tmp_path.iterdir()) == []


def test_without_the_local_aws_it_says_how_to_start_it(tmp_path: Path) -> None:
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    run = subprocess.run(
        [sys.executable, "-m", "tools.catalogue", "export", str(tmp_path / "a.csv")],
        cwd=ROOT, env={**inherited, "CLOUD_PORT": str(port)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    expected = f"The local AWS does not answer at http://127.0.0.1:{port}; start it with `make run`.\n"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", expected)
