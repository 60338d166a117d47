"""What happens to an order, from checkout to its end; every step is one transaction that can be repeated."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import clock, db, idempotency, log
from chalicelib.access import Principal
from chalicelib.auth import store as sessions
from chalicelib.cart import store as carts
from chalicelib.errors import Unavailable
from chalicelib.idempotency import Claim
from chalicelib.orders import checkout, store
from chalicelib.orders.models import (
    SYSTEM,
    NoSuchOrder,
    Order,
    OrderRequest,
    OrderView,
    StatusView,
)
from chalicelib.orders.states import OrderStatus, PaymentStatus
from chalicelib.payments import service as payments
from chalicelib.payments import store as attempts
from chalicelib.payments.models import AttemptState, Outcome, OutcomeUnknown, PaymentDeclined, Refund
from chalicelib.products import store as products

_UNPAID_LIFETIME = timedelta(minutes=15)
_SETTLE_AFTER = timedelta(minutes=1)  # longer than any request lives
_PROVIDER_LIMIT = timedelta(minutes=2)  # a charge that the provider has not heard of by then will not come
_AT_ONCE = 100
_NOTHING_TO_PAY = Outcome(state=AttemptState.CAPTURED)


def place(request: OrderRequest, *, buyer: Principal, claim: Claim) -> OrderView:
    """Turn the cart or a list of items into a paid order: prepare, reserve, charge, settle.

    The answer may be an order whose payment is in doubt; the schedule settles it. Raises `PaymentDeclined` when
    the money did not come, with everything given back.
    """
    order = db.repeat_until_current(lambda: _reserve(request, buyer, claim))
    log.info("ORDER_CREATED", orderId=order.order_id, items=len(order.lines))
    log.metric("OrderCreated")
    token = request.payment_method.token
    outcome = payments.charge(order.first_attempt(), token) if order.total else _NOTHING_TO_PAY
    return _answer(_settle(order, outcome, claim), outcome.reason)


def resume(order_id: str, buyer: Principal) -> OrderView:
    """Go on with an order whose request died, from what is on record and never by charging again (I6)."""
    order = store.owned(buyer.user_id, order_id)
    if order is None:
        raise NoSuchOrder("There is no such order.")
    return _answer(_reconcile(order) if order.payment_in_doubt else order)


def get(order_id: str, viewer: Principal) -> OrderView:
    """An order, for its owner or an admin."""
    return store.visible(order_id, viewer).view()


def status(order_id: str, viewer: Principal) -> StatusView:
    """Where an order stands, for its owner or an admin."""
    order = store.visible(order_id, viewer)
    return StatusView(**{name: getattr(order, name) for name in StatusView.__struct_fields__})


def page(
    viewer: Principal, *, status: OrderStatus | None, size: int, after: str | None
) -> tuple[list[OrderView], str | None]:
    """A customer's own orders, or everybody's for an admin, newest first."""
    if viewer.is_admin:
        orders, following = store.in_status(status, limit=size, after=after)
    else:
        orders, following = store.of_user(viewer.user_id, limit=size, after=after)
        orders = [order for order in orders if status in (None, order.status)]
    return [order.view() for order in orders], following


def cancel(order_id: str, actor: Principal) -> OrderView:
    """Give the stock back and refund the payment, exactly once."""

    def attempt() -> tuple[Order, Refund | None]:
        order = store.visible(order_id, actor)
        if order.status is OrderStatus.CANCELLED:
            return order, None
        if order.payment_in_doubt:
            raise OutcomeUnknown("The payment's outcome is not known yet; try again in some minutes.")
        refund = order.full_refund()
        cancelled = order.move(OrderStatus.CANCELLED, order.payment_status, actor=actor.user_id)
        opened = [attempts.open_refund(refund)] if refund else []
        db.commit(store.change(order, cancelled, actor=actor.user_id), *_returns(order), *opened)
        return cancelled, refund

    cancelled, refund = db.repeat_until_current(attempt)
    log.info("ORDER_CANCELLED", orderId=order_id)
    return (_refund(cancelled, refund) if refund else cancelled).view()


def sweep() -> dict[str, int]:
    """Settle payments in doubt, expire unpaid orders, finish refunds; safe to run twice, at once or late (E4)."""
    done = {"settled": 0, "expired": 0, "refunded": 0}
    for order in store.pending(before=clock.ago(_SETTLE_AFTER), limit=_AT_ONCE):
        if order.payment_in_doubt:
            done["settled"] += _reconcile(order).status is not OrderStatus.PENDING
        elif order.created_at < clock.ago(_UNPAID_LIFETIME):
            done["expired"] += _expire(order)
    for refund in attempts.pending_refunds(before=clock.ago(_SETTLE_AFTER), limit=_AT_ONCE):
        order_of = store.owned(refund.user_id, refund.order_id)
        done["refunded"] += bool(order_of and _refund(order_of, refund).payment_status is PaymentStatus.REFUNDED)
    log.info("SWEPT", settled=done["settled"], expired=done["expired"], refunded=done["refunded"])
    return done


def _reserve(request: OrderRequest, buyer: Principal, claim: Claim) -> Order:
    """Write the order and take its stock in one transaction, or raise `ConditionFailed` to prepare anew (C3)."""
    order = checkout.prepare(request, buyer)
    quantities = {line.product_id: line.quantity for line in order.lines}
    db.commit(
        *claim.start(order.order_id),
        sessions.still_open(buyer, otherwise=sessions.refused()),
        *store.add(order),
        *(products.take(line.product_id, line.quantity, price=line.price) for line in order.lines),
        *([attempts.open_attempt(order.first_attempt())] if order.total else []),
        *([carts.remove_ordered(buyer.user_id, quantities)] if order.from_cart else []),
    )
    return order


def _settle(order: Order, outcome: Outcome, claim: Claim = idempotency.NO_CLAIM) -> Order:
    """Write what the provider said, whoever heard it: the one way that a payment ends (C6).

    The loser of a race reads what the winner wrote. When the table does not answer, the order stays in doubt for
    the schedule to settle, and is returned as it was (C8).
    """
    after, failed = _after(order, outcome), outcome.state is AttemptState.FAILED
    writes = [
        store.change(order, after, actor=SYSTEM),
        *([attempts.settle_attempt(order.first_attempt(), outcome)] if order.total else []),
        *(_returns(order) if failed else []),
        *claim.finish(_declined(after, outcome.reason) if failed else after.view()),
    ]
    try:
        _commit_with_cart(order, writes) if failed and order.from_cart else db.commit(*writes)
    except db.ConditionFailed:
        return store.owned(order.user_id, order.order_id) or order
    except Unavailable:
        log.error("SETTLE_FAILED", orderId=order.order_id, outcome=outcome.state)
        return order
    return after


def _commit_with_cart(order: Order, writes: list[db.Write]) -> None:
    """Commit together with the ordered lines' return to the cart, unless the cart is gone by now (C7)."""
    try:
        db.commit(*writes, carts.bring_back(order.user_id, order.cart_lines()))
    except carts.CartGone:
        db.commit(*writes)


def _after(order: Order, outcome: Outcome) -> Order:
    if outcome.state is AttemptState.CAPTURED:
        paid = PaymentStatus.PAID if order.total else PaymentStatus.NONE
        return order.move(OrderStatus.PROCESSING, paid, actor=SYSTEM, payment_id=outcome.payment_id)
    if outcome.state is AttemptState.FAILED:
        return order.move(OrderStatus.CANCELLED, PaymentStatus.FAILED, actor=SYSTEM)
    return order.with_payment(PaymentStatus.UNKNOWN)


def _answer(order: Order, reason: str | None = None) -> OrderView:
    if order.payment_status is PaymentStatus.FAILED:
        raise _declined(order, reason)
    return order.view()


def _declined(order: Order, reason: str | None) -> PaymentDeclined:
    facts = {"orderId": order.order_id, "reason": reason or "declined"}
    return PaymentDeclined("The payment was declined; nothing was charged.", facts=facts)


def _returns(order: Order) -> list[db.Write]:
    """Every unit back on the shelf, in the commit that ends the order (S1)."""
    return [products.give_back(line.product_id, line.quantity) for line in order.lines]


def _reconcile(order: Order) -> Order:
    """Ask the provider what became of a payment in doubt, and settle the order by the answer (P4)."""
    outcome = payments.look_up(order.first_attempt())
    if outcome is None:
        if order.created_at > clock.ago(_PROVIDER_LIMIT):
            return order
        outcome = Outcome(state=AttemptState.FAILED, reason="never_received")
    if outcome.state is AttemptState.UNKNOWN and order.payment_status is PaymentStatus.UNKNOWN:
        return order
    return _settle(order, outcome)


def _expire(order: Order) -> bool:
    """End an order that nobody is paying; False when somebody else changed it first (S2)."""
    expired = order.move(OrderStatus.EXPIRED, order.payment_status, actor=SYSTEM)
    try:
        db.commit(store.change(order, expired, actor=SYSTEM), *_returns(order))
    except db.ConditionFailed:
        return False
    log.info("ORDER_EXPIRED", orderId=order.order_id)
    return True


def _refund(order: Order, refund: Refund) -> Order:
    """Give the money of a cancelled order back; unanswered, it stays on record for the schedule (R1)."""
    if not payments.refund(refund):
        return order
    refunded = order.with_payment(PaymentStatus.REFUNDED)
    try:
        db.commit(store.change(order, refunded, actor=SYSTEM), attempts.settle_refund(refund))
    except db.ConditionFailed:
        return store.owned(order.user_id, order.order_id) or order
    return refunded
