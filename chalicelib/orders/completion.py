"""Delivered orders that nobody has complained of for some days: they complete by themselves (F6)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from chalicelib.aws import db, keys, rounds
from chalicelib.core import clock, log, settings
from chalicelib.orders import store
from chalicelib.orders.models import SYSTEM, Order
from chalicelib.orders.states import Actor, OrderStatus

_JOB = "completion"
_PAGE_SIZE = 100


def list_next() -> list[Order]:
    """The next page of the orders that may be due: delivered, and not placed later than those that are.

    There are as many as were delivered of late, whatever else the table holds.
    """
    newest = keys.order_time(_before())

    def read(after: str | None) -> tuple[list[Order], str | None]:
        return store.list_by_status(OrderStatus.DELIVERED, limit=_PAGE_SIZE, after=after or newest)

    return rounds.next_page(_JOB, read)


def complete_if_due(order: Order) -> str | None:
    """Complete an order that was delivered so long ago; tells whether it was. Whatever changes it first has it.

    One that is disputed waits for what becomes of that.
    """
    if order.status is not OrderStatus.DELIVERED or order.contested or _delivered_at(order) >= _before():
        return None
    moved = order.move(OrderStatus.COMPLETED, by=Actor.SYSTEM, actor=SYSTEM)
    with suppress(db.Stale):
        db.commit(store.update(order, moved, actor=SYSTEM))
        log.info("ORDER_MOVED", orderId=order.order_id, status=moved.status)
        return "completed"
    return None


def _delivered_at(order: Order) -> str:
    """When it was delivered; an order that does not say so was just now."""
    return next((entry.at for entry in order.timeline if entry.status is OrderStatus.DELIVERED), clock.timestamp())


def _before() -> str:
    return clock.ago(timedelta(days=settings.current().complete_after_days))
