"""When an order counts in the books: a sale at the moment in which the shop learnt that its money has come.

That is not when it was placed, and may be days after (docs/adr/0039). Nothing that happens later moves it, so what was
sold on a day that is over does not change any more.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib.core import clock
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus

PROMPT = timedelta(hours=1)  # later than that after the order, money is found by itself and not by the order's time
_GONE = (OrderStatus.PENDING, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


def is_sale(order: Order) -> bool:
    """Was it paid, whatever went back since? What costs nothing is a sale unless it was given up."""
    return order.is_paid or (not order.total and order.status not in _GONE)


def sold_at(order: Order) -> str | None:
    """When the shop learnt of the money, or that there is none to pay; None for what is no sale."""
    if not is_sale(order):
        return None
    went_on = (entry.at for entry in order.timeline if entry.status is OrderStatus.PROCESSING)
    return order.paid_at or next(went_on, order.created_at)


def came_late(order: Order) -> bool:
    """Did the money come so long after the order that it is not found by the order's time?"""
    at = sold_at(order)
    return at is not None and clock.parse(at) - clock.parse(order.created_at) > PROMPT
