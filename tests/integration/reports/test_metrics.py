"""What the shop's people watch: metrics in the log, by exact sets of dimensions, told also when all is well."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import pytest

from chalicelib.core import clock, log
from chalicelib.core.errors import Unavailable
from chalicelib.payments.simulator import in_table
from tests.support.lines import metrics, values
from tests.support.schedule import swept_after
from tests.support.stream import deliver
from tools.testing.shop import Shop

Output = pytest.CaptureFixture[str]


def sets(line: dict[str, Any]) -> list[list[str]]:
    (described,) = line["_aws"]["CloudWatchMetrics"]
    return list(described["Dimensions"])


def silent(*_: object, **__: object) -> None:
    raise Unavailable("The table does not answer.")


@pytest.mark.usefixtures("standard_time")
def test_a_metric_is_counted_by_its_stage_alone_and_by_what_else_is_said(capsys: Output) -> None:
    log.metric("Plain", 2)
    log.metric("Told", Outcome="captured")
    log.metric("Amount", 12.5, "None", adds_up=False, Currency="EUR")

    out = capsys.readouterr().out
    (plain,), (told,), (amount,) = (metrics(out, name) for name in ("Plain", "Told", "Amount"))
    assert (plain["Plain"], sets(plain)) == (2, [["Stage"]])
    assert (told["Outcome"], sets(told)) == ("captured", [["Stage"], ["Stage", "Outcome"]])
    assert (amount["Amount"], sets(amount)) == (12.5, [["Stage", "Currency"]])
    assert {line["Stage"] for line in (plain, told, amount)} == {"test"}


def test_a_process_counts_its_start_once_for_each_function(shop: Shop, capsys: Output) -> None:
    log._count_start.cache_clear()

    shop("GET", "/hello")
    shop("GET", "/hello")
    log.begin_invocation("check_store", "an id")
    log.begin_authorization()
    log.begin_authorization()

    started = metrics(capsys.readouterr().out, "ColdStart")
    assert [line["Function"] for line in started] == ["api_handler", "check_store", "authorize"]
    assert sets(started[0]) == [["Stage"], ["Stage", "Function"]]


def test_each_checkout_tells_how_long_it_took_also_one_that_is_refused(ada: Shop, mug: str, capsys: Output) -> None:
    with mock.patch.object(clock, "monotonic", side_effect=itertools.count(1000.0)):
        ada.order((mug, 1)).expect(201)
        assert ada.order((mug, 99)).status == 409

    took = metrics(capsys.readouterr().out, "CheckoutLatency")
    assert len(took) == 2
    assert all(line["CheckoutLatency"] >= 1000 for line in took)
    assert took[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "CheckoutLatency", "Unit": "Milliseconds"}]


def test_revenue_is_counted_by_currency_once_the_money_has_come(
    shop: Shop, ada: Shop, mug: str, capsys: Output
) -> None:
    yen = shop.admin("second@example.com").product(name="Tea", price=300, currency="JPY", stock=9)["productId"]
    ada.order((mug, 2)).expect(201)
    ada.order((yen, 1)).expect(201)
    ada.order((mug, 1), token="tok_timeout").expect(202)
    capsys.readouterr()

    deliver(shop)
    deliver(shop)  # the same records once more

    found = metrics(capsys.readouterr().out, "Revenue")
    assert sorted((line["Currency"], line["Revenue"]) for line in found) == [("JPY", 300.0), ("USD", 25.0)]
    assert {tuple(map(tuple, sets(line))) for line in found} == {(("Stage", "Currency"),)}


def test_what_goes_back_is_counted_by_currency_too(shop: Shop, ada: Shop, mug: str, capsys: Output) -> None:
    order = ada.order((mug, 2)).expect(201)["orderId"]
    ada("PUT", f"/orders/{order}/cancel").expect(200)
    capsys.readouterr()

    deliver(shop)

    (line,) = metrics(capsys.readouterr().out, "RefundedAmount")
    assert (line["Currency"], line["RefundedAmount"]) == ("USD", 25.0)


def test_a_stock_that_gets_low_is_counted(shop: Shop, ada: Shop, mug: str, capsys: Output) -> None:
    ada.order((mug, 5)).expect(201)
    ada.order((mug, 1)).expect(201)

    deliver(shop)

    assert values(capsys.readouterr().out, "LowStock") == [1]


def test_payments_in_doubt_are_told_with_the_age_of_the_oldest_until_there_are_none(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    ada.order((mug, 1)).expect(201)
    ada.order((mug, 1), token="tok_timeout").expect(202)
    with monkeypatch.context() as patched:
        patched.setattr(in_table.Simulator, "look_up", silent)
        swept_after(5)
    doubtful = capsys.readouterr().out

    swept_after(90)

    (age,) = values(doubtful, "PaymentInDoubtAge")
    assert (values(doubtful, "PaymentInDoubt"), round(age)) == ([1], 300)
    settled = capsys.readouterr().out
    assert (values(settled, "PaymentInDoubt"), values(settled, "PaymentInDoubtAge")) == ([0], [0])


def test_an_order_that_waits_for_its_buyer_is_not_in_doubt(ada: Shop, mug: str, capsys: Output) -> None:
    ada.order((mug, 1), token="tok_requires_action").expect(202)

    swept_after(5)

    assert values(capsys.readouterr().out, "PaymentInDoubt") == [0]


def test_an_order_that_cannot_be_settled_is_in_doubt_as_well(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    ada.order((mug, 1), token="tok_timeout").expect(202)
    monkeypatch.setattr("chalicelib.orders.reconcile.reconcile_if_due", silent)

    swept_after(5)

    assert values(capsys.readouterr().out, "PaymentInDoubt") == [1]
