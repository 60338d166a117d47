"""Marks of effects that have happened, so that a record that comes twice has its effect once (E1).

The mark is made after the effect: a crash between them repeats the effect at the next delivery, where a mark made
before would lose it. A stream hands a record to one invocation at a time, so no two are ever at the same effect.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.aws import db, keys
from chalicelib.core import clock

# A dead letter lies in its queue for 14 days at most, and is then delivered once more.
_KEPT_SECONDS = 16 * 24 * 3600
_TRIES = "TRIES"

Effect = tuple[str, str]  # of an event's id, the effect's name


def get_done(effects: Iterable[Effect]) -> set[Effect]:
    """Those of these effects that have happened, one round trip for a hundred."""
    wanted = {keys.effect(*effect): effect for effect in effects}
    return {wanted[key] for key in db.get_many(wanted, consistent=True)}


def record(effects: Iterable[Effect]) -> None:
    """Note that effects have happened."""
    db.batch_put([db.put(keys.effect(*effect), _mark()) for effect in effects])


def mark(effect: Effect) -> db.Write:
    """The write that notes that an effect has happened, if nobody did."""
    return db.insert(keys.effect(*effect), _mark())


def count_try(event_id: str) -> int:
    """Note that a record has failed once more, and give how often it did."""
    counted = "SET tries = if_not_exists(tries, :none) + :one, expiresAt = :expiry"
    values = {":none": 0, ":one": 1, ":expiry": _mark()["expiresAt"]}
    return int(db.update_and_get(db.update(keys.effect(event_id, _TRIES), counted, values, condition=""))["tries"])


def _mark() -> dict[str, int]:
    return {"expiresAt": clock.epoch() + _KEPT_SECONDS}
