"""The sales of a day: figures reckoned by hand, told once, whatever becomes of the schedule (E4, M3)."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws import clients, db, keys
from chalicelib.core import clock, settings
from chalicelib.core.deadline import Deadline
from chalicelib.orders import store as order_store
from chalicelib.orders.states import Actor, OrderStatus
from chalicelib.reports import sales
from chalicelib.reports.figures import Summary
from tests.support import faults
from tests.support.emulator import emulated, saved
from tools.testing.shop import Shop

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
JSON, CSV = "reports/sales/2026-11-20.json", "reports/sales/2026-11-20.csv"


@pytest.fixture(autouse=True)
def _noon(aws: None) -> Iterator[None]:
    with clock.fixed(NOON):
        emulated().stream_shard = None  # nobody listens
        yield


def run(moment: datetime = NIGHT, *, actually: datetime | None = None, **more: Any) -> dict[str, int]:
    """A run for that instant, which may happen later."""
    with clock.fixed(actually or moment):
        return sales.run(at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **{"seconds": 60, **more})


def summary(day: date = DAY, **more: int) -> Summary:
    return sales.summarise(day, deadline=Deadline(60), **more)


def files() -> dict[str, bytes]:
    bucket = boto3.client("s3")
    found = bucket.list_objects_v2(Bucket=os.environ["BUCKET_NAME"]).get("Contents", [])
    return {
        each["Key"]: bucket.get_object(Bucket=os.environ["BUCKET_NAME"], Key=each["Key"])["Body"].read()
        for each in found
    }


def report(day: str = "2026-11-20") -> dict[str, Any] | None:
    return db.get(keys.sales_report(day), consistent=True)


def order(shop: Shop, *items: tuple[str, int], **more: Any) -> str:
    return str(shop.order(*items, **more).body["orderId"])


@pytest.fixture
def sold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A day with two currencies, a coupon, shipping and tax on top, refunds and what was never paid."""
    monkeypatch.setenv("SHIPPING_POLICY", "flat:5.00:USD,flat:500:JPY")
    monkeypatch.setenv("TAX_RATES", "*=10x")
    settings.current.cache_clear()
    root, ada = shop.admin(), shop.customer()
    mug = root.product(name="=Mug", price=12.5, stock=50)["productId"]
    pot = root.product(name="Pot", price=40, stock=50)["productId"]
    tea = root.product(name="Tea", price=1000, currency="JPY", stock=50)["productId"]
    root.coupon("TEN")
    order(ada, (mug, 4))
    order(ada, (mug, 2), (pot, 1), couponCode="TEN")
    order(ada, (tea, 3))
    given_back = order(ada, (pot, 1))
    ada("PUT", f"/orders/{given_back}/cancel")
    partly = order(ada, (mug, 1))
    root("POST", f"/orders/{partly}/refunds", {"amount": 3})
    order(ada, (mug, 9), token="tok_declined")
    with clock.fixed(NOON + timedelta(hours=12)):
        order(ada, (tea, 1))
    with clock.fixed(NOON - timedelta(hours=12, seconds=1)):
        order(ada.login(), (tea, 1))
    yield root
    settings.current.cache_clear()


def test_the_figures_are_those_reckoned_by_hand(sold: Shop) -> None:
    yen, dollars = summary().currencies

    assert (yen.currency, yen.placed, yen.paid, yen.units) == ("JPY", 1, 1, 3)
    assert (yen.gross, yen.discounts, yen.shipping, yen.tax, yen.total) == (3000, 0, 500, 350, 3850)
    # 4 mugs 50.00; 2 mugs and a pot 65.00 less 6.50; a pot 40.00; a mug 12.50; 5.00 to send each; 10 % on it all
    assert (dollars.placed, dollars.paid, dollars.cancelled, dollars.expired, dollars.units) == (5, 4, 2, 0, 9)
    assert (dollars.gross, dollars.discounts, dollars.shipping) == (16750, 650, 2000)
    assert (dollars.tax, dollars.tax_included, dollars.total) == (1810, 0, 19910)
    assert (dollars.refunded, dollars.average) == (4500 + 450 + 300, 4978)
    assert [(each.product_name, each.units, each.revenue) for each in dollars.by_units] == [
        ("=Mug", 7, 5500 + 2475 + 1375), ("Pot", 2, 3960 + 4400),
    ]  # fmt: skip


def test_the_files_say_so_in_decimals_and_no_cell_is_a_formula(sold: Shop) -> None:
    run()
    written = files()

    assert {JSON, CSV} < set(written)
    yen, dollars = json.loads(written[JSON])["currencies"]
    assert (dollars["gross"], dollars["average"], yen["total"]) == (167.5, 49.78, 3850)
    assert b'"gross":167.50' in written[JSON]
    rows = list(csv.DictReader(io.StringIO(written[CSV].decode())))
    assert [(row["currency"], row["list"], row["place"], row["total"]) for row in rows[-5:]] == [
        ("USD", "all", "", "199.10"), ("USD", "byUnits", "1", "93.50"), ("USD", "byUnits", "2", "83.60"),
        ("USD", "byRevenue", "1", "93.50"), ("USD", "byRevenue", "2", "83.60"),
    ]  # fmt: skip
    assert {row["productName"] for row in rows} == {"", "'=Mug", "Pot", "Tea"}


def test_the_day_has_an_item_with_the_same_figures(sold: Shop) -> None:
    run()
    item = report() or {}

    assert item["files"] == [JSON, CSV]
    assert [each["total"] for each in item["currencies"]] == [3850, 19910]
    assert item["expiresAt"] == int((NIGHT + timedelta(days=400)).timestamp())


def test_two_runs_and_one_five_hours_late_tell_a_day_once(sold: Shop) -> None:
    first = run()
    told, written = report(), files()

    assert first == {"written": 2, "failed": 0}  # and the order of the day before
    assert [run()["written"], run(actually=NIGHT + timedelta(hours=5))["written"]] == [0, 0]
    assert (report(), files()) == (told, written)


def test_a_run_that_comes_late_tells_the_day_of_its_instant(sold: Shop) -> None:
    run(actually=NIGHT + timedelta(hours=30))

    assert report()
    assert report("2026-11-21") is None


def test_a_missed_day_is_caught_up_with_and_one_without_orders_left_out(sold: Shop) -> None:
    assert run(NIGHT + timedelta(days=3))["written"] == 4  # the 19th to the 21st, and yesterday, which had none
    assert report("2026-11-22") is None
    assert (report("2026-11-23") or {})["currencies"] == []


def test_what_is_older_than_a_week_is_let_go(sold: Shop) -> None:
    run(NIGHT + timedelta(days=7))

    assert report() is None


def test_a_day_is_written_anew_only_when_that_is_asked_for(sold: Shop) -> None:
    run()
    first = report() or {}
    paid = sold("GET", "/orders?status=processing").body["orders"]
    (tea,) = [
        each["orderId"] for each in paid if each["createdAt"].startswith("2026-11-20") and each["currency"] == "JPY"
    ]
    sold("POST", f"/orders/{tea}/refunds", {})

    run()
    assert report() == first
    assert run(again=True) == {"written": 1, "failed": 0}
    assert [each["refunded"] for each in (report() or {})["currencies"]] == [3850, 5250]
    assert json.loads(files()[JSON])["currencies"][0]["refunded"] == 3850


def test_of_two_schedulers_at_once_one_tells_and_the_files_are_of_its_figures(
    sold: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, runs = sales._decide_draft, []

    def overtaken(*arguments: Any, **more: Any) -> Any:
        if not runs:
            runs.append({})
            sold("PUT", f"/orders/{sold('GET', '/orders?status=processing').body['orders'][-2]['orderId']}/cancel")
            runs[0] = run()
        return real(*arguments, **more)

    monkeypatch.setattr(sales, "_decide_draft", overtaken)
    monkeypatch.setattr(sales, "_missing_days", lambda yesterday: [yesterday])
    runs.append(run())

    assert [each["written"] for each in runs] == [1, 0]
    shown = json.loads(files()[JSON])["currencies"]
    assert [each["paid"] for each in shown] == [each["paid"] for each in (report() or {})["currencies"]]
    assert [round(each["refunded"] * 100) for each in shown][1] == (report() or {})["currencies"][1]["refunded"]


def test_an_order_that_moves_between_lists_while_they_are_read_counts_once(sold: Shop) -> None:
    moving = sold("GET", "/orders?status=processing&limit=100").body["orders"][1]["orderId"]
    moved: list[str] = []

    def fault(operation: str, request: dict[str, Any], go_on: Any) -> Any:
        answer = go_on()
        partition = request.get("ExpressionAttributeValues", {}).get(":pk", {}).get("S", "")
        if partition.startswith("STATUS#processing") and not moved:
            moved.append(moving)
            found = order_store.get_by_id(moving)
            assert found
            after = found.move(OrderStatus.SHIPPED, by=Actor.ADMIN, actor="test")
            db.commit(order_store.update(found, after, actor="test"))
        return answer

    with faults.injected(fault):
        counted = summary(page_size=2)

    assert moved
    assert [each.placed for each in counted.currencies] == [1, 5]


def test_a_stage_without_a_bucket_says_so_in_one_line(
    sold: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BUCKET_NAME")
    capsys.readouterr()

    assert run() == {"written": 0, "failed": 1}
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["event"]) == ("ERROR", "SALES_NOT_WRITTEN")
    assert "BUCKET_NAME" in line["message"]


def test_a_run_without_the_time_leaves_the_day_to_the_next(sold: Shop) -> None:
    assert run(seconds=-1) == {"written": 0, "failed": 1}
    assert report() is None

    assert run()["written"] == 2


class Bucket:
    """S3 with the same faults before it as DynamoDB."""

    def __init__(self, real: Any, fault: faults.Fault) -> None:
        self._real, self._fault = real, fault

    def __getattr__(self, operation: str) -> Any:
        return lambda **request: self._fault(operation, request, lambda: getattr(self._real, operation)(**request))


@pytest.mark.parametrize("after", [False, True])
def test_death_at_any_call_tells_the_day_once_and_the_files_agree(
    sold: Shop, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr(sales, "_missing_days", lambda yesterday: [] if report() else [yesterday])
    begin_again, calls, died = saved(), 0, True
    told: list[int] = []
    while died:
        calls, died = calls + 1, True
        begin_again()
        fault = faults.crash(calls, after=after)
        faulty = functools.partial(Bucket, clients.s3(), fault)
        with monkeypatch.context() as failing, faults.injected(fault), suppress(faults.Crash):
            failing.setattr(clients, "s3", faulty)
            run()
            died = False
        was_told = report() is not None
        told.append(was_told + run(actually=NIGHT + timedelta(hours=5))["written"])
        item = report() or {}
        assert [each["total"] for each in item["currencies"]] == [3850, 19910]
        assert json.loads(files()[JSON])["currencies"][1]["total"] == 199.1
        assert item["writtenAt"]

    assert set(told) == {1}
    assert calls > 12
