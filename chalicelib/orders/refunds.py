"""Giving money back: the row first, then the provider, then what came of it (R1).

The row sets the amount aside in the order, so that no two refunds can take the same money. The provider gives back at
most once for each row's id, so asking again after a crash or a lost answer is safe.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec import UnsetType

from chalicelib.api import idempotency
from chalicelib.api.idempotency import Claim
from chalicelib.aws import db
from chalicelib.core import log, money
from chalicelib.core.errors import FieldError, Invalid, ShopError, Unavailable, invalid
from chalicelib.orders import incidents, store
from chalicelib.orders.errors import NothingToRefund, NotPaid, RefundFailed
from chalicelib.orders.incident_kinds import IncidentKind
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.orders.pricing import OrderLine
from chalicelib.orders.schemas import RefundRequest, ReturnedItem
from chalicelib.orders.states import OrderStatus, PaymentStatus
from chalicelib.orders.views import RefundView, refund_view
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import AttemptState, Outcome, Refund, RefundedItem, RefundOutcome, RefundState


def new_refund(order: Order, request: RefundRequest) -> Refund:
    """The refund that a request means: an amount, or the price of units, or all that is left.

    Raises `Invalid` for units that the order does not have, `NothingToRefund`, `NotPaid`, `RefundExceedsPayment`, or
    `AmountNotPayable`.
    """
    refund = _wanted_refund(order, request)
    payments.require_refundable(refund.amount, refund.currency)
    return refund


def _wanted_refund(order: Order, request: RefundRequest) -> Refund:
    amount, items = request.amount, request.items
    if not isinstance(amount, UnsetType) and not isinstance(items, UnsetType):
        raise invalid("items", "not_both", "Give an amount or items, not both.")
    if not isinstance(amount, UnsetType):
        minor = money.to_minor(amount, order.currency, field="amount")
        if not minor:
            raise invalid("amount", "out_of_range", "Must be more than 0.")
        return order.refund(minor, note=request.reason)
    if isinstance(items, UnsetType):
        return order.refund(order.refundable, note=request.reason)
    if not order.is_paid:
        raise NotPaid("Nothing was paid for this order.")
    units = _units(order, items)
    return order.refund(sum(unit.amount for unit in units), items=units, note=request.reason)


def set_aside(order: Order, refund: Refund, *, at: str | None = None) -> tuple[Order, tuple[db.Write, ...]]:
    """The order with the refund set aside, and the write of the refund's row."""
    return order.with_refund(refund, at=at), (payment_store.create_refund(refund),)


def pay_out(refund: Refund, claim: Claim = idempotency.NO_CLAIM) -> RefundOutcome:
    """Ask for a refund that is on record, and write what came of it; unanswered, it is left to the schedule."""
    outcome = _check_amount(refund, payments.refund(refund))
    settle(refund, outcome, claim)
    if outcome.state is RefundState.PENDING:
        with suppress(Unavailable):
            claim.finish_now(refund_view(refund, outcome))
    return outcome


def settle(
    refund: Refund,
    outcome: RefundOutcome,
    claim: Claim = idempotency.NO_CLAIM,
    *,
    marks: tuple[db.Write, ...] = (),
) -> None:
    """Write how a refund ended, once, whoever heard of it first; one that has not ended stays as it is.

    When the table does not answer, that is left to the schedule too; with marks it is `Unavailable`, for what ended
    before is not asked for again.
    """
    if outcome.state is RefundState.PENDING:
        return
    try:
        db.retry_on_conflict(lambda: _settle_once(refund, outcome, claim, marks))
    except Unavailable:
        log.error("REFUND_NOT_WRITTEN", orderId=refund.order_id, refundId=refund.refund_id)
        if marks:
            raise


def answer(refund: Refund, outcome: RefundOutcome) -> RefundView | ShopError:
    """What the caller hears of a refund."""
    if outcome.state is RefundState.FAILED:
        facts = {"orderId": refund.order_id, "refundId": refund.refund_id, "reason": outcome.reason or "refused"}
        return RefundFailed("The payment provider refused the refund; no money went back.", facts=facts)
    return refund_view(refund, outcome)


def get_last(order: Order) -> RefundView | None:
    """The latest refund of an order, None where nothing was paid."""
    row = payment_store.get_last_refund(order.order_id) if order.is_paid else None
    return refund_view(row) if row else None


def _units(order: Order, items: list[ReturnedItem]) -> tuple[RefundedItem, ...]:
    """What the wanted units cost, or `Invalid` naming each that the order has no more of (R2)."""
    lines = {line.product_id: line for line in order.lines}
    wanted: dict[str, int] = {}
    for item in items:
        wanted[item.product_id] = wanted.get(item.product_id, 0) + item.quantity
    left = {name: line.quantity - line.refunded_quantity for name, line in lines.items()}
    faults = tuple(
        FieldError("items", "not_that_many", f"{left.get(product_id, 0)} of {product_id} can be refunded.")
        for product_id, quantity in wanted.items()
        if quantity > left.get(product_id, 0)
    )
    if faults:
        raise Invalid("The order does not have these units to refund.", errors=faults)
    return _priced(order, lines, wanted)


def _priced(order: Order, lines: dict[str, OrderLine], wanted: dict[str, int]) -> tuple[RefundedItem, ...]:
    """The units with what goes back for them, or `NothingToRefund` when that is nothing."""
    included = order.tax_included
    items = tuple(
        RefundedItem(product_id=each, quantity=count, amount=lines[each].refund_of(count, tax_included=included))
        for each, count in wanted.items()
    )
    if any(item.amount for item in items):
        return items
    if all(lines[each].is_back(tax_included=included) for each in wanted):
        raise NothingToRefund("Nothing was paid for these units that has not gone back already.")
    least = money.to_decimal(1, order.currency)
    raise NothingToRefund(f"So few units are worth less than {least} {order.currency}; refund more of them at once.")


def _settle_once(refund: Refund, outcome: RefundOutcome, claim: Claim, marks: tuple[db.Write, ...]) -> None:
    row = payment_store.get_refund(refund.order_id, refund.refund_id)
    order = store.get_owned(refund.user_id, refund.order_id)
    if order is None or row is None or row.state is not RefundState.PENDING:
        _report_reversal(row, outcome)
        claim.finish_now(answer(refund, outcome))
        return
    is_back, incident = outcome.state is RefundState.SUCCEEDED, (IncidentKind.REFUND_REFUSED, refund.refund_id)
    after = order.after_refund(row, is_back=is_back)
    db.commit(
        store.update(order, after, actor=SYSTEM),
        payment_store.settle_refund(row, outcome, at=after.updated_at, order_version=after.version),
        *update_attempt(order, after),
        *([] if is_back else [store.report(refund.order_id, *incident, reason=outcome.reason)]),
        *claim.finish(answer(row, outcome)),
        *marks,
    )
    if not is_back:
        incidents.announce(refund.order_id, *incident, reason=outcome.reason)
    log.info("REFUND_SETTLED", orderId=refund.order_id, refundId=refund.refund_id, outcome=outcome.state)


def _report_reversal(row: Refund | None, outcome: RefundOutcome) -> None:
    """Tell people of money that was given back, and then came to the shop again because nobody could take it."""
    if row and (row.state, outcome.state) == (RefundState.SUCCEEDED, RefundState.FAILED):
        facts = {"amount": row.amount, "reason": outcome.reason}
        incidents.report(row.order_id, IncidentKind.REFUND_REVERSED, row.refund_id, **facts)


def _check_amount(refund: Refund, outcome: RefundOutcome) -> RefundOutcome:
    """The outcome, unless it is of another amount: then nothing has ended, and people have to look at it (P5)."""
    if outcome.is_about(refund.amount, refund.currency):
        return outcome
    figures = {"asked": refund.amount, "said": outcome.amount}
    incidents.report(refund.order_id, IncidentKind.REFUND_AMOUNT, refund.refund_id, **figures)
    return RefundOutcome(state=RefundState.PENDING)


def update_attempt(order: Order, after: Order) -> list[db.Write]:
    """The write that brings the attempt along; one that was given up before its money came stays given up."""
    was_taken = order.charged is not None or any(entry.status is OrderStatus.PROCESSING for entry in order.timeline)
    if after.payment_status is order.payment_status or not was_taken:
        return []
    whole = after.payment_status is PaymentStatus.REFUNDED
    state = AttemptState.REFUNDED if whole else AttemptState.PARTIALLY_REFUNDED
    return [payment_store.settle_attempt(order.first_attempt(), Outcome(state=state))]


def retry(refund: Refund) -> str | None:
    """Finish a refund whose end is not known; tells what came of it, None for nothing yet.

    Whatever comes of it, it is asked for again later and later (P4).
    """
    with suppress(Unavailable, db.Stale):
        db.commit(payment_store.postpone_refund(refund))
        outcome = pay_out(refund)
        return None if outcome.state is RefundState.PENDING else "refunded"
    return None
