"""What can be done with orders; every step is one transaction that can be repeated."""

from __future__ import annotations

import msgspec

from chalicelib.api.idempotency import Claim
from chalicelib.auth import store as session_store
from chalicelib.aws import db, keys
from chalicelib.aws.rate_limits import UNLIMITED, Use
from chalicelib.cart import store as cart_store
from chalicelib.core import clock, log, tracing
from chalicelib.core.principal import Principal
from chalicelib.coupons import store as coupon_store
from chalicelib.orders import books, checkout, reconcile, refunds, settlement, store
from chalicelib.orders.errors import NoSuchOrder
from chalicelib.orders.models import Order
from chalicelib.orders.schemas import OrderQuery, OrderRequest, OrderStatusChange, RefundRequest
from chalicelib.orders.states import Actor, OrderStatus, PaymentStatus
from chalicelib.orders.views import (
    IncidentView,
    OrderView,
    RefundView,
    StatusView,
    incident_view,
    order_view,
    refund_view,
)
from chalicelib.payments import providers
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import AttemptState, Outcome, OutcomeUnknown, Refund, RefundOutcome, RefundState
from chalicelib.products import store as product_store
from chalicelib.users import store as user_store


def place(request: OrderRequest, *, buyer: Principal, claim: Claim, use: Use = UNLIMITED) -> OrderView:
    """Turn the cart or a list of items into a paid order: prepare, reserve, charge, settle; `use` counts it.

    The answer may be an order whose payment is in doubt; the schedule settles it. Raises `PaymentDeclined` when
    the money did not come, with everything given back.
    """
    started = clock.monotonic()
    try:
        providers.current()  # a stage that cannot take money must not take stock off the shelf either
        with tracing.Subsegment("order.reserve", userId=buyer.user_id) as traced:
            order = db.retry_on_conflict(lambda: _reserve(request, buyer, claim, use))
            traced.annotate(orderId=order.order_id)
        log.info("ORDER_CREATED", orderId=order.order_id, items=len(order.lines))
        outcome = _charge(order, request.payment_method.token) if order.total else settlement.NOTHING_TO_PAY
        return _answer(settlement.settle(order, outcome, claim), outcome)
    finally:  # each on a line of its own, so that CloudWatch knows percentiles of them
        log.metric("CheckoutLatency", round((clock.monotonic() - started) * 1000, 1), "Milliseconds")


def resume(order_id: str, buyer: Principal) -> OrderView:
    """Go on with an order whose request died, from what is on record and never by charging again (I6)."""
    order = store.get_owned(buyer.user_id, order_id)
    if order is None:
        raise NoSuchOrder("There is no such order.")
    return _answer_anew(reconcile.reconcile(order) if order.awaits_payment else order)


def get(order_id: str, viewer: Principal) -> OrderView:
    """An order, for its owner or an admin."""
    return order_view(_current(order_id, viewer))


def get_status(order_id: str, viewer: Principal) -> StatusView:
    """Where an order stands, for its owner or an admin."""
    return StatusView.of(_current(order_id, viewer))


def list_page(viewer: Principal, query: OrderQuery, after: str | None) -> tuple[list[OrderView], str | None]:
    """A customer's own orders, or everybody's for an admin, newest first."""
    if viewer.is_admin:
        behind, since = after or _index_position(query.end), _index_position(query.begin) or ""
        orders, following = store.list_by_status(query.status, limit=query.limit, after=behind, since=since)
    else:
        orders, following = store.list_of_user(viewer.user_id, limit=query.limit, after=after)
    seen = [order.as_of_now() for order in orders]
    return [order_view(order) for order in seen if query.includes(order.status, order.created_at)], following


def cancel(order_id: str, actor: Principal, reason: str | None = None) -> OrderView:
    """Give the stock back, and void or refund the payment, exactly once; the answer tells how the refund stands."""
    cancelled, refund = db.retry_on_conflict(lambda: _cancel(order_id, actor, reason))
    log.info("ORDER_CANCELLED", orderId=order_id)
    if refund:
        told: RefundView | None = refund_view(refund, refunds.pay_out(refund))
        cancelled = store.get_owned(cancelled.user_id, order_id) or cancelled
    else:
        told = refunds.get_last(cancelled)
    return OrderView.of(order_view(cancelled), refund=told)


def update_status(order_id: str, change: OrderStatusChange, actor: Principal) -> OrderView:
    """Bring an order into another status as an admin; into the one that it is in already changes nothing (O2)."""
    if change.status is OrderStatus.CANCELLED:
        return cancel(order_id, actor, change.reason)

    def attempt() -> Order:
        order = store.get_visible(order_id, actor)
        if order.status is change.status:
            return order
        moved = order.move(
            change.status, by=Actor.ADMIN, actor=actor.user_id, reason=change.reason, despite=change.despite
        )
        if order.awaits_payment and order.total:
            raise OutcomeUnknown("The payment has not come yet; the order goes on by itself when it does.")
        db.commit(store.update(order, moved, actor=actor.user_id))
        return moved

    moved = db.retry_on_conflict(attempt)
    log.info("ORDER_MOVED", orderId=order_id, status=moved.status)
    return order_view(moved)


def refund(order_id: str, request: RefundRequest, *, actor: Principal, claim: Claim) -> RefundView:
    """Give back an amount, the price of units, or all that is left (R1, R2).

    The answer may be a refund that is still pending; the schedule finishes it. Raises `RefundFailed` when the
    provider refuses, with nothing changed.
    """

    def attempt() -> Refund:
        order = store.get_visible(order_id, actor)
        asked = msgspec.structs.replace(refunds.new_refund(order, request), asked_as=claim.scope)
        set_aside, row = refunds.set_aside(order, asked)
        change = store.update(order, set_aside, actor=actor.user_id)
        db.commit(*claim.start(f"{order_id}/{asked.refund_id}"), change, *row)
        return asked

    asked = db.retry_on_conflict(attempt)
    return _answer_refund(asked, refunds.pay_out(asked, claim))


def resume_refund(subject: str, actor: Principal) -> RefundView:
    """Go on with a refund whose request died: the provider gives back once however often it is asked (I6)."""
    order_id, _, refund_id = subject.partition("/")
    store.get_visible(order_id, actor)
    row = payment_store.get_refund(order_id, refund_id)
    if row is None:
        raise NoSuchOrder("There is no such refund.")
    on_record = RefundOutcome(state=row.state, reason=row.reason)
    return _answer_refund(row, refunds.pay_out(row) if row.state is RefundState.PENDING else on_record)


def list_refunds(
    order_id: str, viewer: Principal, *, limit: int, after: str | None
) -> tuple[list[RefundView], str | None]:
    """An order's refunds, oldest first, for its owner or an admin."""
    store.get_visible(order_id, viewer)
    found, following = payment_store.list_refunds(order_id, limit=limit, after=after)
    return [refund_view(refund) for refund in found], following


def list_incidents(*, limit: int, after: str | None) -> tuple[list[IncidentView], str | None]:
    """What only people can put right, newest first, each with what to do about it."""
    found, following = store.list_incidents(limit=limit, after=after)
    return [incident_view(incident) for incident in found], following


def _current(order_id: str, viewer: Principal) -> Order:
    """An order as it is at this moment: one whose time to be paid is over ends now, not at the next sweep (S2)."""
    order = store.get_visible(order_id, viewer)
    return reconcile.void(order, settlement.EXPIRY) if order.is_overdue else order


def _charge(order: Order, token: str) -> Outcome:
    attempt = order.first_attempt()
    return reconcile.capture_if_authorized(attempt, payments.charge(attempt, token))


def _cancel(order_id: str, actor: Principal, reason: str | None) -> tuple[Order, Refund | None]:
    order = store.get_visible(order_id, actor)
    by = Actor.ADMIN if actor.is_admin else Actor.BUYER
    ending = settlement.Ending(by=by, actor=actor.user_id, reason=reason)
    other = reconcile.find_other_amount(order) if actor.is_admin else None
    is_taken = other is not None and other.state is AttemptState.CAPTURED
    if order.can_be_voided or (other and not is_taken):
        order = reconcile.void(order, ending, payment_id=other.payment_id if other else None)
    return _write_cancellation(order, ending, charged=other if is_taken else None)


def _write_cancellation(
    order: Order, ending: settlement.Ending, *, charged: Outcome | None
) -> tuple[Order, Refund | None]:
    """Cancel an order and set its payment aside to go back, also one of another amount that nobody has noted yet."""
    if order.status is OrderStatus.CANCELLED:
        return order, None
    paid = books.with_charge(order, charged) if charged else order
    cancelled = paid.move(OrderStatus.CANCELLED, by=ending.by, actor=ending.actor, reason=ending.reason)
    if paid.awaits_payment and paid.total:
        raise OutcomeUnknown("The payment's outcome is not known yet; try again in some minutes.")
    back = paid.refund(paid.refundable) if paid.refundable else None
    cancelled, row = refunds.set_aside(cancelled, back, at=cancelled.updated_at) if back else (cancelled, ())
    attempt = [payment_store.settle_attempt(order.first_attempt(), charged)] if charged else []
    late = store.note_late_payment(cancelled) if charged else []
    db.commit(store.update(order, cancelled, actor=ending.actor), *attempt, *settlement.release(order), *row, *late)
    return cancelled, back


def _reserve(request: OrderRequest, buyer: Principal, claim: Claim, use: Use) -> Order:
    """Write the order and take its stock in one transaction, or raise `db.Stale` to prepare anew (C3).

    It holds to the buyer's session and standing: what changes these at the same moment ends one of the two (F22).
    """
    prepared, coupon, in_cart = checkout.prepare(request, buyer, use)
    order = msgspec.structs.replace(prepared, asked_as=claim.scope)
    db.commit(
        *claim.start(order.order_id),
        *use.writes(),
        session_store.require_open(buyer, otherwise=session_store.invalid_token()),
        user_store.require_standing(buyer.user_id),
        store.create(order),
        *(
            product_store.reserve(line.product_id, line.quantity, price=line.price, currency=order.currency)
            for line in order.lines
        ),
        *(coupon_store.reserve(coupon, order_id=order.order_id, user_id=buyer.user_id) if coupon else ()),
        *([payment_store.create_attempt(order.first_attempt())] if order.total else []),
        *cart_store.remove_ordered(buyer.user_id, order.units_from_cart, before=in_cart),
    )
    return order


def _answer(order: Order, outcome: Outcome | None = None) -> OrderView:
    if order.payment_status is PaymentStatus.FAILED:
        raise settlement.declined(order, outcome)
    waits = outcome is not None and order.payment_status is PaymentStatus.REQUIRES_ACTION
    return order_view(order, outcome.next_action if waits and outcome else None)


def _answer_anew(order: Order) -> OrderView:
    """The answer as far as it can be told from what is on record, and what the buyer has to do from the provider."""
    if order.payment_status is PaymentStatus.REQUIRES_ACTION:
        return _answer(order, payments.look_up(order.first_attempt()))
    return _answer(order)


def _answer_refund(asked: Refund, outcome: RefundOutcome) -> RefundView:
    heard = refunds.answer(asked, outcome)
    if isinstance(heard, RefundView):
        return heard
    raise heard


def _index_position(instant: str) -> str | None:
    """Where an instant lies in the index by status."""
    return keys.order_time(instant) if instant else None
