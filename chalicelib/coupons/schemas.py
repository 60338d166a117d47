"""What the routes about coupons take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.core.instants import Instant
from chalicelib.core.money import Amount, Currency
from chalicelib.core.reading import pasted
from chalicelib.core.schema import Schema

Code = Annotated[
    str, pasted(r"[A-Za-z0-9_-]{3,32}", hint="3 to 32 letters, digits, - and _; upper and lower case are the same")
]
Limit = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class CouponKind(StrEnum):
    """How a coupon says what it takes off."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"


class Terms(Schema, frozen=True, kw_only=True):
    """What a coupon takes off, when, and how often; whoever names money names its `currency`, too."""

    kind: CouponKind
    percent: Amount | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    minimum_subtotal: Amount | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    total_limit: Limit | None = None
    per_user_limit: Limit | None = None
    is_active: bool = True


class NewCoupon(Terms, frozen=True, kw_only=True):
    """The body of `POST /coupons`."""

    code: Code


class CouponChange(Schema, frozen=True, kw_only=True):
    """The body of `PATCH /coupons/{code}`: what is left out stays, null takes a term away."""

    kind: CouponKind | UnsetType = UNSET
    percent: Amount | UnsetType | None = UNSET
    amount: Amount | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    minimum_subtotal: Amount | UnsetType | None = UNSET
    valid_from: Instant | UnsetType | None = UNSET
    valid_until: Instant | UnsetType | None = UNSET
    total_limit: Limit | UnsetType | None = UNSET
    per_user_limit: Limit | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class CouponCheck(Schema, frozen=True, kw_only=True):
    """The body of `POST /cart/coupon`."""

    code: Code
