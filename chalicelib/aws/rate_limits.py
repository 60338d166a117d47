"""Counting what somebody may do only so often an hour."""

from __future__ import annotations

from chalicelib.aws import db, keys
from chalicelib.core import clock, ids

_HOUR = 3600


class LimitReached(Exception):
    """As often as allowed already."""


def count_use(action: str, who: str, *, most: int) -> db.Write:
    """The write that counts one use by `who` in this hour, or `LimitReached` beyond `most`; no read."""
    return db.update(
        key(action, who),
        "SET hits = if_not_exists(hits, :zero) + :one, expiresAt = :end",
        {":zero": 0, ":one": 1, ":most": most, ":end": (clock.epoch() // _HOUR + 2) * _HOUR},
        condition="attribute_not_exists(hits) OR hits < :most",
        otherwise=LimitReached(action),
    )


def key(action: str, who: str) -> keys.Key:
    """Where the uses by `who` in this hour are counted, to be read together with other things."""
    return keys.limit(action, clock.epoch() // _HOUR, ids.digest(who))


def uses(counted: db.Item | None) -> int:
    """How many uses an item that was read by `key` stands for."""
    return int(counted["hits"]) if counted else 0


def seconds_left() -> int:
    """Until the present hour ends and counting starts anew."""
    return _HOUR - clock.epoch() % _HOUR
