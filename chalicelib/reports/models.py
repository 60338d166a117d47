"""What a store audit finds."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class DriftKind(StrEnum):
    """What does not add up."""

    STOCK = "stock"
    PAYMENT = "payment"
    REFUND = "refund"
    UNKNOWN_PAYMENT = "unknown_payment"
    UNKNOWN_REFUND = "unknown_refund"


class Drift(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that does not add up: units of a product, or minor units of an order's money."""

    kind: DriftKind
    subject: str
    expected: int
    found: int


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a store audit found; `undecided` products were sold meanwhile.

    `unanswered` counts the questions that the payment provider left open, and `complete` says whether there were none
    and the time sufficed. Where it did not, `stopped_at` is the last order whose money was judged, "" for none.
    """

    at: str
    complete: bool
    products: int
    orders: int
    undecided: int
    unanswered: int = 0
    stopped_at: str | None = None
    drifts: list[Drift]
