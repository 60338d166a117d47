"""What follows a change of the table: who reacts to what, and deliveries that count each effect once.

A record that cannot be handled is reported by its sequence number; the stream's trigger retries it and then puts
it into the dead-letter queue, so that it never blocks the records of others (E2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from chalicelib import db, keys, log, settings, transport
from chalicelib.auth import accounts
from chalicelib.errors import ShopError
from chalicelib.notifications import alerts, mail, store
from chalicelib.notifications.models import Change
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus
from chalicelib.privacy import service as privacy
from chalicelib.products import search
from chalicelib.products import store as products
from chalicelib.users import audit
from chalicelib.users import store as users
from chalicelib.users.models import User
from chalicelib.users.shapes import UserStatus

Reaction = Callable[[Change], None]

_SEARCHED = ("name", "description", "category", "isActive", "createdAt", "deletedAt")

_MALFORMED = (msgspec.ValidationError, KeyError, TypeError, ValueError)


def _mail_confirmation(change: Change) -> None:
    order = msgspec.convert(change.after, Order)
    if not order.is_anonymous:
        mail.order_confirmed(order)


def _mail_cancellation(change: Change) -> None:
    order = msgspec.convert(change.after, Order)
    if not order.is_anonymous:
        mail.order_cancelled(order)


def _mail_verification(change: Change) -> None:
    user = msgspec.convert(change.after, User)
    mail.confirm_address(user.unconfirmed_email, accounts.verify_token(user))
    if user.pending_email:
        mail.address_about_to_change(user.email)


def _finish_erasure(change: Change) -> None:
    """Complete what a crash may have left of an erasure; an account that an admin deleted keeps its orders whole."""
    user = msgspec.convert(change.after, User)
    if user.is_forgotten:
        privacy.finish(user.user_id)


def _mail_reset(change: Change) -> None:
    """Send the link to whoever has the address, if anybody; the request was noted all the same (W1)."""
    request = change.after or {}
    user = users.by_email(request["email"])
    if user is None or not user.is_active:
        return
    token = accounts.reset_token(request["email"], request["nonce"])
    send = mail.invitation if request["purpose"] == "invitation" else mail.password_reset
    send(user.email, token)


def _alert_low_stock(change: Change) -> None:
    """Tell the shop's people, unless the product is not sold any more."""
    stock = change.after or {}
    product = products.about([stock["productId"]]).get(stock["productId"])
    if product and product.is_active:
        alerts.low_stock(product, left=stock["stock"])


def _alert_incident(change: Change) -> None:
    incident = change.after or {}
    alerts.incident(incident["orderId"], incident["name"], incident["facts"])


def _mail_reuse_alarm(change: Change) -> None:
    user = users.get((change.after or {})["userId"])
    if user and user.is_active:
        mail.token_reused(user.email)


# Who reacts to an order that has come into a status: the effect's name, and what it does.
ON_ORDER_STATUS: dict[OrderStatus, dict[str, Reaction]] = {
    OrderStatus.PROCESSING: {"mail-confirmation": _mail_confirmation},
    OrderStatus.CANCELLED: {"mail-cancellation": _mail_cancellation},
    OrderStatus.EXPIRED: {"mail-cancellation": _mail_cancellation},
}


def handle(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """React to a batch of stream records; returns the sequence numbers of those to be delivered again."""
    failed = []
    for record in records:
        sequence_number = record["dynamodb"]["SequenceNumber"]
        try:
            _react(Change.of(record))
        except (ShopError, db.ConditionFailed, transport.Rejected, *_MALFORMED) as error:
            log.error("RECORD_FAILED", sequenceNumber=sequence_number, error=type(error).__name__)
            failed.append(sequence_number)
    return failed


def _react(change: Change) -> None:
    if _is_product(change.key) and change.touched(_SEARCHED):
        search.refresh(str(({**(change.before or {}), **(change.after or {})})["productId"]))
    if change.after is None:
        return
    log.enrich(correlationId=change.after.get("correlationId"))
    if change.before and change.key.sk == keys.STOCK_SK and change.became("stock") is not None:
        _show_stock(change.after)
    if change.key.sk == keys.PROFILE_SK:
        _write_history(change)
    for effect, reaction in _effects(change):
        if not store.happened(change.event_id, effect):
            reaction(change)
            store.record(change.event_id, effect)
            log.info("EFFECT_DONE", effect=effect, eventId=change.event_id)


def _effects(change: Change) -> Iterator[tuple[str, Reaction]]:
    """What this change leads to that must happen once."""
    if change.key.sk.startswith(keys.ORDER_PREFIX):
        yield from ON_ORDER_STATUS.get(change.became("status"), {}).items()
    elif change.key.sk == keys.PROFILE_SK and change.became("status") == UserStatus.DELETED:
        yield "finish-erasure", _finish_erasure
    elif change.key.sk == keys.PROFILE_SK and change.became("emailNonce"):
        yield "mail-verification", _mail_verification
    elif change.key.pk.startswith(keys.RESET_PREFIX) and change.became("nonce"):
        yield "mail-reset", _mail_reset
    elif change.key.sk == keys.STOCK_SK and _has_become_low(change):
        yield "alert-low-stock", _alert_low_stock
    elif change.key.sk.startswith(keys.INCIDENT_PREFIX) and change.before is None:
        yield "alert-incident", _alert_incident
    elif change.key.pk.startswith(keys.AUDIT_PREFIX) and change.became("action") == "session.token_reused":
        yield "mail-reuse-alarm", _mail_reuse_alarm


def _is_product(key: keys.Key) -> bool:
    """Is it the description of a product? A coupon's item has the same sort key."""
    return key.sk == keys.PRODUCT_SK and key.pk.startswith(keys.PRODUCT_PREFIX)


def _has_become_low(change: Change) -> bool:
    """Did the stock cross the threshold downwards?"""
    threshold = settings.current().low_stock_threshold
    return change.before is not None and change.before["stock"] > threshold >= (change.after or {})["stock"]


def _show_stock(after: dict[str, Any]) -> None:
    """Bring the number in lists up to date; by its version an older record changes nothing."""
    try:
        db.commit(products.show_stock(after["productId"], stock=after["stock"], version=after["stockVersion"]))
    except db.ConditionFailed:
        log.debug("STOCK_ALREADY_SHOWN", productId=after["productId"])


def _write_history(change: Change) -> None:
    """Add the user's history line; the same record writes the same line."""
    entry = audit.entry(change.before, change.after or {})
    if entry:
        db.commit(users.audit(entry, change.event_id))
