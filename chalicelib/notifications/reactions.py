"""Who reacts to what: one table, from what has happened to everything that follows.

A reaction `once` must not happen twice, and its mark is kept under its name (`store`); every other may be repeated
at will, because it compares with what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from chalicelib.auth import accounts
from chalicelib.aws import db, keys
from chalicelib.cart import abandoned
from chalicelib.cart.models import CartLine
from chalicelib.core import log, settings
from chalicelib.core.events import Kind
from chalicelib.notifications import alerts, mail
from chalicelib.notifications.models import Change
from chalicelib.orders import history
from chalicelib.orders import store as order_store
from chalicelib.orders.incident_kinds import Incident
from chalicelib.orders.models import Order
from chalicelib.payments.models import Refund
from chalicelib.privacy import service as privacy
from chalicelib.products import search
from chalicelib.products import store as product_store
from chalicelib.reports import figures
from chalicelib.reports.figures import Summary
from chalicelib.users import audit
from chalicelib.users import store as user_store
from chalicelib.users.models import AuditEntry, User

Act = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What to do about a change; `name` marks what must happen once, and is None for what may be repeated."""

    act: Act
    name: str | None = None


def once(name: str, act: Act) -> Reaction:
    """A reaction that must happen once."""
    return Reaction(act, name)


def _mail_order(text: str) -> Reaction:
    def act(change: Change) -> None:
        order = msgspec.convert(change.after, Order)
        now = order_store.get_owned(order.user_id, order.order_id)  # who is forgotten since then is not written to
        if now and not now.is_anonymous and _comes_through(user_store.get(order.user_id), order.email):
            mail.send_order_mail(text, order)

    return once(f"mail-{text}", act)


def _mail_refund(change: Change) -> None:
    refund = msgspec.convert(change.after, Refund)
    order = order_store.get_owned(refund.user_id, refund.order_id)
    if order and not order.is_anonymous and _comes_through(user_store.get(order.user_id), order.email):
        mail.send_refund_mail(refund, order)


def _mail_verification(change: Change) -> None:
    user = msgspec.convert(change.after, User)
    if not _is_erased(user):
        token = accounts.verify_token(user)
        mail.send_account_mail("confirm_address", user.unconfirmed_email, user.locale, token=token)


def _mail_change(change: Change) -> None:
    """Tell the old address, if there is one, that a new one is waiting for its confirmation (W3)."""
    user = msgspec.convert(change.after, User)
    if user.pending_email and not _is_erased(user) and _comes_through(user, user.email):
        mail.send_account_mail("address_about_to_change", user.email, user.locale)


def _comes_through(user: User | None, email: str) -> bool:
    """May mail go to an address of a user's? Not to one that it came back from, but to be confirmed anew (W4)."""
    if user is None or user.is_reachable or user.email != email:
        return True
    log.info("MAIL_WITHHELD", ofUser=user.user_id)
    return False


def _is_erased(user: User) -> bool:
    """Has the user been forgotten since a change that is only heard of now?"""
    now = user_store.get(user.user_id, consistent=True)
    return now is None or now.is_erased


def _mail_reset(change: Change) -> None:
    """Send the token to whoever has the address, if anybody; the request was noted all the same (W1)."""
    request = change.item
    user = user_store.get_by_email(request["email"])
    if user is None or not user.is_active or not _comes_through(user, user.email):
        return
    token = accounts.reset_token(request["email"], request["nonce"])
    text = "invitation" if request["purpose"] == "invitation" else "password_reset"
    mail.send_account_mail(text, user.email, user.locale, token=token)


def _mail_reuse_alarm(change: Change) -> None:
    user = user_store.get(change.item["userId"])
    if user and user.is_active and _comes_through(user, user.email):
        mail.send_account_mail("token_reused", user.email, user.locale)


def _finish_erasure(change: Change) -> None:
    """Complete what a crash may have left of an erasure; an account that an admin deleted keeps its orders whole."""
    user = msgspec.convert(change.after, User)
    if user.is_erased:
        privacy.finish_erasure(user.user_id)


def _alert_low_stock(change: Change) -> None:
    """Tell the shop's people, unless the product is not sold any more."""
    stock = change.item
    product = product_store.get_many([stock["productId"]]).get(stock["productId"])
    if product and product.is_active:
        alerts.publish_low_stock(product, left=stock["stock"])


def _alert_incident(change: Change) -> None:
    alerts.publish_incident(msgspec.convert(change.item, Incident))


def _alert_webhook(change: Change) -> None:
    webhook = change.item
    alerts.publish_webhook_disabled(webhook["webhookId"], webhook["disabledReason"])


def _index_product(change: Change) -> None:
    search.refresh(str(change.item["productId"]))


def _show_stock(change: Change) -> None:
    """Bring the number in lists up to date; by its version an older record changes nothing."""
    stock = change.item
    try:
        db.commit(
            product_store.update_shown_stock(stock["productId"], stock=stock["stock"], version=stock["stockVersion"])
        )
    except db.Stale:
        log.debug("STOCK_ALREADY_SHOWN", productId=stock["productId"])


def _record_user(change: Change) -> None:
    """Add the user's history line; the same record writes the same line."""
    entry = audit.entry(change.before, change.item)
    if entry:
        is_erased = entry.reason is not None and _is_erased(msgspec.convert(change.item, User))
        db.commit(user_store.record_audit(_without_reason(entry) if is_erased else entry, change.event_id))


def _record_order(change: Change) -> None:
    """Add the order's latest step to its buyer's history; the same step writes the same line."""
    entry, step = history.lines(msgspec.convert(change.after, Order))[-1]
    now = order_store.get_owned(entry.user_id, change.item["orderId"]) if entry.reason else None
    db.commit(user_store.record_audit(_without_reason(entry) if now and now.is_anonymous else entry, step))


def _without_reason(entry: AuditEntry) -> AuditEntry:
    """What stays of a line of history, whose words may name somebody, when that is to be forgotten."""
    return msgspec.structs.replace(entry, reason=None)


def _watch_cart(change: Change) -> None:
    """Note when the cart was touched; the schedule comes back to it a day later."""
    before = (change.before or {}).get("updatedAt")
    abandoned.record_touch(_owner_of(change), updated_at=change.item["updatedAt"], before=before)


def _mail_cart(change: Change) -> None:
    """Remind the cart's owner, unless they have asked meanwhile not to be, or are gone."""
    user = user_store.get(_owner_of(change))
    if user and user.is_active and user.wants_reminders:
        lines = [msgspec.convert(line, CartLine) for line in change.item["lines"].values()]
        mail.send_cart_reminder(user.email, user.locale, sorted(lines, key=lambda line: line.added_at))


def _owner_of(change: Change) -> str:
    return change.key.pk.removeprefix(keys.user("").pk)


def _mail_sales(change: Change) -> None:
    """Tell the operator what was sold on a day, if the stage has one."""
    operator, summary = settings.current().operator_email, msgspec.convert(change.item, Summary)
    if operator:
        lines = "\n".join(figures.sentences(summary)) or "Nothing was sold."
        mail.send_sales_summary(operator, day=summary.day, figures=lines, place=", ".join(change.item["files"]))


REACTIONS: dict[Kind, tuple[Reaction, ...]] = {
    Kind.ORDER_CREATED: (Reaction(_record_order),),
    Kind.ORDER_CONFIRMED: (Reaction(_record_order), _mail_order("order_confirmed")),
    Kind.ORDER_SHIPPED: (Reaction(_record_order), _mail_order("order_shipped")),
    Kind.ORDER_DELIVERED: (Reaction(_record_order),),
    Kind.ORDER_COMPLETED: (Reaction(_record_order),),
    Kind.ORDER_CANCELLED: (Reaction(_record_order), _mail_order("order_cancelled")),
    Kind.ORDER_EXPIRED: (Reaction(_record_order), _mail_order("order_expired")),
    Kind.REFUND_SUCCEEDED: (once("mail-refund", _mail_refund),),
    Kind.PRODUCT_MOVED: (Reaction(_index_product),),
    Kind.STOCK_CHANGED: (Reaction(_show_stock),),
    Kind.STOCK_LOW: (once("alert-low-stock", _alert_low_stock),),
    Kind.USER_CREATED: (Reaction(_record_user),),
    Kind.USER_UPDATED: (Reaction(_record_user),),
    Kind.USER_DELETED: (Reaction(_record_user), once("finish-erasure", _finish_erasure)),
    Kind.ADDRESS_TO_CONFIRM: (once("mail-change", _mail_change), once("mail-verification", _mail_verification)),
    Kind.RESET_REQUESTED: (once("mail-reset", _mail_reset),),
    Kind.SESSION_REUSED: (once("mail-reuse-alarm", _mail_reuse_alarm),),
    Kind.CART_TOUCHED: (Reaction(_watch_cart),),
    Kind.CART_ABANDONED: (once("mail-cart", _mail_cart),),
    Kind.SALES_SUMMARISED: (once("mail-sales", _mail_sales),),
    Kind.WEBHOOK_SWITCHED_OFF: (once("alert-webhook", _alert_webhook),),
    Kind.INCIDENT_REPORTED: (once("alert-incident", _alert_incident),),
}
