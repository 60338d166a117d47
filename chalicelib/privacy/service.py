"""Giving users their data and forgetting them, across all domains."""

from __future__ import annotations

from typing import Any

from chalicelib.auth import accounts
from chalicelib.auth import service as auth
from chalicelib.aws import db
from chalicelib.cart import service as cart
from chalicelib.cart import store as cart_store
from chalicelib.core import log
from chalicelib.core.principal import Principal
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.privacy.models import AdminRoleHeld, OrdersOpen
from chalicelib.privacy.views import exported_order, exported_user
from chalicelib.users import service as users
from chalicelib.users.models import AuditEntry

_PAGE_SIZE = 100


def export(principal: Principal) -> dict[str, Any]:
    """Everything the shop knows about the caller: profile, sessions, cart, orders, history."""
    return {
        "profile": exported_user(users.get(principal.user_id, principal)),
        "sessions": auth.list_sessions(principal),
        "cart": cart.get(cart.owner(principal, None)),
        "orders": [exported_order(order) for order in _orders(principal.user_id)],
        "history": _history(principal.user_id),
    }


def erase(principal: Principal) -> None:
    """Forget the caller: orders stay for the books without name and address, everything else goes.

    Raises `AdminRoleHeld` for an admin, `OrdersOpen` while something is still to be delivered. The account closes
    first, so nothing new can begin; what is left after a crash is finished by the stream (`finish_erasure`).
    """
    if principal.is_admin:
        raise AdminRoleHeld("An admin cannot be forgotten; give up the admin role first.")
    if any(order.is_open for order in _orders(principal.user_id)):
        raise OrdersOpen("Some orders are still under way; wait for them, or cancel them.")
    accounts.erase(principal)
    finish_erasure(principal.user_id)
    log.info("USER_ERASED")


def finish_erasure(user_id: str) -> None:
    """Take a closed account's names and addresses out of its orders, and its cart away; safe to repeat."""
    db.retry_on_conflict(lambda: _anonymise(user_id))
    db.commit(cart_store.delete(user_id))


def _anonymise(user_id: str) -> None:
    for order in _orders(user_id):
        if not order.is_anonymous:
            db.commit(order_store.update(order, order.anonymised(), actor=user_id))


def _orders(user_id: str) -> list[Order]:
    return list(
        db.every(lambda after: order_store.list_of_user(user_id, limit=_PAGE_SIZE, after=after, consistent=True))
    )


def _history(user_id: str) -> list[AuditEntry]:
    return list(db.every(lambda after: users.list_history(user_id, limit=_PAGE_SIZE, after=after)))
