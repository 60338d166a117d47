"""What the simulator's behaviour relies on in its books, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.payments import simulated
from chalicelib.payments.models import AttemptState
from chalicelib.payments.simulated import Asked, GivenBack, Ledger, Payment
from chalicelib.payments.simulator import TableLedger
from tests.integration.payments import attempt, refund_of
from tools.payments.ledger import FileLedger


@pytest.fixture(params=["table", "file"])
def ledger(request: pytest.FixtureRequest, aws: None, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "table":
        yield TableLedger()
        return
    books = FileLedger(tmp_path / "books.sqlite3")
    yield books
    books.close()


def asked(effect: str = "captured") -> Asked:
    return simulated.asked("charge", "ord_1:1", 2500, "USD", effect=effect)


def opened(ledger: Ledger) -> Payment:
    payment = simulated.opened(attempt(), "tok_success")
    assert ledger.open(payment, asked())
    return payment


def refunded(payment: Payment) -> GivenBack:
    return simulated.given_back(refund_of(attempt(), payment.payment_id), None)


def test_the_first_row_of_a_merchant_key_stays(ledger: Ledger) -> None:
    payment = opened(ledger)

    assert not ledger.open(payment.become(AttemptState.FAILED), asked())

    assert ledger.payment(payment.merchant_key) == payment
    assert ledger.payment("ord_none:1") is None


def test_of_two_changes_of_the_same_row_one_is_kept(ledger: Ledger) -> None:
    payment = opened(ledger)
    first, second = (payment.become(AttemptState.PARTIALLY_REFUNDED, refunded=each) for each in (1000, 2000))
    late = refunded(payment)

    assert ledger.change(payment, first, asked())
    assert not ledger.change(payment, second, asked(), late)

    assert ledger.payment(payment.merchant_key) == first
    assert ledger.refund(late.refund_id) is None


def test_a_refund_id_is_kept_once_and_its_second_use_changes_nothing(ledger: Ledger) -> None:
    payment = opened(ledger)
    row, after = refunded(payment), payment.become(AttemptState.REFUNDED, refunded=2500)
    assert ledger.note(asked(), row)

    assert not ledger.note(asked(), row)
    assert not ledger.change(payment, after, asked(), row)

    assert ledger.payment(payment.merchant_key) == payment
    assert ledger.refund(row.refund_id) == row
