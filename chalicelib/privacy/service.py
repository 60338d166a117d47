"""Giving users their data and forgetting them, across all domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chalicelib import db, log
from chalicelib.access import Principal
from chalicelib.auth import accounts
from chalicelib.auth import service as auth
from chalicelib.cart import service as carts
from chalicelib.orders import store as orders
from chalicelib.orders.models import Order
from chalicelib.privacy.models import AdminRoleHeld
from chalicelib.users import service as users
from chalicelib.users.models import AuditEntry

T = TypeVar("T")

_AT_ONCE = 100


def export(principal: Principal) -> dict[str, Any]:
    """Everything the shop knows about the caller: profile, sessions, cart, orders, history."""
    return {
        "profile": users.get(principal.user_id, principal).view(),
        "sessions": auth.sessions(principal),
        "cart": carts.show(carts.owner(principal, None)),
        "orders": [order.view() for order in _orders(principal.user_id)],
        "history": _history(principal.user_id),
    }


def erase(principal: Principal) -> None:
    """Forget the caller: orders stay for the books without name and address, everything else goes.

    Repeating it after an interruption finishes it; the account is closed last.
    """
    if principal.is_admin:
        raise AdminRoleHeld("An admin cannot be forgotten; give up the admin role first.")
    db.repeat_until_current(lambda: _anonymise(principal.user_id))
    carts.clear(carts.owner(principal, None))
    accounts.erase(principal)
    log.info("USER_ERASED")


def _anonymise(user_id: str) -> None:
    for order in _orders(user_id):
        if not order.is_anonymous:
            db.commit(orders.change(order, order.anonymised(), actor=user_id))


def _orders(user_id: str) -> list[Order]:
    return _all(lambda after: orders.of_user(user_id, limit=_AT_ONCE, after=after))


def _history(user_id: str) -> list[AuditEntry]:
    return _all(lambda after: users.history(user_id, size=_AT_ONCE, after=after))


def _all(page: Callable[[str | None], tuple[list[T], str | None]]) -> list[T]:
    """Every item of a list, page after page."""
    found, after = page(None)
    while after:
        more, after = page(after)
        found += more
    return found
