"""A coupon's terms: which go together, what they take off, and what stands in the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import clock, schema
from chalicelib.core.errors import Invalid
from chalicelib.coupons.models import Bearer, Coupon, Presented, Reason
from chalicelib.coupons.schemas import CouponChange, NewCoupon

pytestmark = pytest.mark.usefixtures("standard_time")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CUSTOMER = Bearer(user_id="usr_1", name="usr_1", is_admin=False)


def coupon(**terms: Any) -> Coupon:
    kind = {} if "kind" in terms else {"kind": "percentage", "percent": 10}
    return Coupon.create(schema.decode(json.dumps({"code": "Spring-26", **kind, **terms}), NewCoupon))


def change(**terms: Any) -> CouponChange:
    return schema.decode(json.dumps(terms), CouponChange)


def test_a_code_is_the_same_in_upper_and_lower_case() -> None:
    assert coupon().code == "SPRING-26"


@pytest.mark.parametrize("code", ["AB", "A" * 33, "SPRING 26", "SPRING#26", "FRÜHLING", "", "A\nBC"])
def test_a_code_is_letters_digits_and_dashes(code: str) -> None:
    with pytest.raises(Invalid) as refused:
        coupon(code=code)

    assert [fault.field for fault in refused.value.errors] == ["code"]


@pytest.mark.parametrize(
    ("terms", "faults"),
    [
        ({"kind": "percentage"}, {("percent", "required")}),
        ({"kind": "percentage", "percent": 0}, {("percent", "required")}),
        ({"kind": "percentage", "percent": 101}, {("percent", "out_of_range")}),
        ({"kind": "percentage", "percent": 1.005}, {("percent", "too_many_decimals")}),
        ({"kind": "percentage", "percent": 5, "amount": 5, "currency": "USD"}, {("amount", "not_applicable")}),
        ({"kind": "fixed"}, {("amount", "required")}),
        ({"kind": "fixed", "amount": 5}, {("currency", "required")}),
        ({"kind": "fixed", "amount": 5, "currency": "USD", "percent": 5}, {("percent", "not_applicable")}),
        ({"kind": "fixed", "amount": 0.5, "currency": "JPY"}, {("amount", "too_many_decimals")}),
        ({"kind": "fixed", "amount": 5, "currency": "XXX"}, {("currency", "unknown_currency")}),
        ({"minimumSubtotal": 50}, {("currency", "required")}),
        ({"currency": "XXX"}, {("currency", "unknown_currency")}),
        ({"validFrom": "2026-02-30T00:00:00Z"}, {("validFrom", "invalid_value")}),
        ({"validFrom": "2026-12-01"}, {("validFrom", "invalid_value")}),
        (
            {"validFrom": "2026-12-01T00:00:00.000Z", "validUntil": "2026-12-01T00:00:00Z"},
            {("validUntil", "out_of_range")},
        ),
        ({"totalLimit": 0}, {("totalLimit", "out_of_range")}),
        ({"uses": 3}, {("uses", "unknown_field")}),
    ],
)
def test_terms_that_do_not_go_together_are_named(terms: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    with pytest.raises(Invalid) as refused:
        coupon(**terms)

    assert {(fault.field, fault.code) for fault in refused.value.errors} == faults


def test_times_are_kept_in_one_spelling() -> None:
    made = coupon(validFrom="2026-12-01T00:00:00Z", validUntil="2026-12-01T00:00:00.5Z")

    assert (made.valid_from, made.valid_until) == ("2026-12-01T00:00:00.000Z", "2026-12-01T00:00:00.500Z")


@pytest.mark.parametrize(
    ("terms", "subtotal", "discount"),
    [
        ({"kind": "percentage", "percent": 12.5}, 1000, 125),
        ({"kind": "percentage", "percent": 50}, 1, 1),
        ({"kind": "percentage", "percent": 100}, 999, 999),
        ({"kind": "fixed", "amount": 5, "currency": "USD"}, 1000, 500),
        ({"kind": "fixed", "amount": 5, "currency": "USD"}, 300, 300),
        ({"kind": "fixed", "amount": 5, "currency": "JPY"}, 300, 5),
    ],
)
def test_a_coupon_takes_its_part_and_never_more_than_there_is(
    terms: dict[str, Any], subtotal: int, discount: int
) -> None:
    assert coupon(**terms).discount_on(subtotal) == discount


@given(points=st.integers(1, 10_000), subtotal=st.integers(0, 10**10))
def test_no_percentage_takes_more_than_all_or_less_than_nothing(points: int, subtotal: int) -> None:
    assert 0 <= coupon(percent=points / 100).discount_on(subtotal) <= subtotal


@pytest.mark.parametrize(
    ("terms", "obstacle"),
    [
        ({}, None),
        ({"isActive": False}, Reason.INACTIVE),
        ({"validFrom": "2026-11-21T12:00:00.001Z"}, Reason.NOT_STARTED),
        ({"validFrom": "2026-11-21T12:00:00Z"}, None),
        ({"validUntil": "2026-11-21T12:00:00Z"}, Reason.EXPIRED),
        ({"validUntil": "2026-11-21T12:00:00.001Z"}, None),
        ({"currency": "EUR"}, Reason.CURRENCY),
        ({"currency": "USD", "minimumSubtotal": 10.01}, Reason.MINIMUM_NOT_REACHED),
        ({"currency": "USD", "minimumSubtotal": 10}, None),
        ({"perUserLimit": 2}, Reason.PER_USER_LIMIT),
        ({"perUserLimit": 3}, None),
    ],
)
def test_an_obstacle_is_told_by_the_clock_and_the_order(terms: dict[str, Any], obstacle: Reason | None) -> None:
    with clock.fixed(NOON):
        assert coupon(**terms).obstacle(1000, "USD", used=2) is obstacle


def test_a_switched_off_coupon_looks_to_customers_like_none_and_not_to_admins() -> None:
    off = coupon(isActive=False)
    admin = Bearer(user_id="usr_2", name="usr_2", is_admin=True)

    refusals = [
        Presented(by=by, coupon=known, used=0, may_guess=True).refusal(reason)
        for by, known, reason in (
            (CUSTOMER, off, Reason.INACTIVE),
            (CUSTOMER, None, Reason.UNKNOWN),
            (admin, off, Reason.INACTIVE),
        )
    ]

    assert [(str(refusal), refusal.facts) for refusal in refusals[:2]] == [(str(refusals[1]), refusals[1].facts)] * 2
    assert refusals[2].facts == {"reason": "inactive"}


def test_a_change_keeps_what_it_does_not_name_and_null_takes_a_term_away() -> None:
    before = coupon(totalLimit=5, perUserLimit=1, validUntil="2027-01-01T00:00:00Z")

    after = before.changed(change(totalLimit=7, perUserLimit=None))

    assert (after.total_limit, after.per_user_limit, after.valid_until) == (7, None, before.valid_until)
    assert (after.basis_points, after.version) == (1000, 2)


def test_a_change_to_what_is_already_so_is_none() -> None:
    before = coupon(currency="USD", minimumSubtotal=20, validUntil="2027-01-01T00:00:00Z")

    assert before.changed(change(percent=10, minimumSubtotal=20.0, validUntil="2027-01-01T00:00:00.0Z")) is before
    assert before.changed(change()) is before


def test_a_change_must_leave_terms_that_go_together() -> None:
    with pytest.raises(Invalid) as refused:
        coupon().changed(change(kind="fixed"))

    assert {fault.field for fault in refused.value.errors} == {"amount", "percent"}
    fixed = coupon().changed(change(kind="fixed", percent=None, amount=5, currency="USD"))
    assert (fixed.amount, fixed.basis_points) == (500, None)
