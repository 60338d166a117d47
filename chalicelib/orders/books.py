"""An order in the books: when it counts as sold, and what is done to its money at the provider.

A sale counts at the moment in which the shop learnt that its money has come. That is not when it was placed, and may
be days after (docs/adr/0039). Nothing that happens later moves it, so what was sold on a day that is over does not
change any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.core import clock
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.orders.states import OrderStatus, PaymentStatus, TimelineEntry
from chalicelib.payments.models import Outcome, Refund
from chalicelib.payments.returns import Dispute, DisputeStatus

PROMPT = timedelta(hours=1)  # later than that after the order, money is found by itself and not by the order's time


def is_sale(order: Order) -> bool:
    """Was it paid, whatever went back since? What costs nothing is a sale once it goes on, whatever becomes of it."""
    return order.is_paid or (not order.total and _went_on(order) is not None)


def sold_at(order: Order) -> str | None:
    """When the shop learnt of the money, or that there is none to pay; None for what is no sale."""
    if not is_sale(order):
        return None
    return order.paid_at or _went_on(order) or order.created_at


def _went_on(order: Order) -> str | None:
    """When it was known that nothing is in the way of sending it."""
    return next((entry.at for entry in order.timeline if entry.status is OrderStatus.PROCESSING), None)


def came_late(order: Order) -> bool:
    """Did the money come so long after the order that it is not found by the order's time?"""
    at = sold_at(order)
    return at is not None and clock.parse(at) - clock.parse(order.created_at) > PROMPT


def with_payment_after_end(order: Order, outcome: Outcome) -> Order:
    """The order as paid now, though it ended, or ends, without its money."""
    paid = order.with_payment(PaymentStatus.PAID, payment_id=outcome.payment_id)
    return msgspec.structs.replace(paid, paid_at=paid.updated_at)


def with_charge(order: Order, outcome: Outcome) -> Order:
    """The order as paid with what the provider took, which is not its total."""
    return msgspec.structs.replace(with_payment_after_end(order, outcome), charged=outcome.amount)


def refunded_there(order: Order, refund: Refund) -> Order:
    """The order with that much set aside for a refund that somebody has begun at the provider."""
    return _with_event(
        order,
        "refunded_at_provider",
        f"{order.decimal(refund.amount)} {order.currency}",
        reserved=order.reserved + refund.amount,
        refunded_at_provider=(order.refunded_at_provider or 0) + refund.amount,
    )


def dispute(order: Order, dispute_id: str) -> Dispute | None:
    """A dispute of the order as it was heard of last."""
    return next((each for each in order.disputes or () if each.dispute_id == dispute_id), None)


def lost(order: Order) -> int:
    """What disputes have cost."""
    return sum(each.amount for each in order.disputes or () if each.status is DisputeStatus.LOST)


def disputed(order: Order, said: Dispute) -> Order:
    """The order with a dispute that is new or has come to stand elsewhere; what is lost by it is refunded."""
    others = [each for each in order.disputes or () if each.dispute_id != said.dispute_id]
    cost = said.amount if said.status is DisputeStatus.LOST else 0
    refunded = order.refunded + cost
    whole = PaymentStatus.REFUNDED if refunded >= order.taken else PaymentStatus.PARTIALLY_REFUNDED
    return _with_event(
        order,
        f"dispute_{said.status}",
        said.reason,
        disputes=[*others, said],
        refunded=refunded,
        payment_status=whole if cost else order.payment_status,
    )


def _with_event(order: Order, event: str, reason: str | None, **changes: Any) -> Order:
    """The order with these changes, and a line of its timeline about what happened to its money."""
    changed = order.next_version(**changes)
    entry = TimelineEntry(status=order.status, at=changed.updated_at, actor=SYSTEM, reason=reason, event=event)
    return msgspec.structs.replace(changed, timeline=[*order.timeline, entry])
