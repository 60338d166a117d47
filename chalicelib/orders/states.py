"""Where an order, its money and its goods can stand, and the only ways from one status to another (O1)."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.core.errors import Conflict
from chalicelib.payments.models import AttemptState


class InvalidTransition(Conflict):
    """The order's status does not allow it, or not to this caller."""

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
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"


class FulfillmentStatus(StrEnum):
    """Where an order's goods stand."""

    UNFULFILLED = "unfulfilled"
    FULFILLED = "fulfilled"
    RETURNED = "returned"


class Hold(StrEnum):
    """What was done at the payment provider for which an order is not shipped by itself (F20)."""

    DISPUTE = "dispute"
    REFUND = "refund"


class Actor(StrEnum):
    """What somebody is to an order."""

    BUYER = "buyer"
    ADMIN = "admin"
    SYSTEM = "system"


AWAITED = (
    PaymentStatus.NONE,  # free of charge, and not told yet
    PaymentStatus.PENDING,
    PaymentStatus.UNKNOWN,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.REQUIRES_ACTION,
)
PAYMENT_OF = {
    AttemptState.CAPTURED: PaymentStatus.PAID,
    AttemptState.FAILED: PaymentStatus.FAILED,
    AttemptState.VOIDED: PaymentStatus.VOIDED,
    AttemptState.AUTHORIZED: PaymentStatus.AUTHORIZED,
    AttemptState.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    AttemptState.UNKNOWN: PaymentStatus.UNKNOWN,
}
ATTEMPT_OF = {payment: attempt for attempt, payment in PAYMENT_OF.items()} | {
    PaymentStatus.PENDING: AttemptState.PROCESSING,
}


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When the order came into a status, by whom, and why if that was said.

    With an `event`, such as a dispute that was lost, something happened to its money at the provider meanwhile.
    """

    status: OrderStatus
    at: str
    actor: str
    reason: str | None = None
    event: str | UnsetType = UNSET
    despite: Hold | UnsetType = UNSET


_S = OrderStatus
NEXT: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    _S.PENDING: (_S.PROCESSING, _S.CANCELLED, _S.EXPIRED),
    _S.PROCESSING: (_S.SHIPPED, _S.CANCELLED),
    _S.SHIPPED: (_S.DELIVERED,),
    _S.DELIVERED: (_S.COMPLETED,),
    _S.COMPLETED: (),
    _S.CANCELLED: (),
    _S.EXPIRED: (),
}
_OPEN_TO: dict[Actor, tuple[OrderStatus, ...]] = {
    Actor.BUYER: (_S.CANCELLED,),
    Actor.ADMIN: (_S.PROCESSING, _S.SHIPPED, _S.DELIVERED, _S.COMPLETED, _S.CANCELLED),
    Actor.SYSTEM: (_S.PROCESSING, _S.COMPLETED, _S.CANCELLED, _S.EXPIRED),
}


def allowed(current: OrderStatus, actor: Actor) -> list[OrderStatus]:
    """Where an order may go from a status at that actor's word."""
    return [following for following in NEXT[current] if following in _OPEN_TO[actor]]


def require_transition(
    current: OrderStatus, requested: OrderStatus, actor: Actor, *, but: tuple[OrderStatus, ...] = ()
) -> None:
    """Raise `InvalidTransition` unless the actor may bring an order from one status to the other.

    `but` are ways that are closed to this one order.
    """
    open_ways = [way for way in allowed(current, actor) if way not in but]
    if requested not in open_ways:
        facts = {"current": current, "requested": requested, "allowed": open_ways}
        raise InvalidTransition(f"An order that is {current} cannot become {requested}.", facts=facts)
