"""Marks of effects that have happened, so that a record that comes twice has its effect once (E1).

The mark is made after the effect: a crash between them repeats the effect at the next delivery, where a mark made
before would lose it. A stream hands a record to one invocation at a time, so no two are ever at the same effect.
"""

from __future__ import annotations

from chalicelib import clock, db, keys

_KEPT_SECONDS = 7 * 24 * 3600  # a stream holds its records for a day; repeats come within that


def happened(event_id: str, effect: str) -> bool:
    """Has this effect of this event happened?"""
    return db.get(keys.effect(event_id, effect), consistent=True) is not None


def record(event_id: str, effect: str) -> None:
    """Note that the effect has happened."""
    db.commit(db.put(keys.effect(event_id, effect), {"expiresAt": clock.epoch() + _KEPT_SECONDS}))
