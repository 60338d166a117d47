"""Which routes are limited, by whom it is counted, and what an answer says of it; beside the permission matrix.

How often is a quota of the stage (chalicelib/core/quotas.py). A request counts when its caller is let in and its body
can be read. Where the table does not answer while it is counted, the request ends as it would at any other call: 503.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.api import caching
from chalicelib.api.idempotency import InProgress
from chalicelib.aws import rate_limits
from chalicelib.aws.rate_limits import Counter, LimitReached, Use
from chalicelib.core import log
from chalicelib.core.errors import ShopError, Unavailable
from chalicelib.core.principal import Principal
from chalicelib.core.quotas import Quota

HEADERS = ("Retry-After", "RateLimit-Policy", "RateLimit")  # of a 429


class By(StrEnum):
    """Whose uses are counted together."""

    ADDRESS = "address"  # on the network
    CALLER = "caller"  # a user, or the address of who has not signed in
    GUEST = "guest"  # the address of who has not signed in; users are not counted
    USER = "user"  # whom the request is about


class Moment(StrEnum):
    """When a use is counted."""

    BEFORE = "before"  # the work begins
    ALONG = "along"  # with the work's own transaction, or when the work fails; `Call.use` has to be handed on
    WITHIN = "within"  # by the work itself, when that happens which is limited


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of routes, by the name of its quota."""

    name: str
    by: By
    counted: Moment = Moment.BEFORE
    applies: Callable[[Any], bool] = lambda _query: True


LOGIN = Limit("login", By.ADDRESS)  # before the failures of an account are counted, or refusals would make it wait
REGISTER = Limit("register", By.ADDRESS)
EMAIL_TAKEN = Limit("email_taken", By.ADDRESS, Moment.WITHIN)
FORGOT = Limit("forgot", By.ADDRESS)
RESET = Limit("reset", By.ADDRESS)
VERIFY = Limit("verify", By.ADDRESS)
PASSWORD = Limit("password", By.CALLER)
EMAIL_CHANGE = Limit("email_change", By.USER, Moment.WITHIN)
SEARCH = Limit("search", By.ADDRESS, applies=lambda query: bool(query.q))
COUPON = Limit("coupon", By.CALLER)
WRONG_COUPON = Limit("wrong_coupon", By.CALLER, Moment.WITHIN)
GUEST_CART = Limit("guest_cart", By.GUEST)
NEW_GUEST_LINE = Limit("guest_cart", By.GUEST, Moment.ALONG)
ORDER = Limit("order", By.CALLER, Moment.ALONG)

# An admin's search is not limited: who may change every product need not be kept from finding it. Nobody's is in a
# stage whose gateway keeps what it finds, for it would keep the 429 for everybody as well.
ROUTES: dict[tuple[str, str], tuple[Limit, ...]] = {
    ("POST", "/auth/register"): (REGISTER, EMAIL_TAKEN),
    ("POST", "/auth/login"): (LOGIN,),
    ("POST", "/sessions"): (LOGIN,),
    ("POST", "/auth/password/forgot"): (FORGOT,),
    ("POST", "/auth/password/reset"): (RESET,),
    ("POST", "/auth/verify"): (VERIFY,),
    ("PUT", "/users/password"): (PASSWORD,),
    ("PUT", "/users/profile"): (EMAIL_CHANGE,),
    ("PUT", "/users/{user_id}"): (EMAIL_CHANGE,),
    ("PATCH", "/users/{user_id}"): (EMAIL_CHANGE,),
    ("GET", "/products"): (SEARCH,),
    ("GET", "/products/category/{category}"): (SEARCH,),
    ("DELETE", "/cart"): (GUEST_CART,),
    ("POST", "/cart/items"): (NEW_GUEST_LINE,),
    ("PUT", "/cart/items/{item_id}"): (GUEST_CART,),
    ("DELETE", "/cart/items/{item_id}"): (GUEST_CART,),
    ("POST", "/cart/coupon"): (COUPON, WRONG_COUPON),
    ("POST", "/orders"): (ORDER, WRONG_COUPON),
}


@dataclass(slots=True)
class Limited:
    """What a request is to use of its limits, and what of that it has used."""

    before: tuple[Counter, ...] = ()
    along: Counter | None = None
    use: Use = rate_limits.UNLIMITED
    taken: tuple[Counter, ...] = ()

    def begin(self) -> Use:
        """Count what is to be counted before the work, or raise `LimitReached`; gives what the work is to count."""
        for each in self.before:
            rate_limits.memory.take(each)
            self.taken += (each,)
        self.use = Use(self.along)
        return self.use

    def give_back(self) -> None:
        """Let a request that repeats an earlier one have used nothing."""
        for each in self.taken:
            rate_limits.memory.give_back(each)
        self.use.give_back()

    def settle(self, failure: ShopError) -> ShopError:
        """The failure to tell of a request that came to nothing, which counts as well: another try was had.

        What AWS did not answer does not count, nor a repeat of what is still being worked on; what is on record as an
        answer has counted.
        """
        if isinstance(failure, InProgress):
            self.give_back()
        if failure.is_recorded or isinstance(failure, Unavailable | LimitReached | InProgress):
            return failure
        try:
            self.use.take()
        except ShopError as refused:
            return refused
        return failure

    def headers(self, *, is_shared: bool) -> dict[str, str]:
        """What an answer says of the limits, and of what is left where that is known and others do not get it too."""
        counters = (*self.before, *([self.along] if self.along else []))
        lefts = () if is_shared else ((each, self._left(each)) for each in counters)
        return _fields(counters, lefts)

    def _left(self, counter: Counter) -> int | None:
        return self.use.left if counter is self.use.counter else rate_limits.memory.left(counter)


def of(route: tuple[str, str], query: Any, principal: Principal | None, address: str) -> Limited:
    """The limits of a request, none of them used yet."""
    found: dict[Moment, list[Counter]] = {moment: [] for moment in Moment}
    for limit in () if caching.is_shared(*route) else ROUTES.get(route, ()):
        who = _who(limit, principal, address)
        if who is not None and limit.applies(query):
            found[limit.counted].append(rate_limits.counter(limit.name, who))
    return Limited(tuple(found[Moment.BEFORE]), next(iter(found[Moment.ALONG]), None))


def tell(reached: LimitReached) -> None:
    """Remember and count a refusal."""
    rate_limits.memory.note(reached.counter, left=0)
    log.info("RATE_LIMITED", limit=reached.counter.limit)
    log.metric("RateLimited")


def refusal_headers(reached: LimitReached) -> dict[str, str]:
    """What a 429 says of the limit that it is about."""
    return _fields([reached.counter], [(reached.counter, 0)])


def _who(limit: Limit, principal: Principal | None, address: str) -> str | None:
    if limit.by is By.ADDRESS or principal is None:
        return f"ip {address}"
    return None if limit.by is By.GUEST else principal.user_id


def _fields(counters: Iterable[Counter], lefts: Iterable[tuple[Counter, int | None]]) -> dict[str, str]:
    """The header fields of draft-ietf-httpapi-ratelimit-headers-11."""
    policies = ", ".join(f'"{each.limit}";{_window(each.quota)}' for each in counters)
    standing = ", ".join(f'"{each.limit}";r={left};t={each.seconds_left}' for each, left in lefts if left is not None)
    fields = {"RateLimit-Policy": policies, "RateLimit": standing}
    return {name: value for name, value in fields.items() if value}


def _window(quota: Quota) -> str:
    return f"q={quota.most};w={quota.seconds}"
