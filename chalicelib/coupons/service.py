"""What can be done with coupons."""

from __future__ import annotations

from chalicelib.api.idempotency import Claim
from chalicelib.aws import db, rate_limits
from chalicelib.aws.rate_limits import Counter, LimitReached
from chalicelib.cart import service as cart
from chalicelib.cart.models import Owner
from chalicelib.core import log, money
from chalicelib.core.principal import Principal
from chalicelib.coupons import store
from chalicelib.coupons.models import Bearer, Coupon, NoSuchCoupon, Presented, Reason, fold
from chalicelib.coupons.schemas import CouponChange, NewCoupon
from chalicelib.coupons.views import CouponView, DiscountedCartView, coupon_view

_WRONG = (Reason.UNKNOWN, Reason.INACTIVE)


def create(new: NewCoupon, *, actor: Principal, claim: Claim) -> Coupon:
    """Make a coupon, or raise `CouponExists`."""
    coupon = Coupon.create(new)
    db.commit(store.create(coupon, actor=actor.user_id), *claim.record(coupon_view(coupon)))
    log.info("COUPON_CREATED", coupon=coupon.code)
    return coupon


def get(code: str) -> Coupon:
    """A coupon for an admin, or `NoSuchCoupon`."""
    coupon = store.get(fold(code))
    if coupon is None:
        raise NoSuchCoupon("There is no such coupon.")
    return coupon


def list_page(*, limit: int, after: str | None) -> tuple[list[CouponView], str | None]:
    """Coupons, newest first."""
    coupons, following = store.list_page(limit=limit, after=after)
    return [coupon_view(coupon) for coupon in coupons], following


def update(code: str, wanted: CouponChange, *, actor: Principal, if_match: str | None) -> Coupon:
    """Give a coupon other terms; orders that used it keep theirs."""

    def changed(before: Coupon) -> Coupon:
        before.require_match(if_match)
        return before.changed(wanted)

    coupon = db.change(
        lambda: get(code), changed, lambda before, after: [store.update(before, after, actor=actor.user_id)]
    )
    log.info("COUPON_CHANGED", coupon=coupon.code)
    return coupon


def delete(code: str, *, actor: Principal, if_match: str | None) -> None:
    """End a coupon for good; its code is not given out again."""

    def attempt() -> None:
        before = get(code)
        before.require_match(if_match)
        db.commit(store.update(before, before.deleted(), actor=actor.user_id))

    db.retry_on_conflict(attempt)
    log.info("COUPON_DELETED", coupon=fold(code))


def check(code: str, whose: Owner, by: Bearer) -> DiscountedCartView:
    """What the cart would cost with a coupon, without using it; errors as `accept`. Three round trips."""
    rate_limits.require_unknown(store.WRONG_CODE, by.name)
    priced = cart.get(whose)
    subtotal = money.to_minor(priced.total_amount, priced.currency, field="subtotal")
    coupon = accept(store.get_presented(fold(code), by), subtotal, priced.currency)
    discount = coupon.discount_on(subtotal)
    return DiscountedCartView(
        coupon_code=coupon.code,
        item_count=priced.item_count,
        subtotal=priced.total_amount,
        discount=money.to_decimal(discount, priced.currency),
        total_amount=money.to_decimal(subtotal - discount, priced.currency),
        currency=priced.currency,
    )


def accept(presented: Presented, subtotal: int, currency: str) -> Coupon:
    """The coupon that somebody presents, if an order of that much can have it now.

    Raises `CouponExhausted`, `CouponInvalid` with its reason, or `LimitReached` after too many wrong codes, right
    ones included, so that going on tells nothing. A code that is switched off is as unknown to customers as a made-up
    one.
    """
    if not presented.may_guess:
        raise _too_many(rate_limits.counter(store.WRONG_CODE, presented.by.name))
    obstacle = presented.obstacle(subtotal, currency)
    if presented.coupon and obstacle is None:
        return presented.coupon
    if obstacle in _WRONG:
        _count_wrong(presented.by)
    raise presented.refusal(obstacle or Reason.UNKNOWN)


def _count_wrong(by: Bearer) -> None:
    try:
        rate_limits.take(store.WRONG_CODE, by.name)
    except LimitReached as reached:
        raise _too_many(reached.counter) from None


def _too_many(counter: Counter) -> LimitReached:
    return LimitReached(counter, "Too many wrong coupon codes; try again later.")
