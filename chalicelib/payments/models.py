"""Payment attempts and refunds as values: where each can stand, and what a provider can say of it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from chalicelib.core import clock, ids
from chalicelib.core.errors import Conflict, Invalid, PaymentRequired


class PaymentDeclined(PaymentRequired):
    """The provider said no; nothing was charged."""

    code = "payment_declined"
    is_recorded = True


class OutcomeUnknown(Conflict):
    """Money may or may not have moved, so nothing else may be done with it yet (P3)."""

    code = "payment_outcome_unknown"


class InvalidSignature(Invalid):
    """A webhook that the provider did not sign, or not lately (P5)."""

    code = "invalid_signature"


class UnreadableEvent(Invalid):
    """A webhook that the provider did sign, in words that this shop does not understand."""

    code = "unreadable_event"


_MAX_PAUSE = timedelta(hours=1)


def _next_time(begun_at: str, last_at: str) -> str:
    """When to ask again for what was begun and last asked for at those times."""
    last = clock.parse(last_at)
    return clock.timestamp(last + min(last - clock.parse(begun_at), _MAX_PAUSE))


class AttemptState(StrEnum):
    """Where an attempt stands (P1)."""

    CREATED = "created"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


_S = AttemptState
_HEARD = (_S.AUTHORIZED, _S.CAPTURED, _S.FAILED)

# The rule's own arrows; beyond it, an outcome not heard yet, in doubt or up to the buyer may also turn out to wait for
# the buyer, to have been voided at the provider, or to go into doubt (docs/adr/0007).
NEXT: dict[AttemptState, tuple[AttemptState, ...]] = {
    _S.CREATED: (_S.PROCESSING,),
    _S.PROCESSING: (*_HEARD, _S.UNKNOWN, _S.REQUIRES_ACTION, _S.VOIDED),
    _S.UNKNOWN: (*_HEARD, _S.REQUIRES_ACTION, _S.VOIDED),
    _S.REQUIRES_ACTION: (*_HEARD, _S.UNKNOWN, _S.VOIDED),
    _S.AUTHORIZED: (_S.CAPTURED, _S.VOIDED),
    _S.CAPTURED: (_S.PARTIALLY_REFUNDED, _S.REFUNDED),
    _S.PARTIALLY_REFUNDED: (_S.REFUNDED,),
    _S.FAILED: (),
    _S.VOIDED: (),
    _S.REFUNDED: (),
}


def may_become(current: AttemptState, following: AttemptState) -> bool:
    """May an attempt go from one state to the other? Staying is no transition (P1)."""
    return following in NEXT[current]


def predecessors(state: AttemptState) -> tuple[AttemptState, ...]:
    """The states from which an attempt may come into `state`."""
    return tuple(each for each in AttemptState if may_become(each, state))


class RefundState(StrEnum):
    """Where a refund stands: its row is written before the provider hears of it (R1)."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One attempt to be paid of `amount` minor units, stored before the provider is called (C5)."""

    order_id: str
    user_id: str
    number: int
    amount: int
    currency: str
    state: AttemptState = AttemptState.CREATED
    payment_id: str | None = None
    reason: str | None = None
    created_at: str
    looked_up_at: str | None = None

    @property
    def is_due(self) -> bool:
        """Is it time to ask for it again? Each time after as long again as it was old, at most an hour (P4)."""
        return self.looked_up_at is None or clock.timestamp() >= _next_time(self.created_at, self.looked_up_at)

    @property
    def merchant_key(self) -> str:
        """The key under which the provider charges at most once."""
        return f"{self.order_id}:{self.number}"


class NextAction(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the buyer has to do: go to `url`, or let the provider's script go on with `client_secret`.

    The secret is for the buyer's eyes only: it belongs into the answer, never into the table or a log.
    """

    url: str | None = None
    client_secret: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the provider said about a charge: `reason` is a class of decline, `amount` is in minor units.

    Amount and currency are the provider's own figures, None where it gave none. `has_returns` says that something of
    it was refunded or disputed, as far as the provider tells.
    """

    state: AttemptState
    payment_id: str | None = None
    reason: str | None = None
    amount: int | None = None
    currency: str | None = None
    next_action: NextAction | None = None
    has_returns: bool = False

    def is_about(self, amount: int, currency: str) -> bool:
        """Is it about that much money? What the provider left open counts as agreed (P5)."""
        return self.amount in (None, amount) and self.currency in (None, currency)


class RefundedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """So many units of a product that a refund is for, at `amount` minor units together."""

    product_id: str
    quantity: int
    amount: int


class Refund(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Money to be given back, in minor units; the provider gives it at most once per `refund_id`.

    `note` is why the shop gives it back, `reason` why the provider did not. `updated_at` is when it ended, and
    `order_version` the version that this made of the order. `provider_id` names one that was made at the provider,
    which the shop looks up and never asks for. `asked_as` names the idempotency record of the request for it.
    """

    refund_id: str
    order_id: str
    user_id: str
    payment_id: str
    amount: int
    currency: str
    items: tuple[RefundedItem, ...] = ()
    note: str | None = None
    state: RefundState = RefundState.PENDING
    reason: str | None = None
    created_at: str
    updated_at: str | None = None
    order_version: int | None = None
    asked_as: str | None = None
    provider_id: str | None = None

    @property
    def next_time(self) -> str:
        """When to ask for it again if it is asked for now: ever later, as for an attempt (P4)."""
        return _next_time(self.created_at, clock.timestamp())

    @classmethod
    def of(cls, *, order_id: str, user_id: str, payment_id: str, amount: int, currency: str, **more: Any) -> Refund:
        """A refund that is about to be asked for."""
        return cls(
            refund_id=ids.new("ref"),
            order_id=order_id,
            user_id=user_id,
            payment_id=payment_id,
            amount=amount,
            currency=currency,
            created_at=clock.timestamp(),
            **more,
        )


class RefundOutcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the provider said about a refund; pending means that it will say more later."""

    state: RefundState
    reason: str | None = None
    amount: int | None = None
    currency: str | None = None

    def is_about(self, amount: int, currency: str) -> bool:
        """Is it about that much money? What the provider left open counts as agreed (P5)."""
        return self.amount in (None, amount) and self.currency in (None, currency)


class ProviderEventKind(StrEnum):
    """What a provider's message is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    GIVEN_BACK = "given_back"
    RETURN = "return"


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider's own message that something happened, verified: of a payment, of a refund, or of all that went back.

    A `return` only says that something was refunded or disputed there, so that it is worth asking.

    It may come late, twice and out of order (P5). A payment has `merchant_key` and `outcome`, a refund `refund_id`
    and `refund`, and what went back of a payment its `merchant_key` alone; `amount` is in minor units, `created_at`
    the time at the provider.
    """

    event_id: str
    kind: ProviderEventKind
    order_id: str
    merchant_key: str | None = None
    outcome: Outcome | None = None
    refund_id: str | None = None
    refund: RefundOutcome | None = None
    payment_id: str | None = None
    amount: int
    currency: str
    created_at: str
