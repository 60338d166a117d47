"""Counting what somebody may do only so often an hour."""

from __future__ import annotations

from chalicelib import clock, db, ids, keys

_HOUR = 3600


class LimitReached(Exception):
    """As often as allowed already."""


def use(action: str, who: str, *, most: int) -> db.Write:
    """The write that counts one use by `who` in this hour, or `LimitReached` beyond `most`; no read."""
    hour = clock.epoch() // _HOUR
    return db.update(
        keys.limit(action, hour, ids.digest(who)),
        "SET hits = if_not_exists(hits, :zero) + :one, expiresAt = :end",
        {":zero": 0, ":one": 1, ":most": most, ":end": (hour + 2) * _HOUR},
        condition="attribute_not_exists(hits) OR hits < :most",
        otherwise=LimitReached(action),
    )


def seconds_left() -> int:
    """Until the present hour ends and counting starts anew."""
    return _HOUR - clock.epoch() % _HOUR
