"""Coupons as values: their terms, and what stands in the way of using one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from chalicelib.core import clock, instants, money
from chalicelib.core.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed, Unprocessable
from chalicelib.core.money import Amount
from chalicelib.core.principal import Principal
from chalicelib.core.reading import unpadded
from chalicelib.core.versioned import Versioned
from chalicelib.coupons.schemas import CouponChange, CouponKind, NewCoupon, Terms

_NOTHING = Amount(0)
_CODE = re.compile(r"[A-Z0-9_-]{3,32}")


class Reason(StrEnum):
    """Why a code takes nothing off."""

    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    CURRENCY = "currency"
    MINIMUM_NOT_REACHED = "minimum_not_reached"
    EXHAUSTED = "exhausted"
    PER_USER_LIMIT = "per_user_limit"


_DETAILS = {
    Reason.UNKNOWN: "There is no such coupon.",
    Reason.INACTIVE: "This coupon is switched off.",
    Reason.NOT_STARTED: "This coupon is not valid yet.",
    Reason.EXPIRED: "This coupon is no longer valid.",
    Reason.CURRENCY: "This coupon is for orders in another currency.",
    Reason.MINIMUM_NOT_REACHED: "This order is too small for the coupon.",
    Reason.PER_USER_LIMIT: "You have used this coupon as often as you may.",
}


class NoSuchCoupon(NotFound):
    """No coupon has that code."""

    code = "coupon_not_found"


class CouponExists(Conflict):
    """The code was given to a coupon once, which may have been deleted since."""

    code = "coupon_exists"


class CouponChanged(PreconditionFailed):
    """The coupon is not what the caller's If-Match says."""

    code = "coupon_changed"


class CouponExhausted(Conflict):
    """The coupon was used as often as it may be, by whomever."""

    code = "coupon_exhausted"


class CouponInvalid(Unprocessable):
    """The code takes nothing off this order; `reason` says why."""

    code = "coupon_invalid"


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Who presents a code: a user or, by their address on the network, a guest."""

    user_id: str | None
    name: str
    is_admin: bool

    @classmethod
    def of(cls, principal: Principal | None, *, source: str = "") -> Bearer:
        """The bearer behind a request."""
        if principal is None:
            return cls(user_id=None, name=f"ip {source}", is_admin=False)
        return cls(user_id=principal.user_id, name=principal.user_id, is_admin=principal.is_admin)


class Coupon(msgspec.Struct, Versioned, frozen=True, kw_only=True, rename="camel"):
    """A coupon as stored: `amount` and `minimum_subtotal` in minor units of `currency`.

    `version` counts changes of the terms, never uses, so that buyers do not get into each other's way.
    """

    noun: ClassVar[str] = "coupon"
    changed_error: ClassVar[type[PreconditionFailed]] = CouponChanged

    code: str
    kind: CouponKind
    basis_points: int | None = None
    amount: int | None = None
    currency: str | None = None
    minimum_subtotal: int = 0
    valid_from: str | None = None
    valid_until: str | None = None
    total_limit: int | None = None
    per_user_limit: int | None = None
    is_active: bool
    is_deleted: bool = False
    uses: int = 0
    version: int
    created_at: str
    updated_at: str

    @classmethod
    def create(cls, new: NewCoupon) -> Coupon:
        """A new coupon, or `Invalid` with every term that does not go with the others."""
        now = clock.timestamp()
        return cls(code=fold(new.code), **_stored(new), version=1, created_at=now, updated_at=now)

    def changed(self, change: CouponChange) -> Coupon:
        """The coupon under other terms, or the same one if they are no others."""
        terms = _stored(msgspec.structs.replace(self._terms(), **change.given()))
        if all(getattr(self, name) == value for name, value in terms.items()):
            return self
        return self._next(**terms)

    def deleted(self) -> Coupon:
        """What stays of a coupon that is no longer to be used: a code that orders can still point to."""
        return self._next(is_active=False, is_deleted=True)

    def obstacle(self, subtotal: int, currency: str, *, used: int) -> Reason | None:
        """Why an order of that much cannot have the coupon now, by somebody who has used it so often; None if it can.

        What costs nothing has any currency.
        """
        now = clock.timestamp()
        holds = {
            Reason.INACTIVE: self.is_active,
            Reason.NOT_STARTED: self.valid_from is None or self.valid_from <= now,
            Reason.EXPIRED: self.valid_until is None or now < self.valid_until,
            Reason.CURRENCY: self.currency in (None, currency) or not subtotal,
            Reason.MINIMUM_NOT_REACHED: subtotal >= self.minimum_subtotal,
            Reason.EXHAUSTED: self.total_limit is None or self.uses < self.total_limit,
            Reason.PER_USER_LIMIT: self.per_user_limit is None or used < self.per_user_limit,
        }
        return next((reason for reason, fine in holds.items() if not fine), None)

    def discount_on(self, subtotal: int) -> int:
        """What it takes off, in minor units; never more than there is."""
        if self.basis_points is not None:
            return money.share(subtotal, self.basis_points, money.WHOLE)
        return min(self.amount or 0, subtotal)

    def decimals(self) -> dict[str, Decimal | None]:
        """The numbers among the terms as they are shown; a minimum of nothing is none."""
        amounts = {"amount": self.amount, "minimum_subtotal": self.minimum_subtotal}
        return {
            "percent": None if self.basis_points is None else money.from_basis_points(self.basis_points),
            **{name: self._decimal(minor) for name, minor in amounts.items()},
        }

    def _terms(self) -> Terms:
        """The terms in the form that they are given in."""
        shown = {name: getattr(self, name) for name in Terms.__struct_fields__ if name in self.__struct_fields__}
        decimals = {name: None if value is None else Amount(value) for name, value in self.decimals().items()}
        return Terms(**{**shown, **decimals})

    def _decimal(self, minor: int | None) -> Decimal | None:
        return money.to_decimal(minor, self.currency) if minor and self.currency else None

    def _next(self, **changes: Any) -> Coupon:
        return msgspec.structs.replace(self, **changes, version=self.version + 1, updated_at=clock.timestamp())


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """A code in somebody's hand: the coupon if there is one, how often they used it, and how many wrong codes ago."""

    by: Bearer
    coupon: Coupon | None
    used: int
    may_guess: bool  # have they not tried too many wrong codes?

    def obstacle(self, subtotal: int, currency: str) -> Reason | None:
        """Why an order of that much cannot have it now, None if it can."""
        if self.coupon is None:
            return Reason.UNKNOWN
        return self.coupon.obstacle(subtotal, currency, used=self.used)

    def refusal(self, obstacle: Reason) -> CouponExhausted | CouponInvalid:
        """The error of an obstacle. To customers, what is switched off is as unknown as what never was."""
        if obstacle is Reason.EXHAUSTED:
            return CouponExhausted("This coupon has been used as often as it may be.")
        hidden = obstacle is Reason.INACTIVE and not self.by.is_admin
        reason = Reason.UNKNOWN if hidden else obstacle
        facts: dict[str, Any] = {"reason": reason}
        if self.coupon and reason is Reason.MINIMUM_NOT_REACHED:
            facts |= {"minimumSubtotal": self.coupon.decimals()["minimum_subtotal"], "currency": self.coupon.currency}
        return CouponInvalid(_DETAILS[reason], facts=facts)


def fold(code: str) -> str:
    """The one spelling under which a code is stored and compared: letter case does not matter."""
    return unpadded(code).upper()


def is_code(text: str) -> bool:
    """Can a coupon have this code? Spares the table a look-up for one that cannot exist."""
    return _CODE.fullmatch(text) is not None


def _stored(terms: Terms) -> dict[str, Any]:
    """Terms as fields of a coupon, amounts in minor units."""
    faults = tuple(_faults(terms))
    if faults:
        raise Invalid("These terms do not go together.", errors=faults)
    taken = {name: getattr(terms, name) for name in ("kind", "currency", "total_limit", "per_user_limit", "is_active")}
    return {
        **taken,
        "basis_points": money.to_basis_points(terms.percent) if terms.percent is not None else None,
        "amount": _minor(terms.amount, terms.currency, "amount"),
        "minimum_subtotal": _minor(terms.minimum_subtotal or _NOTHING, terms.currency, "minimumSubtotal") or 0,
        "valid_from": _instant(terms.valid_from, "validFrom"),
        "valid_until": _instant(terms.valid_until, "validUntil"),
    }


def _faults(terms: Terms) -> Iterator[FieldError]:
    """Terms that are missing or do not go with the others."""
    mine, other = ("percent", "amount") if terms.kind is CouponKind.PERCENTAGE else ("amount", "percent")
    if not getattr(terms, mine):
        yield FieldError(mine, "required", f"A {terms.kind} coupon needs its {mine}, more than 0.")
    if getattr(terms, other) is not None:
        yield FieldError(other, "not_applicable", f"A {terms.kind} coupon has no {other}.")
    if terms.currency is None and (terms.amount or terms.minimum_subtotal):
        yield FieldError("currency", "required", "Money needs its currency.")
    start, end = _instant(terms.valid_from, "validFrom"), _instant(terms.valid_until, "validUntil")
    if start and end and start >= end:
        yield FieldError("validUntil", "out_of_range", "Must be after validFrom.")


def _minor(amount: Decimal | None, currency: str | None, field: str) -> int | None:
    return None if amount is None or currency is None else money.to_minor(amount, currency, field=field)


def _instant(text: str | None, field: str) -> str | None:
    return None if text is None else instants.read(text, field)
