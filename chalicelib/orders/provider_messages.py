"""What a payment provider tells by itself: late, twice, out of order, or of an order that nobody knows yet (P5).

A message changes nothing that the provider's answer to a question would not: it comes to `settle` like all others,
with a mark of its id in the same transaction. One that arrives before its order can be found is kept and tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import msgspec

from chalicelib.aws import db
from chalicelib.core import clock, log
from chalicelib.orders import books, incidents, provider_returns, reconcile, refunds, settlement, store
from chalicelib.orders.incident_kinds import IncidentKind
from chalicelib.orders.models import Order
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import ProviderEvent, ProviderEventKind

_GIVEN_UP_AFTER = timedelta(days=1)


def receive(body: bytes, headers: Mapping[str, str]) -> None:
    """Act on a message, or keep it. Raises `InvalidSignature` or `UnreadableEvent` for what the provider never sent."""
    event = payments.read_event(body, headers)
    if event is not None:
        log.info("WEBHOOK", eventId=event.event_id, kind=event.kind, orderId=event.order_id)
        take(event)


def take(event: ProviderEvent) -> bool:
    """Act on what the provider is known to have told, and tell whether its order is known; if not, it is kept."""
    is_known = _process(event)
    if not is_known:
        db.commit(store.park(event))
    return is_known


def retry(event: ProviderEvent, parked_at: str) -> bool:
    """Act on a message that was kept, and tell whether it could be; after a day people hear of it instead."""
    if _process(event):
        db.commit(store.unpark(event))
        return True
    if parked_at < clock.ago(_GIVEN_UP_AFTER):
        facts = {"amount": event.amount, "currency": event.currency, "eventId": event.event_id}
        incidents.report(event.order_id, IncidentKind.UNKNOWN_ORDER, event.event_id, **facts)
        db.commit(store.give_up(event))
    return False


def _process(event: ProviderEvent) -> bool:
    """Let the message have its effect; False when its order is not known."""
    order = store.get_by_id(event.order_id)
    if order is None:
        return False
    with suppress(store.AlreadyProcessed):
        if event.kind is ProviderEventKind.PAYMENT:
            _process_payment(order, event)
        elif event.kind is ProviderEventKind.REFUND:
            _process_refund(order, event)
        elif event.kind is ProviderEventKind.GIVEN_BACK:
            _process_total(order, event)
        elif event.kind is ProviderEventKind.RETURN:
            _process_return(order, event)
    return True


def _process_payment(order: Order, event: ProviderEvent) -> None:
    attempt, outcome = order.first_attempt(), event.outcome
    if event.merchant_key != attempt.merchant_key or outcome is None:
        incidents.report(order.order_id, IncidentKind.UNKNOWN_CHARGE, event.event_id, amount=event.amount)
        return
    if order.payment_id and outcome.payment_id not in (None, order.payment_id):
        incidents.report(order.order_id, IncidentKind.OTHER_PAYMENT, event.event_id, amount=event.amount)
        return
    if not outcome.is_about(event.amount, event.currency):
        figures = {"asked": order.total, "said": event.amount, "meant": outcome.amount}
        incidents.report(order.order_id, IncidentKind.PAYMENT_AMOUNT, **figures)
        return
    said = msgspec.structs.replace(outcome, amount=event.amount, currency=event.currency)
    reconcile.capture_or_void(settlement.settle(order, said, marks=(store.record_processed(event),)), said)


def _process_refund(order: Order, event: ProviderEvent) -> None:
    refund = payment_store.get_refund(event.order_id, event.refund_id or "")
    if refund is None or event.refund is None:
        incidents.report(event.order_id, IncidentKind.UNKNOWN_REFUND, event.event_id, amount=event.amount)
        if order.is_paid:
            provider_returns.take_over(order)
    elif {event.amount, event.refund.amount or event.amount} != {refund.amount} or event.currency != refund.currency:
        figures = {"asked": refund.amount, "said": event.amount}
        incidents.report(event.order_id, IncidentKind.REFUND_AMOUNT, refund.refund_id, **figures)
    else:
        refunds.settle(refund, event.refund, marks=(store.record_processed(event),))


def _process_return(order: Order, event: ProviderEvent) -> None:
    """Look what was refunded or disputed, unless it is about another payment than the order's."""
    if event.merchant_key != order.first_attempt().merchant_key:
        incidents.report(order.order_id, IncidentKind.UNKNOWN_CHARGE, event.event_id, amount=event.amount)
        return
    provider_returns.take_over(order)


def _process_total(order: Order, event: ProviderEvent) -> None:
    """Look for money that went back without this shop, which writes its own refunds before it asks for them.

    What the provider does not list either is told to people.
    """
    if event.amount <= _known(order):
        return
    provider_returns.take_over(order)
    known = _known(store.get_owned(order.user_id, order.order_id) or order)
    if event.amount > known:
        kind = IncidentKind.REFUND_FOREIGN
        incidents.report(order.order_id, kind, str(event.amount), known=known, said=event.amount)


def _known(order: Order) -> int:
    """What the shop knows to be refunded or about to be; disputes are none of that."""
    return order.refunded + order.reserved - books.lost(order)
