"""What can be done with orders; every step is one transaction that can be repeated."""

from __future__ import annotations

from chalicelib import db, log
from chalicelib.access import Principal
from chalicelib.auth import store as sessions
from chalicelib.cart import store as carts
from chalicelib.idempotency import Claim
from chalicelib.orders import checkout, settlement, store
from chalicelib.orders.models import NoSuchOrder, Order, OrderRequest, OrderView, StatusView
from chalicelib.orders.states import OrderStatus, PaymentStatus
from chalicelib.payments import provider
from chalicelib.payments import service as payments
from chalicelib.payments import store as attempts
from chalicelib.payments.models import OutcomeUnknown, Refund
from chalicelib.products import store as products


def place(request: OrderRequest, *, buyer: Principal, claim: Claim) -> OrderView:
    """Turn the cart or a list of items into a paid order: prepare, reserve, charge, settle.

    The answer may be an order whose payment is in doubt; the schedule settles it. Raises `PaymentDeclined` when
    the money did not come, with everything given back.
    """
    provider.current()  # a stage that cannot take money must not take stock off the shelf either
    order = db.repeat_until_current(lambda: _reserve(request, buyer, claim))
    log.info("ORDER_CREATED", orderId=order.order_id, items=len(order.lines))
    log.metric("OrderCreated")
    token = request.payment_method.token
    outcome = payments.charge(order.first_attempt(), token) if order.total else settlement.NOTHING_TO_PAY
    return _answer(settlement.settle(order, outcome, claim), outcome.reason)


def resume(order_id: str, buyer: Principal) -> OrderView:
    """Go on with an order whose request died, from what is on record and never by charging again (I6)."""
    order = store.owned(buyer.user_id, order_id)
    if order is None:
        raise NoSuchOrder("There is no such order.")
    return _answer(settlement.reconcile(order) if order.is_unsettled else order)


def get(order_id: str, viewer: Principal) -> OrderView:
    """An order, for its owner or an admin."""
    return store.visible(order_id, viewer).view()


def status(order_id: str, viewer: Principal) -> StatusView:
    """Where an order stands, for its owner or an admin."""
    return StatusView.of(store.visible(order_id, viewer))


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
        db.commit(store.change(order, cancelled, actor=actor.user_id), *settlement.returns(order), *opened)
        return cancelled, refund

    cancelled, refund = db.repeat_until_current(attempt)
    log.info("ORDER_CANCELLED", orderId=order_id)
    return (settlement.give_back(cancelled, refund) if refund else cancelled).view()


def _reserve(request: OrderRequest, buyer: Principal, claim: Claim) -> Order:
    """Write the order and take its stock in one transaction, or raise `ConditionFailed` to prepare anew (C3)."""
    order = checkout.prepare(request, buyer)
    quantities = {line.product_id: line.quantity for line in order.lines}
    db.commit(
        *claim.start(order.order_id),
        sessions.still_open(buyer, otherwise=sessions.refused()),
        *store.add(order),
        *(
            products.take(line.product_id, line.quantity, price=line.price, currency=order.currency)
            for line in order.lines
        ),
        *([attempts.open_attempt(order.first_attempt())] if order.total else []),
        *([carts.remove_ordered(buyer.user_id, quantities)] if order.from_cart else []),
    )
    return order


def _answer(order: Order, reason: str | None = None) -> OrderView:
    if order.payment_status is PaymentStatus.FAILED:
        raise settlement.declined(order, reason)
    return order.view()
