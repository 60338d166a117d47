"""How a payment ends: written once, whoever heard of it first (C6 to C9, P4, R1)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import msgspec

from chalicelib import clock, db, idempotency, log
from chalicelib.cart import store as carts
from chalicelib.cart.service import of_user
from chalicelib.errors import Unavailable
from chalicelib.idempotency import Claim
from chalicelib.orders import store
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.orders.states import OrderStatus, PaymentStatus
from chalicelib.payments import service as payments
from chalicelib.payments import store as attempts
from chalicelib.payments.models import AttemptState, Outcome, PaymentDeclined, Refund
from chalicelib.products import store as products

NOTHING_TO_PAY = Outcome(state=AttemptState.CAPTURED)

_PROVIDER_LIMIT = timedelta(minutes=2)  # a charge that the provider has not heard of by then will not come
_MISSES = 2


def settle(order: Order, outcome: Outcome, claim: Claim = idempotency.NO_CLAIM) -> Order:
    """Write what the provider said: the one way that a payment ends (C6).

    The loser of a race reads what the winner wrote. When the table does not answer, the order stays in doubt for
    the schedule to settle, and is returned as it was (C8).
    """
    after, failed = _after(order, outcome), outcome.state is AttemptState.FAILED
    writes = [
        store.change(order, after, actor=SYSTEM),
        *([attempts.settle_attempt(order.first_attempt(), outcome)] if order.total else []),
        *(returns(order) if failed else []),
        *claim.finish(declined(after, outcome.reason) if failed else after.view()),
    ]
    try:
        _commit(order, writes, with_cart=failed and order.from_cart)
    except store.Stale:
        return _lost_race(order, outcome)
    except (Unavailable, db.ConditionFailed) as error:
        log.error("SETTLE_FAILED", orderId=order.order_id, outcome=outcome.state, error=type(error).__name__)
        return order
    return after


def reconcile(order: Order) -> Order:
    """Settle an order by what the provider knows of its payment, or as free if there was nothing to pay (P4).

    A charge counts as never made when the provider has twice not heard of it, past the time it may take.
    """
    if not order.total:
        return settle(order, NOTHING_TO_PAY)
    outcome = payments.look_up(order.first_attempt())
    if outcome is None:
        if order.created_at > clock.ago(_PROVIDER_LIMIT) or attempts.count_miss(order.first_attempt()) < _MISSES:
            return order
        outcome = Outcome(state=AttemptState.FAILED, reason="never_received")
    if outcome.state is AttemptState.UNKNOWN and order.payment_status is PaymentStatus.UNKNOWN:
        return order
    return settle(order, outcome)


def give_back(order: Order, refund: Refund) -> Order:
    """Return the money of a cancelled order; unanswered, it stays on record for the schedule (R1)."""
    if not payments.refund(refund):
        return order
    refunded = order.with_payment(PaymentStatus.REFUNDED)
    try:
        db.commit(store.change(order, refunded, actor=SYSTEM), attempts.settle_refund(refund))
    except db.ConditionFailed:
        return store.owned(order.user_id, order.order_id) or order
    return refunded


def declined(order: Order, reason: str | None) -> PaymentDeclined:
    """The error that the buyer of a failed order gets."""
    facts = {"orderId": order.order_id, "reason": reason or "declined"}
    return PaymentDeclined("The payment was declined; nothing was charged.", facts=facts)


def returns(order: Order) -> list[db.Write]:
    """Every unit back on the shelf, in the commit that ends the order (S1)."""
    return [products.give_back(line.product_id, line.quantity) for line in order.lines]


def _after(order: Order, outcome: Outcome) -> Order:
    if outcome.state is AttemptState.CAPTURED:
        paid = PaymentStatus.PAID if order.total else PaymentStatus.NONE
        return order.move(OrderStatus.PROCESSING, paid, actor=SYSTEM, payment_id=outcome.payment_id)
    if outcome.state is AttemptState.FAILED:
        return order.move(OrderStatus.CANCELLED, PaymentStatus.FAILED, actor=SYSTEM)
    return order.with_payment(PaymentStatus.UNKNOWN)


def _commit(order: Order, writes: list[db.Write], *, with_cart: bool) -> None:
    """Commit, together with the ordered lines' return to the cart where that is possible (C7)."""

    def attempt() -> None:
        cart = carts.load(of_user(order.user_id))
        back = carts.bring_back(cart, order.cart_lines())
        db.commit(*writes, *([back] if back else []))

    if with_cart:
        db.repeat_until_current(attempt, but=store.Stale)
    else:
        db.commit(*writes)


def _lost_race(order: Order, outcome: Outcome) -> Order:
    """What the winner wrote; money that came for an order which has ended without it goes back."""
    now = store.owned(order.user_id, order.order_id) or order
    if outcome.payment_id and now.payment_status is PaymentStatus.FAILED:
        log.error("CHARGED_AFTER_THE_END", orderId=order.order_id)
        refund = Refund.of(
            order_id=now.order_id, user_id=now.user_id, payment_id=outcome.payment_id,
            amount=now.total, currency=now.currency,
        )  # fmt: skip
        # One id for this one case, so that hearing of the charge twice gives the money back once.
        once = msgspec.structs.replace(refund, refund_id=f"ref_{now.order_id.removeprefix('ord_')}")
        with suppress(db.ConditionFailed):
            db.commit(attempts.open_refund(once))
    return now
