"""Attempts and refunds in the table, in their order's partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from chalicelib.aws import db, keys
from chalicelib.core import clock, ids, log, settings
from chalicelib.payments.models import Attempt, AttemptState, Outcome, Refund, RefundOutcome, RefundState, predecessors


def create_attempt(attempt: Attempt) -> db.Write:
    """The write that records an attempt before the provider hears of it, which it does next (C5)."""
    sent = msgspec.structs.replace(attempt, state=AttemptState.PROCESSING)
    return db.insert(keys.payment(attempt.order_id, attempt.number), msgspec.to_builtins(sent))


def settle_attempt(attempt: Attempt, outcome: Outcome) -> db.Write:
    """The write that records what the provider said, provided that the attempt may come to stand there (P1)."""
    facts = {"paymentId": outcome.payment_id, "reason": outcome.reason}
    known = {name: value for name, value in facts.items() if value is not None}
    return _change_state(
        keys.payment(attempt.order_id, attempt.number), outcome.state, predecessors(outcome.state), known
    )


def get_attempt(order_id: str, number: int) -> Attempt | None:
    """An attempt as it stands, up to date."""
    item = db.get(keys.payment(order_id, number), consistent=True)
    return msgspec.convert(item, Attempt) if item else None


def record_look_up(attempt: Attempt) -> None:
    """Note when the provider was last asked for an attempt."""
    key = keys.payment(attempt.order_id, attempt.number)
    db.commit(db.update(key, "SET lookedUpAt = :now", {":now": clock.timestamp()}))


def count_miss(attempt: Attempt) -> int:
    """Note that the provider has not heard of an attempt, and give how often that was so (P4).

    Two who ask at the same moment have found out one thing and not two: only one of them is counted.
    """
    key = keys.payment(attempt.order_id, attempt.number)
    misses = int((db.get(key, consistent=True) or {}).get("misses", 0))
    unchanged = "misses = :before" if misses else "attribute_not_exists(misses)"
    values = {":after": misses + 1, **({":before": misses} if misses else {})}
    with suppress(db.Stale):
        db.commit(db.update(key, "SET misses = :after", values, condition=unchanged))
        return misses + 1
    return misses


def create_refund(refund: Refund) -> db.Write:
    """The write that records a refund before the provider hears of it (R1)."""
    index = {"GSI2PK": _refunds(RefundState.PENDING, refund), "GSI2SK": f"{refund.created_at}#{refund.refund_id}"}
    item = {**msgspec.to_builtins(refund), **index, "correlationId": log.correlation_id()}
    return db.insert(keys.refund(refund.order_id, refund.refund_id), item)


def create_foreign_refund(refund: Refund, outcome: RefundOutcome, *, at: str, order_version: int) -> db.Write:
    """The write that records a refund that was made at the provider, as it stands there."""
    place = f"{at}#{refund.refund_id}"
    index = {"GSI2PK": _refunds(outcome.state, refund), "GSI2SK": place, "correlationId": log.correlation_id()}
    is_over = outcome.state is not RefundState.PENDING
    ended = {"updatedAt": at, "orderVersion": order_version} if is_over else {}
    item = {**msgspec.to_builtins(refund), "state": outcome.state, **ended, **index}
    return db.insert(keys.refund(refund.order_id, refund.refund_id), item)


def postpone_refund(refund: Refund) -> db.Write:
    """The write that has the schedule ask for a pending refund again later; its condition fails when that is over."""
    key = keys.refund(refund.order_id, refund.refund_id)
    values = {":due": f"{refund.next_time}#{refund.refund_id}", ":pending": RefundState.PENDING}
    return db.update(key, "SET GSI2SK = :due", values, names={"#state": "state"}, condition="#state = :pending")


def settle_refund(refund: Refund, outcome: RefundOutcome, *, at: str, order_version: int) -> db.Write:
    """The write that records how a refund ended, once, and when, as the order has it."""
    reason = {"reason": outcome.reason} if outcome.reason else {}
    facts = {**reason, "updatedAt": at, "orderVersion": order_version}
    key, is_back = keys.refund(refund.order_id, refund.refund_id), outcome.state is RefundState.SUCCEEDED
    place = refund_index(refund, at=at) if is_back else {}
    gone = "" if is_back else " REMOVE GSI2PK, GSI2SK"
    return _change_state(key, outcome.state, (RefundState.PENDING,), {**facts, **place}, remove=gone)


def forget_note(refund: Refund) -> db.Write:
    """The write that leaves nothing of why a refund was made, in words that people wrote."""
    return db.update(keys.refund(refund.order_id, refund.refund_id), "REMOVE note, askedAs", {})


def get_refund(order_id: str, refund_id: str) -> Refund | None:
    """A refund as it stands, up to date."""
    item = db.get(keys.refund(order_id, refund_id), consistent=True)
    return msgspec.convert(item, Refund) if item else None


def list_refunds(order_id: str, *, limit: int, after: str | None) -> tuple[list[Refund], str | None]:
    """A page of an order's refunds, oldest first."""
    pk, prefix = keys.refund(order_id, "")
    page = db.query(db.TABLE, pk, prefix=prefix, limit=limit, after=after, consistent=True)
    return [msgspec.convert(item, Refund) for item in page.items], page.after


def get_last_refund(order_id: str) -> Refund | None:
    """The refund of an order that was begun last, up to date."""
    pk, prefix = keys.refund(order_id, "")
    page = db.query(db.TABLE, pk, prefix=prefix, limit=1, newest_first=True, consistent=True)
    return msgspec.convert(page.items[0], Refund) if page.items else None


def list_pending_refunds(*, before: str, limit: int) -> list[Refund]:
    """Refunds whose end is not known and that were due to be asked for before an instant, the longest due first."""
    shards = range(settings.current().index_shards)
    pages = [db.query(db.GSI2, keys.refunds_by_state(RefundState.PENDING, shard), limit=limit) for shard in shards]
    due = sorted((item for page in pages for item in page.items), key=lambda item: str(item["GSI2SK"]))
    return [msgspec.convert(item, Refund) for item in due if item["GSI2SK"] < before]


def refund_index(refund: Refund, *, at: str) -> dict[str, str]:
    """Where a refund that has succeeded stands among those of its day."""
    return {"GSI2PK": _refunds(RefundState.SUCCEEDED, refund), "GSI2SK": f"{at}#{refund.refund_id}"}


def list_given_back(*, since: str, until: str, after: str | None, limit: int) -> tuple[list[Refund], str | None]:
    """A page of the refunds of all orders that succeeded between two instants, newest first."""
    shards = range(settings.current().index_shards)
    partitions = [keys.refunds_by_state(RefundState.SUCCEEDED, shard) for shard in shards]
    page = db.query_shards(db.GSI2, partitions, limit=limit, after=after or until, since=since)
    return [msgspec.convert(item, Refund) for item in page.items], page.after


def _refunds(state: RefundState, refund: Refund) -> str:
    return keys.refunds_by_state(state, ids.shard(refund.order_id, settings.current().index_shards))


def _change_state(
    key: keys.Key, to: str, allowed: Sequence[str], facts: Mapping[str, Any], *, remove: str = ""
) -> db.Write:
    """The write that brings an item into a state, provided that it stands in one of those allowed."""
    places = {f":from{number}": state for number, state in enumerate(allowed or ("nowhere",))}  # IN wants one at least
    return db.update(
        key,
        f"SET {', '.join(['#state = :state', *(f'{name} = :{name}' for name in facts)])}{remove}",
        {":state": to, **places, **{f":{name}": value for name, value in facts.items()}},
        names={"#state": "state"},
        condition=f"#state IN ({', '.join(places)})",
    )
