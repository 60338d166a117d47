"""Money: exact at the edge, whole inside (M1)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import money
from chalicelib.errors import Invalid


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("19.99", "USD", 1999),
        ("0.00", "JPY", 0),
        ("5.00" + "0" * 50, "JPY", 5),
        ("500", "JPY", 500),
        ("1.250", "KWD", 1250),
        ("0", "EUR", 0),
        ("99999999.99", "USD", 9999999999),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency(amount: str, currency: str, minor: int) -> None:
    assert money.to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("1.005", "USD", "too_many_decimals"),
        ("0.5", "JPY", "too_many_decimals"),
        ("-0.01", "USD", "out_of_range"),
        ("100000000", "USD", "out_of_range"),
        ("1E+400", "USD", "out_of_range"),
        ("1", "XXX", "unknown_currency"),
        ("0." + "9" * 400, "USD", "too_many_decimals"),
        ("19.99" + "0" * 40 + "1", "USD", "too_many_decimals"),
        ("1E-1000050", "USD", "too_many_decimals"),
    ],
)
def test_an_impossible_amount_is_refused_with_its_reason(amount: str, currency: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        money.to_minor(Decimal(amount), currency)

    assert [fault.code for fault in refused.value.errors] == [code]


@given(minor=st.integers(0, 9_999_999_999), currency=st.sampled_from(["USD", "EUR", "KWD", "JPY"]))
def test_what_is_shown_reads_back_as_the_same_amount(minor: int, currency: str) -> None:
    shown = money.to_decimal(minor, currency)

    if shown <= money.LARGEST:
        assert money.to_minor(shown, currency) == minor


@pytest.mark.parametrize("value", ["19.99", True, 19.99, None])
def test_only_exact_json_numbers_are_amounts(value: object) -> None:
    with pytest.raises(TypeError):
        money.parse(value)
