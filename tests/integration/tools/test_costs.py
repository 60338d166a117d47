"""What a request costs does not depend on how much is in the table; on dynoxide, which counts capacity exactly."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import catalogue, cost_units, route_costs
from bench.meter import Cost
from chalicelib.aws import clients, db
from chalicelib.core import settings
from chalicelib.products import search
from chalicelib.products import store as product_store
from tests.support import exact_engine
from tools import dynoxide
from tools.cost import units
from tools.cost.functions import runs_in_a_month
from tools.cost.units import Units
from tools.local.settings import PROJECT
from tools.refusal import Refusal

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

KILLED = """
import os, signal
from tools import dynoxide
from tools.cost import units
from tools.cost.units import Units
with dynoxide.running() as url:
    print(url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    exact_engine.require()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where filled catalogues lie for all of these tests."""
    return tmp_path_factory.mktemp("catalogues")


def test_every_request_costs_the_same_in_a_catalogue_of_twice_the_size(
    standard_time: None, tmp_path: Path, kept: Path
) -> None:
    with route_costs.engines([1_000, 2_000], tmp_path, kept=kept) as urls, route_costs.visitor() as (meter, shop):
        small, large = (route_costs.costs_at(url, meter, shop) for url in urls.values())

    assert small == large
    assert small["`GET /products`"] == Cost(("Query",), read=1.5, written=0)
    assert all(cost.read > 0 for cost in small.values())
    assert all(cost.written > 0 for name, cost in small.items() if "POST" in name or "PATCH" in name)


def test_what_a_month_is_computed_from_is_what_requests_take(
    standard_time: None, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (cost_units.ENVIRONMENT | {"PASSWORD_ROUNDS": "4"}).items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()

    with (
        route_costs.engines([cost_units.PRODUCTS], tmp_path, kept=kept) as urls,
        cost_units.watch(urls) as observer,
    ):
        found = cost_units.requests_at(observer, visitors=1)

    settings.current.cache_clear()
    on_file = units.measured().units
    assert {name: counted(each) for name, each in found.items() if each.runs} == {
        name: counted(each) for name, each in on_file.items() if name not in runs_in_a_month()
    }, "run `make cost-units`"


def counted(taken: Units) -> dict[str, float]:
    """What is the same at each measurement, without times and lengths."""
    return {name: getattr(taken, name) for name in ("calls", "reads", "writes", "mails", "events", "runs")}


def test_a_filled_file_holds_what_the_shop_itself_writes(tmp_path: Path) -> None:
    count, filled = 50, tmp_path / "filled.db"
    catalogue.fill(filled, count)
    engines = dynoxide.running(filled), dynoxide.running()

    with engines[0] as by_import, engines[1] as by_shop, route_costs.visitor() as (meter, _):
        meter.url = by_shop
        clients.dynamodb().create_table(**catalogue.table())
        for product in map(catalogue.product, range(count)):
            db.commit(*product_store.create(product, actor=catalogue.ACTOR))
            search.refresh(product.product_id)
        by_the_shop = [list(scan(index)) for index in (None, "GSI1", "GSI2")]
        meter.url = by_import

        assert [list(scan(index)) for index in (None, "GSI1", "GSI2")] == by_the_shop


def test_what_depends_on_the_size_is_named() -> None:
    fixed, grows = Cost(("Query",), 1.5, 0), [Cost(("Query",), 1.5, 0), Cost(("Query", "Query"), 3, 0)]
    costs = {1_000: {"cheap": fixed, "dear": grows[0]}, 100_000: {"cheap": fixed, "dear": grows[1]}}
    times = {"quick": [(1.0, 1.1), (5.0, 5.0), (1.0, 9.0)], "slow": [(1.0, 1.4), (1.0, 1.5), (9.0, 1.0)]}

    found = route_costs.faults(costs, times)

    assert found == ["dear: 1 | 1.5 | 0 becomes 2 | 3 | 0.", "slow: takes 1.40 times as long."]


def test_the_tables_are_written_between_their_marks(tmp_path: Path) -> None:
    document = tmp_path / "budgets.md"
    document.write_text("before\n<!-- costs:begin -->\nold\n<!-- costs:end -->\nafter\n")

    route_costs.rewrite(document, "new")

    assert document.read_text() == "before\n<!-- costs:begin -->\nnew\n<!-- costs:end -->\nafter\n"


def test_the_engine_ends_with_whoever_started_it_however_that_ends() -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=PROJECT, capture_output=True, text=True, check=False)

    port = int(killed.stdout.rpartition(":")[2])
    deadline = time.monotonic() + 60
    while dynoxide._answers(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert killed.returncode == -signal.SIGKILL
    assert not dynoxide._answers(port)


@pytest.mark.parametrize(
    ("machine", "path", "reason"), [("aarch64", "/usr/bin", "Linux on x64 only"), ("x86_64", "", "no npm")]
)
def test_where_the_engine_cannot_be_had_one_sentence_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, path: str, reason: str
) -> None:
    monkeypatch.setattr(dynoxide, "_KEPT", tmp_path / "dynoxide")
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setenv("PATH", path)

    with pytest.raises(Refusal, match=reason):
        dynoxide.binary()


def scan(index: str | None) -> Iterator[str]:
    """Every item of the table or an index, in an order that follows from the items."""
    request: dict[str, Any] = {"TableName": catalogue.table()["TableName"]}
    pages = clients.dynamodb().get_paginator("scan").paginate(**request, **({"IndexName": index} if index else {}))
    yield from sorted(repr(sorted(item.items())) for page in pages for item in page["Items"])
