"""Stripe's own ways of counting money (docs.stripe.com/currencies)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import money
from chalicelib.payments.limits import AmountNotPayable
from chalicelib.payments.stripe.amounts import from_stripe, limits, to_stripe

CURRENCIES = sorted(money._EXPONENTS)


@pytest.mark.parametrize(
    ("currency", "minor", "units"),
    [
        ("USD", 1050, 1050), ("EUR", 1, 1), ("JPY", 500, 500), ("KRW", 500, 500), ("CLP", 990, 990),
        ("ISK", 5, 500), ("UGX", 5, 500), ("HUF", 1045, 1045), ("TWD", 80045, 80045), ("MGA", 2000, 20),
        ("KWD", 5120, 5120), ("BHD", 10, 10), ("JOD", 1230, 1230), ("OMR", 990, 990), ("TND", 1000, 1000),
    ],
)  # fmt: skip
def test_amounts_are_said_in_stripes_units(currency: str, minor: int, units: int) -> None:
    assert to_stripe(minor, currency) == units
    assert from_stripe(units, currency) == minor


@pytest.mark.parametrize(("currency", "minor"), [("KWD", 5124), ("BHD", 1), ("MGA", 2050), ("IQD", 1000), ("LYD", 10)])
def test_what_stripe_cannot_charge_is_refused_and_not_rounded(currency: str, minor: int) -> None:
    with pytest.raises(AmountNotPayable):
        to_stripe(minor, currency)


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
def test_an_amount_that_stripe_cannot_have_is_not_believed(currency: str) -> None:
    with pytest.raises(ValueError, match="550 is no amount"):
        from_stripe(550, currency)


@pytest.mark.fault("F19")
@pytest.mark.parametrize(
    ("currency", "least", "most"),
    [
        ("USD", 50, 99_999_999), ("EUR", 50, 99_999_999), ("GBP", 30, 99_999_999), ("JPY", 50, 99_999_999),
        ("CZK", 1500, 99_999_999), ("HUF", 17_500, 9_999_999_999), ("INR", 50, 999_999_999),
        ("ISK", 1, 999_999), ("MGA", 100, 9_999_999_900), ("KWD", 10, 99_999_990), ("CLP", 1, 99_999_999),
    ],
)  # fmt: skip
def test_what_stripe_takes_is_from_the_least_to_the_most_and_nothing_else(currency: str, least: int, most: int) -> None:
    known = limits(currency)

    for amount in (least, most):
        known.require_payable(amount)
    for amount in (least - 1, most + 1):
        with pytest.raises(AmountNotPayable):
            known.require_payable(amount)


@pytest.mark.fault("F19")
@given(st.sampled_from(CURRENCIES), st.integers(min_value=1, max_value=10**12))
def test_whatever_is_payable_can_be_said_to_stripe_in_as_many_digits_as_it_takes(currency: str, minor: int) -> None:
    try:
        limits(currency).require_payable(minor)
    except AmountNotPayable:
        return

    assert len(str(to_stripe(minor, currency))) <= (8 if limits(currency).most in (None, 99_999_999) else 12)


@given(st.sampled_from(CURRENCIES), st.integers(min_value=1, max_value=10**12))
def test_every_amount_comes_back_or_is_refused(currency: str, minor: int) -> None:
    try:
        units = to_stripe(minor, currency)
    except AmountNotPayable:
        return

    assert from_stripe(units, currency) == minor
