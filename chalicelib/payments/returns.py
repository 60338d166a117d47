"""What went back of a payment as the provider's own books have it, whoever asked for it: refunds and disputes."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from chalicelib.payments.models import RefundOutcome, RefundState


class DisputeStatus(StrEnum):
    """Where a dispute stands: what is lost is gone, what is won or withdrawn has stayed."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Dispute(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A buyer's objection to a payment with their bank, in minor units; `dispute_id` is the provider's."""

    dispute_id: str
    status: DisputeStatus
    amount: int
    currency: str
    reason: str | None = None
    created_at: str

    @property
    def is_open(self) -> bool:
        """Is it not decided yet?"""
        return self.status is DisputeStatus.OPEN

    def may_become(self, status: DisputeStatus) -> bool:
        """May it come to stand there? One that was won may be taken up again; what is lost is gone."""
        return self.is_open or (self.status is DisputeStatus.WON and status is not DisputeStatus.WON)


class ProviderRefund(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A refund in the provider's books; `refund_id` is the shop's own, None for one that it did not ask for."""

    provider_id: str
    refund_id: str | None = None
    amount: int
    currency: str
    state: RefundState
    reason: str | None = None
    created_at: str

    @property
    def outcome(self) -> RefundOutcome:
        """What became of it."""
        return RefundOutcome(state=self.state, reason=self.reason, amount=self.amount, currency=self.currency)


class Returns(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that was asked to go back of one payment."""

    refunds: list[ProviderRefund] = []
    disputes: list[Dispute] = []

    @property
    def is_settled(self) -> bool:
        """Is no refund under way?"""
        return all(each.state is not RefundState.PENDING for each in self.refunds)

    @property
    def total(self) -> int:
        """The money that is gone."""
        refunded = sum(each.amount for each in self.refunds if each.state is RefundState.SUCCEEDED)
        return refunded + sum(each.amount for each in self.disputes if each.status is DisputeStatus.LOST)
