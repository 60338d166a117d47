"""Stripe's own ways of counting money (docs.stripe.com/currencies)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import money
from chalicelib.payments.stripe.amounts import NotChargeable, from_stripe, to_stripe

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
    with pytest.raises(NotChargeable):
        to_stripe(minor, currency)


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
def test_an_amount_that_stripe_cannot_have_is_not_believed(currency: str) -> None:
    with pytest.raises(NotChargeable):
        from_stripe(550, currency)


@given(st.sampled_from(CURRENCIES), st.integers(min_value=1, max_value=10**12))
def test_every_amount_comes_back_or_is_refused(currency: str, minor: int) -> None:
    try:
        units = to_stripe(minor, currency)
    except NotChargeable:
        return

    assert from_stripe(units, currency) == minor
