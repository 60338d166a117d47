"""Money: exact at the edge, whole inside (M1)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import money
from chalicelib.core.errors import Invalid


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

    if shown <= money.MAX_AMOUNT:
        assert money.to_minor(shown, currency) == minor


@pytest.mark.parametrize("value", ["19.99", True, 19.99, None])
def test_only_exact_json_numbers_are_amounts(value: object) -> None:
    with pytest.raises(TypeError):
        money.parse(value)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (299, [4300, 1400, 2300], [161, 52, 86]),
        (299, [1000, 1000, 1000], [100, 100, 99]),
        (1, [1, 1], [1, 0]),
        (5, [0, 3, 0], [0, 5, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_an_amount_is_divided_by_largest_remainder_the_earlier_first(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert money.prorate(amount, weights) == parts


@given(amount=st.integers(0, 10**10), weights=st.lists(st.integers(0, 10**10), min_size=1, max_size=40))
def test_the_parts_add_up_and_none_is_a_unit_off_its_exact_share(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    if amount and not total:
        with pytest.raises(ValueError, match="weigh nothing"):
            money.prorate(amount, weights)
        return

    parts = money.prorate(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(part * total - amount * weight) < max(total, 1)
        assert weight or not part


@given(weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=40), data=st.data())
def test_no_part_of_what_the_weights_add_up_to_is_larger_than_its_weight(
    weights: list[int], data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(weights)))

    parts = money.prorate(amount, weights)

    assert all(part <= weight for part, weight in zip(parts, weights, strict=True))


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "rounded"),
    [(5, 1, 2, 3), (-5, 1, 2, -3), (4, 1, 3, 1), (-4, 1, 3, -1), (1999, 19, 100, 380), (0, 1, 7, 0), (7, 1, 1, 7)],
)
def test_a_share_is_rounded_half_away_from_zero(amount: int, numerator: int, denominator: int, rounded: int) -> None:
    assert money.share(amount, numerator, denominator) == rounded


@pytest.mark.parametrize(("percent", "points"), [("100", 10_000), ("12.5", 1250), ("0.01", 1), ("7.500", 750)])
def test_a_percentage_becomes_basis_points_and_back(percent: str, points: int) -> None:
    assert money.to_basis_points(Decimal(percent)) == points
    assert money.from_basis_points(points) == Decimal(percent)


@pytest.mark.parametrize(
    ("percent", "code"),
    [("0", "out_of_range"), ("-1", "out_of_range"), ("100.01", "out_of_range"), ("1.005", "too_many_decimals")],
)
def test_an_impossible_percentage_is_refused_with_its_reason(percent: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        money.to_basis_points(Decimal(percent))

    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("percent", code)]
