"""Where an order and its money can stand, and the only ways from one status to another (O1)."""

from __future__ import annotations

from enum import StrEnum

from chalicelib.errors import Conflict


class InvalidTransition(Conflict):
    """The order's status does not allow it."""

    code = "invalid_transition"


class OrderStatus(StrEnum):
    """Where an order stands (O1)."""

    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PaymentStatus(StrEnum):
    """Where an order's money stands."""

    NONE = "none"
    PENDING = "pending"
    UNKNOWN = "unknown"
    PAID = "paid"
    REFUNDED = "refunded"
    FAILED = "failed"


NEXT: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.PROCESSING, OrderStatus.CANCELLED, OrderStatus.EXPIRED),
    OrderStatus.PROCESSING: (OrderStatus.SHIPPED, OrderStatus.CANCELLED),
    OrderStatus.SHIPPED: (OrderStatus.DELIVERED,),
    OrderStatus.DELIVERED: (OrderStatus.COMPLETED,),
    OrderStatus.COMPLETED: (),
    OrderStatus.CANCELLED: (),
    OrderStatus.EXPIRED: (),
}


def require_transition(current: OrderStatus, requested: OrderStatus) -> None:
    """Raise `InvalidTransition` unless an order may go from one status to the other."""
    allowed = NEXT[current]
    if requested not in allowed:
        facts = {"current": current, "requested": requested, "allowed": list(allowed)}
        raise InvalidTransition(f"An order that is {current} cannot become {requested}.", facts=facts)
