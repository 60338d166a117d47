"""Payment attempts and refunds as values."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib import clock, ids
from chalicelib.errors import Conflict, PaymentRequired
from chalicelib.wire import Shape


class PaymentDeclined(PaymentRequired):
    """The provider said no; nothing was charged."""

    code = "payment_declined"
    is_recorded = True


class OutcomeUnknown(Conflict):
    """Money may or may not have moved, so nothing else may be done with it yet (P3)."""

    code = "payment_outcome_unknown"


class AttemptState(StrEnum):
    """Where an attempt stands (P1)."""

    PROCESSING = "processing"
    CAPTURED = "captured"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RefundState(StrEnum):
    """Where a refund stands: its row is written before the provider hears of it (R1)."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"


class PaymentMethod(Shape, frozen=True, kw_only=True):
    """How an order is to be paid: a provider's one-time token, never card data."""

    type: Literal["card"]
    token: Annotated[str, Meta(pattern=r"^[!-~]{1,200}$(?!\n)", extra={"hint": "a payment token"})]


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One attempt to be paid, stored before the provider is called (C5)."""

    order_id: str
    user_id: str
    number: int
    amount: int
    currency: str
    state: AttemptState = AttemptState.PROCESSING
    created_at: str

    @property
    def merchant_key(self) -> str:
        """The key under which the provider charges at most once."""
        return f"{self.order_id}:{self.number}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider said about a charge; `reason` is a class of decline."""

    state: AttemptState
    payment_id: str | None = None
    reason: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Money to be given back; the provider gives it at most once per `refund_id`."""

    refund_id: str
    order_id: str
    user_id: str
    payment_id: str
    amount: int
    currency: str
    state: RefundState = RefundState.PENDING
    created_at: str

    @classmethod
    def of(cls, *, order_id: str, user_id: str, payment_id: str, amount: int, currency: str) -> Refund:
        """A refund that is about to be asked for."""
        return cls(
            refund_id=ids.new("ref"),
            order_id=order_id,
            user_id=user_id,
            payment_id=payment_id,
            amount=amount,
            currency=currency,
            created_at=clock.timestamp(),
        )
