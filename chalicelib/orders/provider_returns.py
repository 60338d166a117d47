"""Refunds and disputes that were made at the provider: taken over into the order's books, and told to people (F20).

A message of them is only a reason to ask: what is written is what the provider's books say, so that messages may come
late, twice and in any order. Each refund and each step of a dispute is written once, in the transaction of its effect:
the refund's row and the dispute's own status in the order are the marks.
"""

from __future__ import annotations

import msgspec

from chalicelib.aws import db
from chalicelib.core import ids, log
from chalicelib.core.errors import Unavailable
from chalicelib.orders import books, incidents, reconcile, refunds, settlement, store
from chalicelib.orders.incident_kinds import IncidentKind
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import AttemptState, Refund, RefundState
from chalicelib.payments.returns import Dispute, DisputeStatus, ProviderRefund, Returns

_DISPUTE_KINDS = {
    DisputeStatus.OPEN: IncidentKind.DISPUTE,
    DisputeStatus.WON: IncidentKind.DISPUTE_WON,
    DisputeStatus.LOST: IncidentKind.DISPUTE_LOST,
}


def take_over(order: Order) -> None:
    """Bring the order's books to what the provider's say went back of its payment.

    Raises `Unavailable` when the provider does not answer, or the table: whoever told must tell again.
    """
    present = _settle_payment(order)
    if not present.is_paid or present.payment_id is None:
        return
    said = _ask(present.payment_id)
    for refund in said.refunds:
        _take_refund(present, refund)
    for dispute in said.disputes:
        _take_dispute(present, dispute)
    _report_overdraft(present)


def _settle_payment(order: Order) -> Order:
    """The order once its money is in its books, which may not have come to them before some of it went back."""
    if order.is_paid or not order.total or reconcile.find_other_amount(order):
        return order
    settled = reconcile.reconcile(order) if order.awaits_payment else _settle_after_its_end(order)
    if settled.awaits_payment:
        raise Unavailable("The payment is not settled yet; send the message again.")
    return settled


def _settle_after_its_end(order: Order) -> Order:
    """An order that ended without its money, with what came for it after all."""
    found = payments.look_up(order.first_attempt())
    if found is None or found.state is AttemptState.UNKNOWN:
        raise Unavailable("The payment provider did not say what became of the payment; send the message again.")
    settled = settlement.settle(order, found)
    if found.state is AttemptState.CAPTURED and not settled.is_paid and not reconcile.find_other_amount(settled):
        raise Unavailable("What came of the payment could not be written; send the message again.")
    return settled


def _ask(payment_id: str) -> Returns:
    try:
        return payments.look_up_returns(payment_id)
    except payments.ProviderSilent as error:
        message = "The payment provider did not say what went back; send the message again."
        raise Unavailable(message) from error


def _take_refund(order: Order, said: ProviderRefund) -> None:
    """Write a refund that the shop did not ask for, or how one of those ended."""
    if said.refund_id and payment_store.get_refund(order.order_id, said.refund_id):
        return
    if said.currency != order.currency:
        incidents.report(order.order_id, IncidentKind.REFUND_FOREIGN, said.provider_id, **_figures(order, said))
        return
    row = _row(order, said)
    if not db.retry_on_conflict(lambda: _create_refund(row, said)):
        refunds.settle(row, said.outcome)


def _row(order: Order, said: ProviderRefund) -> Refund:
    """The row of a refund at the provider, the same each time, in its place by time among the others."""
    return Refund(
        refund_id=ids.timed("ref", said.created_at or order.created_at, said.provider_id),
        order_id=order.order_id,
        user_id=order.user_id,
        payment_id=order.payment_id or "",
        amount=said.amount,
        currency=said.currency,
        created_at=said.created_at or order.created_at,
        provider_id=said.provider_id,
    )


def _create_refund(row: Refund, said: ProviderRefund) -> bool:
    """Write a refund with its order, False when it is known or came to nothing. Raises `db.Stale`."""
    order = store.get_owned(row.user_id, row.order_id)
    if order is None or said.state is RefundState.FAILED or payment_store.get_refund(row.order_id, row.refund_id):
        return False
    after, is_back = books.refunded_there(order, row), said.state is RefundState.SUCCEEDED
    if is_back:
        after = after.after_refund(row, is_back=True)
    incident, figures = (IncidentKind.REFUND_FOREIGN, said.provider_id), _figures(order, said)
    db.commit(
        store.update(order, after, actor=SYSTEM),
        payment_store.create_foreign_refund(row, said.outcome, at=after.updated_at, order_version=after.version),
        *refunds.update_attempt(order, after),
        store.report(row.order_id, *incident, **figures),
    )
    incidents.announce(row.order_id, *incident, **figures)
    log.info("REFUND_TAKEN_OVER", orderId=row.order_id, refundId=row.refund_id, outcome=said.state)
    return True


def _figures(order: Order, said: ProviderRefund) -> dict[str, str | int]:
    known = order.refunded + order.reserved
    return {"amount": said.amount, "currency": said.currency, "known": known, "status": said.state}


def _take_dispute(order: Order, said: Dispute) -> None:
    """Write where a dispute stands, unless that is known, or another end of it is."""
    db.retry_on_conflict(lambda: _write_dispute(order, said))


def _write_dispute(seen: Order, said: Dispute) -> None:
    order = store.get_owned(seen.user_id, seen.order_id)
    if order is None:
        return
    present, known = _in_currency_of(order, said), books.dispute(order, said.dispute_id)
    if present == known:
        return
    figures = {"amount": said.amount, "currency": said.currency, "reason": said.reason, "status": said.status}
    is_other_end = known is not None and not known.may_become(said.status)
    if is_other_end or said.currency != order.currency:
        incidents.report(order.order_id, IncidentKind.DISPUTE_CHANGED, f"{said.dispute_id}-{said.status}", **figures)
    if is_other_end:
        return
    after, incident = books.disputed(order, present), (_DISPUTE_KINDS[said.status], _subject(order, said))
    is_news = known is None or known.status is not said.status
    db.commit(
        store.update(order, after, actor=SYSTEM),
        *store.note_loss(after, present),
        *refunds.update_attempt(order, after),
        *([store.report(order.order_id, *incident, **figures)] if is_news else []),
    )
    if is_news:
        incidents.announce(order.order_id, *incident, **figures)
    log.info("DISPUTE_TAKEN_OVER", orderId=order.order_id, disputeId=said.dispute_id, status=said.status)


def _in_currency_of(order: Order, said: Dispute) -> Dispute:
    """The dispute as the order's books can have it: of another currency they know that it is, and no amount."""
    return said if said.currency == order.currency else msgspec.structs.replace(said, amount=0)


def _subject(order: Order, said: Dispute) -> str:
    """What tells the incident from others of its kind: a dispute may be opened, and be won, a second time."""
    has_been = any(entry.event == f"dispute_{said.status}" for entry in order.timeline)
    return f"{said.dispute_id}-{order.version}" if has_been else said.dispute_id


def _report_overdraft(seen: Order) -> None:
    """Tell people when more is gone, or about to go, than was taken."""
    order = store.get_owned(seen.user_id, seen.order_id)
    if order and order.taken < order.refunded + order.reserved:
        figures = {"taken": order.taken, "refunded": order.refunded, "reserved": order.reserved}
        incidents.report(order.order_id, IncidentKind.OVERDRAWN, str(order.refunded + order.reserved), **figures)
