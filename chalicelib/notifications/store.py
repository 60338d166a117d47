"""Marks of effects that have happened, so that a record that comes twice has its effect once (E1)."""

from __future__ import annotations

from chalicelib import clock, db, keys

_KEPT_SECONDS = 7 * 24 * 3600  # a stream holds its records for a day; repeats come within that
_LEASE_SECONDS = 60


class AlreadyDone(Exception):
    """The effect has happened, or somebody else is at it."""


def begin(event_id: str, effect: str) -> None:
    """Take an effect in hand, or raise `AlreadyDone`; one begun and not finished within a minute may be taken over."""
    now = clock.epoch()
    mark = {"state": "begun", "leaseUntil": now + _LEASE_SECONDS, "expiresAt": now + _KEPT_SECONDS}
    free = "attribute_not_exists(PK) OR (#state = :begun AND leaseUntil <= :now)"
    db.commit(
        db.put(
            keys.effect(event_id, effect), mark, condition=free,
            values={":begun": "begun", ":now": now}, names={"#state": "state"}, otherwise=AlreadyDone(effect),
        )
    )  # fmt: skip


def finish(event_id: str, effect: str) -> None:
    """Record that the effect has happened."""
    values = {":done": "done"}
    db.commit(db.update(keys.effect(event_id, effect), "SET #state = :done", values, names={"#state": "state"}))


def abandon(event_id: str, effect: str) -> None:
    """Let go of an effect that did not happen, so that the next delivery tries again at once."""
    db.commit(db.delete(keys.effect(event_id, effect)))
