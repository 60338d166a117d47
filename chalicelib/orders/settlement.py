"""How a payment ends: written once, whoever heard of it first (C6 to C9).

The request that charges, the provider's webhook and the schedule all come to `settle`, in any order and as often as
they like. Whoever comes second finds the order changed, looks at it again, and agrees.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from chalicelib.api import idempotency
from chalicelib.api.idempotency import Claim
from chalicelib.aws import db
from chalicelib.cart import store as cart_store
from chalicelib.cart.models import CartLine
from chalicelib.cart.service import of_user
from chalicelib.core import log, tracing
from chalicelib.core.errors import Unavailable
from chalicelib.coupons import store as coupon_store
from chalicelib.orders import books, incidents, store
from chalicelib.orders.incident_kinds import IncidentKind
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.orders.states import Actor, OrderStatus, PaymentStatus
from chalicelib.orders.views import order_view
from chalicelib.payments import store as payment_store
from chalicelib.payments.limits import AMOUNT_NOT_PAYABLE, AmountRefused
from chalicelib.payments.models import AttemptState, Outcome, PaymentDeclined
from chalicelib.products import store as product_store

NOTHING_TO_PAY = Outcome(state=AttemptState.CAPTURED)

_ENDS = (AttemptState.FAILED, AttemptState.VOIDED)
_UNPAID = (PaymentStatus.FAILED, PaymentStatus.VOIDED)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Where an order goes when there will be no money for it, at whose word and why."""

    status: OrderStatus = OrderStatus.CANCELLED
    by: Actor = Actor.SYSTEM
    actor: str = SYSTEM
    reason: str | None = None


EXPIRY = Ending(status=OrderStatus.EXPIRED)


class _Word(NamedTuple):
    """What the provider said, and what is to be written with it."""

    outcome: Outcome
    claim: Claim
    ending: Ending | None
    marks: tuple[db.Write, ...]


def settle(
    order: Order,
    outcome: Outcome,
    claim: Claim = idempotency.NO_CLAIM,
    *,
    ending: Ending | None = None,
    marks: tuple[db.Write, ...] = (),
) -> Order:
    """Write what the provider said: the one way that a payment ends (C6). `marks` are written with it.

    The loser of a race reads what the winner wrote. When the table does not answer, the order stays in doubt for
    the schedule to settle, and is returned as it was (C8). With marks that is `Unavailable`: whoever told must tell
    again, for nothing asks about an order that has ended.
    """
    said, present = _Word(outcome, claim, ending, marks), order

    def attempt() -> Order:
        nonlocal present
        try:
            return _settle_once(present, said)
        except db.Stale:
            present = store.get_owned(order.user_id, order.order_id) or present
            raise

    try:
        with tracing.Subsegment("order.settle", orderId=order.order_id, userId=order.user_id, outcome=outcome.state):
            return db.retry_on_conflict(attempt)
    except Unavailable as error:
        log.error("SETTLE_FAILED", orderId=order.order_id, outcome=outcome.state, error=type(error).__name__)
        log.metric("SettleFailed")
        if marks:
            raise
        return present


def declined(order: Order, heard: Outcome | None = None) -> PaymentDeclined | AmountRefused:
    """The error that the buyer of a failed order gets, with the reason just heard or else the one on record.

    An amount that the provider does not take is no decline: nothing is wrong with the buyer's means (F19).
    """
    reason = heard.reason if heard and heard.state is AttemptState.FAILED else None
    if reason is None:
        attempt = payment_store.get_attempt(order.order_id, order.attempt)
        reason = attempt.reason if attempt else None
    if reason == AMOUNT_NOT_PAYABLE:
        amount = {"amount": order.decimal(order.total), "currency": order.currency}
        detail = "The payment provider does not take this amount; nothing was charged."
        return AmountRefused(detail, facts={"orderId": order.order_id, **amount})
    facts = {"orderId": order.order_id, "reason": reason or "declined"}
    return PaymentDeclined("The payment was declined; nothing was charged.", facts=facts)


def release(order: Order) -> list[db.Write]:
    """Every unit back on the shelf and the coupon unused, in the commit that ends the order (S1, C7)."""
    units = [product_store.release(line.product_id, line.quantity) for line in order.lines]
    if order.coupon_code is None:
        return units
    return [*units, *coupon_store.release(order.coupon_code, order_id=order.order_id, user_id=order.user_id)]


def _settle_once(order: Order, said: _Word) -> Order:
    outcome = said.outcome
    if outcome.state not in _ENDS and not outcome.is_about(order.total, order.currency):
        return _record_answer(_report_amount(order, outcome), said)
    if not order.awaits_payment:
        return _record_answer(_refund_late_capture(order, outcome), said)
    if not order.is_news(outcome):
        return _record_answer(order, said)
    ending = said.ending or _default_ending(order, outcome)
    after = order.settled(outcome, ending=ending.status, by=ending.by, actor=ending.actor, reason=ending.reason)
    db.commit(
        store.update(order, after, actor=ending.actor),
        *([payment_store.settle_attempt(order.first_attempt(), outcome)] if order.total else []),
        *store.note_late_payment(after),
        *(release(order) if outcome.state in _ENDS else []),
        *(_restore_cart(order) if outcome.state is AttemptState.FAILED else []),
        *_finish(after, said),
        *said.marks,
    )
    return after


def _default_ending(order: Order, outcome: Outcome) -> Ending:
    """Where an order goes that nobody has ended: what was voided past its time has expired (S2)."""
    return EXPIRY if outcome.state is AttemptState.VOIDED and order.is_late else Ending()


def _record_answer(order: Order, said: _Word) -> Order:
    """The order as somebody else has written it; the answer goes on record all the same (I4)."""
    record = _finish(order, said)
    if record:
        db.commit(*record)
    return order


def _finish(after: Order, said: _Word) -> tuple[db.Write, ...]:
    """The record of the answer; one with a secret for the buyer is never recorded, but found out anew (I4)."""
    if after.payment_status is PaymentStatus.REQUIRES_ACTION:
        return said.claim.abandon()
    is_declined = after.payment_status is PaymentStatus.FAILED
    return said.claim.finish(declined(after, said.outcome) if is_declined else order_view(after))


def _restore_cart(order: Order) -> list[db.Write]:
    """The return of what came out of the buyer's cart, where that is possible (C7)."""
    lines = _cart_lines(order)
    back = cart_store.restore_lines(cart_store.get(of_user(order.user_id)), lines) if lines else None
    return [back] if back else []


def _cart_lines(order: Order) -> list[CartLine]:
    """What came out of the buyer's cart, as lines of it."""
    units = order.units_from_cart
    return [
        CartLine(
            product_id=line.product_id,
            product_name=line.product_name,
            quantity=units[line.product_id],
            price=line.price,
            currency=order.currency,
            added_at=order.created_at,
        )
        for line in order.lines
        if line.product_id in units
    ]


def _refund_late_capture(order: Order, outcome: Outcome) -> Order:
    """What the winner wrote; money that came for an order which has ended without it goes back, once."""
    if outcome.state is not AttemptState.CAPTURED or order.payment_status not in _UNPAID:
        return order
    paid = books.with_payment_after_end(order, outcome)
    refund = paid.refund(paid.total)
    after = paid.with_refund(refund)
    late = store.note_late_payment(after)
    db.commit(store.update(order, after, actor=SYSTEM), payment_store.create_refund(refund), *late)
    log.error("CHARGED_AFTER_THE_END", orderId=order.order_id)
    return after


def _report_amount(order: Order, outcome: Outcome) -> Order:
    """Finalise nothing on another amount than was asked for; people have to look at it (P5)."""
    figures = {"asked": order.total, "said": outcome.amount, "currency": outcome.currency}
    incidents.report(order.order_id, IncidentKind.PAYMENT_AMOUNT, **figures)
    return order
