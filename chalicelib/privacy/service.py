"""Giving users their data and forgetting them, across all domains.

Being forgotten takes three steps, each of which may be repeated and died after. A user is marked, and from then on
orders nothing. Once none of their orders is under way, their account is closed and made nameless, in one transaction
that a revocation at the same moment decides with. Then what names them elsewhere goes, and last the mark. Why so is in
docs/adr/0038-erasure-waits-for-orders.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import msgspec

from chalicelib.api import idempotency
from chalicelib.auth import accounts
from chalicelib.auth import service as auth
from chalicelib.aws import db, rounds, transport
from chalicelib.cart import service as cart
from chalicelib.cart import store as cart_store
from chalicelib.core import clock, log
from chalicelib.core.deadline import Deadline
from chalicelib.core.errors import ShopError
from chalicelib.core.principal import Principal
from chalicelib.orders import store as order_store
from chalicelib.orders.anonymity import anonymised
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Refund
from chalicelib.privacy.views import ExportView, ScheduledErasureView, exported_order, exported_user
from chalicelib.users import service as users
from chalicelib.users import store as user_store
from chalicelib.users.models import AuditEntry
from chalicelib.users.schemas import Erasure

_JOB = "erasures"
_PAGE_SIZE = 100
LATE_AFTER = timedelta(days=21)  # the law gives a month, and whoever has to look into it needs some of it
_FAULTS = (ShopError, db.Stale, transport.RequestError, msgspec.ValidationError)


def export(principal: Principal) -> ExportView:
    """Everything the shop knows about the caller: profile, sessions, cart, orders, history."""
    return ExportView(
        profile=exported_user(users.get(principal.user_id, principal)),
        sessions=auth.list_sessions(principal),
        cart=cart.get(cart.owner(principal, None)),
        orders=[exported_order(order) for order in _orders(principal.user_id)],
        history=_history(principal.user_id),
    )


def erase(principal: Principal) -> ScheduledErasureView | None:
    """Forget the caller: orders stay for the books without name and address, everything else goes.

    While orders are under way that is only scheduled, and told. Raises `AdminRoleHeld` for an admin.
    """
    return _erase(principal.user_id, principal, may_be_admin=False)


def erase_other(user_id: str, actor: Principal) -> ScheduledErasureView | None:
    """Forget somebody who has asked an admin for it; the last admin stays (`LastAdmin`)."""
    return _erase(user_id, actor, may_be_admin=True)


def revoke(principal: Principal) -> None:
    """Let the caller stay after all, as long as they are not erased."""
    accounts.revoke_erasure(principal.user_id, actor=principal)
    log.info("ERASURE_REVOKED")


def carry_out_next(*, seconds: float) -> dict[str, int]:
    """Erase those of the next page of users to be erased whose orders have ended, for about that many seconds.

    Gives how many were erased, and how many failed and are left for another round; the list itself may fail, too.
    """
    deadline, done = Deadline(seconds), {"erased": 0, "failed": 0}
    try:
        wanted = rounds.next_page(_JOB, lambda after: user_store.list_to_erase(limit=_PAGE_SIZE, after=after))
        log.metric("ErasuresLate", sum(each.asked_at < clock.ago(LATE_AFTER) for each in wanted))
        for each in wanted:
            if deadline.is_over:
                break
            if ended := _try_to_carry_out(each.user_id):
                done[ended] += 1
    except _FAULTS as error:
        log.error("ERASURE_FAILED", ofUser="", error=type(error).__name__)
        done["failed"] += 1
    return done


def carry_out(user_id: str, *, actor: str) -> bool:
    """Erase a user who is to be, unless an order is under way; tells whether they are erased. Safe to repeat."""
    user = accounts.erase(user_id, actor=actor, unless=lambda: any(each.is_under_way for each in _orders(user_id)))
    if not user.is_erased:
        return False
    finish_erasure(user_id)
    log.info("USER_ERASED", ofUser=user_id)
    return True


def finish_erasure(user_id: str) -> None:
    """Take what names the owner of a closed account out of all that stays, and the rest away; safe to repeat."""
    db.retry_on_conflict(lambda: _anonymise(user_id))
    _forget_reasons(user_id)
    user = user_store.get(user_id, consistent=True)
    if user and user.asked_as:
        idempotency.forget(user.asked_as)
    db.commit(cart_store.delete(user_id))
    db.commit(user_store.unmark_erasure(user_id))


def _try_to_carry_out(user_id: str) -> str | None:
    try:
        return "erased" if carry_out(user_id, actor=SYSTEM) else None
    except _FAULTS as error:
        log.error("ERASURE_FAILED", ofUser=user_id, error=type(error).__name__)
        return "failed"


def _erase(user_id: str, actor: Principal, *, may_be_admin: bool) -> ScheduledErasureView | None:
    user = accounts.ask_for_erasure(user_id, actor=actor, may_be_admin=may_be_admin)
    if user.is_erased or carry_out(user_id, actor=actor.user_id):
        return None
    log.info("ERASURE_SCHEDULED", ofUser=user_id)
    return ScheduledErasureView(erasure=Erasure.SCHEDULED)


def _anonymise(user_id: str) -> None:
    for order in _orders(user_id):
        for refund in _refunds(order):
            if refund.asked_as:
                idempotency.forget(refund.asked_as)
            if refund.note:
                db.commit(payment_store.forget_note(refund))
        if order.asked_as:
            idempotency.forget(order.asked_as)
        if not order.is_anonymous:
            db.commit(order_store.update(order, anonymised(order), actor=user_id))


def _forget_reasons(user_id: str) -> None:
    """Leave of the history who did what and when, without the words in which people said why."""
    for key in db.every(lambda after: user_store.list_reasons(user_id, limit=_PAGE_SIZE, after=after)):
        with suppress(db.Stale):
            db.commit(user_store.forget_reason(key))


def _orders(user_id: str) -> Iterator[Order]:
    """A user's orders, newest first, read as far as they are asked for."""
    return db.every(lambda after: order_store.list_of_user(user_id, limit=_PAGE_SIZE, after=after, consistent=True))


def _refunds(order: Order) -> list[Refund]:
    if not order.is_paid:
        return []
    return list(db.every(lambda after: payment_store.list_refunds(order.order_id, limit=_PAGE_SIZE, after=after)))


def _history(user_id: str) -> list[AuditEntry]:
    return list(db.every(lambda after: users.list_history(user_id, limit=_PAGE_SIZE, after=after)))
