"""What the simulator's behaviour relies on in its books, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.payments.models import AttemptState
from chalicelib.payments.simulator import ledger
from chalicelib.payments.simulator.in_table import TableLedger
from chalicelib.payments.simulator.ledger import CallRow, Ledger, PaymentRow, RefundRow
from tests.support.payments import attempt, refund_of
from tools.payments.ledger import FileLedger


@pytest.fixture(params=["table", "file"])
def books(request: pytest.FixtureRequest, aws: None, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "table":
        yield TableLedger()
        return
    books = FileLedger(tmp_path / "books.sqlite3")
    yield books
    books.close()


def asked(effect: str = "captured") -> CallRow:
    return ledger.new_call("charge", "ord_1:1", 2500, "USD", effect=effect)


def opened(books: Ledger) -> PaymentRow:
    payment = ledger.new_payment(attempt(), "tok_success")
    assert books.open(payment, asked())
    return payment


def refunded(payment: PaymentRow) -> RefundRow:
    return ledger.new_refund(refund_of(attempt(), payment.payment_id), None)


def test_the_first_row_of_a_merchant_key_stays(books: Ledger) -> None:
    payment = opened(books)

    assert not books.open(payment.become(AttemptState.FAILED), asked())

    assert books.payment(payment.merchant_key) == payment
    assert books.payment("ord_none:1") is None


def test_of_two_changes_of_the_same_row_one_is_kept(books: Ledger) -> None:
    payment = opened(books)
    first, second = (payment.become(each) for each in (AttemptState.PARTIALLY_REFUNDED, AttemptState.REFUNDED))
    late = refunded(payment)

    assert books.change(payment, first, asked())
    assert not books.change(payment, second, asked(), late)

    assert books.payment(payment.merchant_key) == first
    assert books.refund(late.refund_id) is None


def test_a_refund_id_is_kept_once_and_its_second_use_changes_nothing(books: Ledger) -> None:
    payment = opened(books)
    row = refunded(payment)
    after = payment.less(row)
    assert books.note(asked(), row)

    assert not books.note(asked(), row)
    assert not books.change(payment, after, asked(), row)

    assert books.payment(payment.merchant_key) == payment
    assert books.refund(row.refund_id) == row
