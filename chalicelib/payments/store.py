"""Attempts and refunds in the table, in their order's partition."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import db, ids, keys, settings
from chalicelib.payments.models import Attempt, Outcome, Refund, RefundState


def open_attempt(attempt: Attempt) -> db.Write:
    """The write that records an attempt before the provider hears of it (C5)."""
    return db.insert(keys.payment(attempt.order_id, attempt.number), msgspec.to_builtins(attempt))


def settle_attempt(attempt: Attempt, outcome: Outcome) -> db.Write:
    """The write that records what the provider said, provided that nobody recorded an end before (P1)."""
    facts: dict[str, Any] = {":state": outcome.state, ":payment": outcome.payment_id, ":reason": outcome.reason}
    return db.update(
        keys.payment(attempt.order_id, attempt.number),
        "SET #state = :state, paymentId = :payment, reason = :reason",
        {**facts, ":open": "processing", ":unknown": "unknown"},
        names={"#state": "state"},
        condition="#state IN (:open, :unknown)",
    )


def count_miss(attempt: Attempt) -> int:
    """Note that the provider has not heard of an attempt, and give how often that was so (P4)."""
    key = keys.payment(attempt.order_id, attempt.number)
    misses = int((db.get(key, consistent=True) or {}).get("misses", 0))
    unchanged = "misses = :before" if misses else "attribute_not_exists(misses)"
    values = {":after": misses + 1, **({":before": misses} if misses else {})}
    db.commit(db.update(key, "SET misses = :after", values, condition=unchanged))
    return misses + 1


def open_refund(refund: Refund) -> db.Write:
    """The write that records a refund before the provider hears of it (R1)."""
    index = {"GSI2PK": _refunds(RefundState.PENDING, refund), "GSI2SK": f"{refund.created_at}#{refund.refund_id}"}
    return db.insert(keys.refund(refund.order_id, refund.refund_id), {**msgspec.to_builtins(refund), **index})


def settle_refund(refund: Refund) -> db.Write:
    """The write that records that the money is back, once."""
    return db.update(
        keys.refund(refund.order_id, refund.refund_id),
        "SET #state = :succeeded REMOVE GSI2PK, GSI2SK",
        {":succeeded": RefundState.SUCCEEDED, ":pending": RefundState.PENDING},
        names={"#state": "state"},
        condition="#state = :pending",
    )


def pending_refunds(*, before: str, limit: int) -> list[Refund]:
    """Refunds begun before an instant whose end is not known."""
    shards = range(settings.current().index_shards)
    pages = [
        db.query(db.GSI2, keys.refunds_by_state(RefundState.PENDING, shard), limit=limit, before=before)
        for shard in shards
    ]
    return [msgspec.convert(item, Refund) for page in pages for item in page.items]


def _refunds(state: RefundState, refund: Refund) -> str:
    return keys.refunds_by_state(state, ids.shard(refund.order_id, settings.current().index_shards))
