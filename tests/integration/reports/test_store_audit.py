"""The store audit (S5): silent while all adds up, and precise where it does not."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.orders import store as order_store
from chalicelib.orders import sweep
from chalicelib.payments import port
from chalicelib.payments.models import AttemptState
from chalicelib.payments.simulator import in_table, ledger
from chalicelib.reports import audit
from chalicelib.reports.models import Drift
from tests.support.payments import attempt, refund_of
from tests.support.schedule import swept_after
from tools import audit as command
from tools.testing.shop import Shop


@pytest.fixture
def busy(shop: Shop, ada: Shop, mug: str) -> Shop:
    """A shop in which all kinds of things have happened to a mug, and what was in doubt is settled."""
    root = shop.login("root@example.com")
    root("POST", f"/products/{mug}/stock", {"delta": 20, "reason": "delivery"})
    tokens = ("tok_success", "tok_success", "tok_declined", "tok_timeout", "tok_timeout_before", "tok_requires_action")
    first, second, *_ = [ada.order((mug, 2), token=token).body["orderId"] for token in tokens]
    ada("PUT", f"/orders/{first}/cancel")
    root("POST", f"/orders/{second}/refunds", {"amount": 5})
    swept_after(3, 7, 20)
    root("DELETE", f"/products/{mug}")
    return root


def drifts(**_: Any) -> list[Drift]:
    return audit.run(seconds=60).drifts


def test_a_shop_in_which_all_adds_up_has_no_drift(busy: Shop) -> None:
    report = audit.run(seconds=60)

    assert (report.complete, report.products, report.orders, report.drifts) == (True, 1, 6, [])
    assert busy("GET", "/admin/audit").body["report"]["at"] == report.at


def test_units_that_nobody_accounts_for_are_told(busy: Shop, mug: str) -> None:
    present = db.get(keys.stock(mug), consistent=True) or {}
    db.commit(db.update(keys.stock(mug), "SET stock = stock + :one", {":one": 1}))

    (drift,) = drifts()

    assert (drift.kind, drift.subject) == ("stock", mug)
    assert drift.found == drift.expected + 1 == present["stock"] + 1


def test_an_order_that_the_provider_was_not_paid_for_is_told(ada: Shop, shop: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    db.commit(db.delete(keys.simulated_charge(f"{order}:1")))

    (drift,) = drifts()

    assert (drift.kind, drift.subject, drift.expected, drift.found) == ("payment", order, 1250, 0)


def test_a_refund_that_the_provider_did_not_make_is_told(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    ada("PUT", f"/orders/{order}/cancel")
    (row,) = db.query(db.TABLE, keys.refund(order, "").pk, prefix="REFUND#", limit=2).items
    db.commit(db.delete(keys.simulated_charge(row["refundId"])))

    (drift,) = drifts()

    assert (drift.kind, drift.subject, drift.expected, drift.found) == ("refund", order, 1250, 0)


def test_money_for_an_order_that_nobody_knows_is_told_once_and_until_somebody_has_looked(shop: Shop) -> None:
    order_id = "ord_01JD0000000000000000000000"
    paid = ledger.new_payment(attempt(order=order_id), "tok_authorized")
    back = ledger.new_refund(refund_of(attempt(order=order_id), paid.payment_id), None)
    declined = ledger.new_payment(attempt(order=f"{order_id[:-1]}1"), "tok_declined")
    messages = [ledger.payment_event(each) for each in (paid, paid.become(AttemptState.CAPTURED), declined)]
    db.commit(*(order_store.park(event) for event in (*messages, ledger.refund_event(back))))

    found = []
    for minutes in (1, 11, 25 * 60):
        with clock.fixed(clock.now() + timedelta(minutes=minutes)):
            found.append(sorted((each.kind, each.subject, each.found) for each in drifts()))
            sweep.run(seconds=60)

    told = [("unknown_payment", f"{order_id}:1", 2500), ("unknown_refund", back.refund_id, 2500)]
    assert found == [[], told, told]
    with clock.fixed(clock.now() + timedelta(minutes=26 * 60)):
        assert len(drifts()) == 2


def test_a_product_that_is_sold_while_the_audit_looks_is_not_judged(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sold = audit._live_units, []

    def sell_meanwhile(orders: Any) -> Any:
        units = real(orders)
        if not sold:
            sold.append(ada.order((mug, 1)).status)
        return units

    monkeypatch.setattr(audit, "_live_units", sell_meanwhile)
    report = audit.run(seconds=60)

    assert (sold, report.undecided, report.drifts) == ([201], 1, [])


@pytest.mark.parametrize(("silent", "unanswered"), [("look_up", 6), ("look_up_returns", 2)])
def test_a_provider_that_does_not_answer_is_not_taken_for_agreement(
    busy: Shop, capsys: pytest.CaptureFixture[str], silent: str, unanswered: int
) -> None:
    capsys.readouterr()

    with mock.patch.object(in_table.Simulator, silent, side_effect=port.NoAnswer):
        report = audit.run(seconds=60)

    assert (report.complete, report.unanswered, report.drifts) == (False, unanswered, [])
    shown = busy("GET", "/admin/audit").body["report"]
    assert (shown["complete"], shown["unanswered"]) == (False, unanswered)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line for line in lines if line.get("event") == "STORE_AUDIT_UNANSWERED"]
    assert [line["level"] for line in told] == ["ERROR"]
    assert [line["StoreAuditUnanswered"] for line in lines if "StoreAuditUnanswered" in line] == [unanswered]


def test_the_command_fails_with_a_sentence_when_the_provider_is_silent(
    busy: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with (
        mock.patch.object(in_table.Simulator, "look_up", side_effect=port.NoAnswer),
        mock.patch.object(command.stage, "enter"),
    ):
        code = command.main()

    said = capsys.readouterr()
    assert code == 1
    assert "left 6 questions unanswered" in said.err
    assert re.fullmatch(r"\d+ products, \d+ orders: 0 drift\.\n", said.out)


def test_an_audit_without_the_time_says_so(ada: Shop, mug: str) -> None:
    assert audit.run(seconds=-1).complete is False


def late(real: Any, *, orders: int) -> Any:
    """The judging of money, for which the time is over after so many orders."""
    asked = []

    def money(*said: Any) -> Any:
        asked.append(said)
        if len(asked) > orders:
            raise audit.OutOfTime
        return real(*said)

    return money


def test_an_audit_that_runs_out_of_time_keeps_what_it_has_found_and_the_next_goes_on_there(
    shop: Shop, ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = [ada.order((mug, 1)).body["orderId"] for _ in range(3)]
    for order in placed:
        db.commit(db.delete(keys.simulated_charge(f"{order}:1")))
    reports, real = [], audit._confirmed_money_drifts

    for _ in range(2):
        monkeypatch.setattr(audit, "_confirmed_money_drifts", late(real, orders=2))
        reports.append(audit.run(seconds=60))
    monkeypatch.setattr(audit, "_confirmed_money_drifts", real)
    reports.append(audit.run(seconds=60))

    subjects = [[drift.subject for drift in report.drifts] for report in reports]
    assert subjects == [placed[:2], [placed[2], placed[0]], [placed[1], placed[2], placed[0]]]
    assert [(each.complete, each.stopped_at) for each in reports] == [
        (False, placed[1]), (False, placed[0]), (True, None)
    ]  # fmt: skip
    assert reports[0].products == 1


def test_what_happens_to_an_order_while_the_audit_looks_is_no_drift(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        ada("PUT", f"/orders/{order}/cancel")
    real = audit._in_turn

    def refund_meanwhile(*said: Any) -> Any:
        swept_after(2)
        return real(*said)

    monkeypatch.setattr(audit, "_in_turn", refund_meanwhile)
    report = audit.run(seconds=60)

    assert ada("GET", f"/orders/{order}").body["paymentStatus"] == "refunded"
    assert (report.complete, report.drifts) == (True, [])


def test_a_refund_of_another_amount_at_the_provider_is_told(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    ada("PUT", f"/orders/{order}/cancel")
    (row,) = db.query(db.TABLE, keys.refund(order, "").pk, prefix="REFUND#", limit=2).items
    db.commit(db.update(keys.simulated_charge(row["refundId"]), "SET amount = :less", {":less": 100}))

    (drift,) = drifts()

    assert (drift.kind, drift.subject, drift.expected, drift.found) == ("refund", order, 1250, 100)


def test_an_order_whose_payment_is_in_doubt_is_not_judged(ada: Shop, mug: str) -> None:
    assert ada.order((mug, 1), token="tok_timeout").status == 202  # the provider has the money, and nobody knows

    assert drifts() == []


def test_an_order_that_the_lists_do_not_show_yet_is_no_drift_of_stock(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.order((mug, 1))
    real, looks = audit._live_units, []

    def behind(orders: Any) -> Any:
        looks.append(real(orders))
        return looks[-1] if len(looks) > 1 else {mug: 0}

    monkeypatch.setattr(audit, "_live_units", behind)

    assert drifts() == []
    assert len(looks) == 2
