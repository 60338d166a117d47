"""Coupons as the API shows them."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.core.schema import View
from chalicelib.coupons.models import Coupon
from chalicelib.coupons.schemas import CouponKind


class CouponView(View, frozen=True, kw_only=True):
    """A coupon as admins see it; `uses` are those of orders that are paid or may still be."""

    code: str
    kind: CouponKind
    percent: Decimal | None
    amount: Decimal | None
    currency: str | None
    minimum_subtotal: Decimal | None
    valid_from: str | None
    valid_until: str | None
    total_limit: int | None
    per_user_limit: int | None
    is_active: bool
    uses: int
    created_at: str
    updated_at: str


class DiscountedCartView(View, frozen=True, kw_only=True):
    """What the cart would cost with a coupon, before shipping and tax, which depend on the address."""

    coupon_code: str
    item_count: int
    subtotal: Decimal
    discount: Decimal
    total_amount: Decimal
    currency: str


def coupon_view(coupon: Coupon) -> CouponView:
    """What an admin sees of a coupon."""
    return CouponView.of(coupon, **coupon.decimals())
