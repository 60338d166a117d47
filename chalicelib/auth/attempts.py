"""Failed logins, counted per address whether anybody has it or not (W2).

An attempt is counted before the password is looked at and the count is reset by success, so tries in parallel
cannot outrun it. Beyond the free ones only the latest of several at once may go on, and each makes the next wait.
"""

from __future__ import annotations

from chalicelib.auth.models import FREE_FAILURES, TooManyLogins, delay_after
from chalicelib.aws import db, keys
from chalicelib.core import clock

_KEPT_SECONDS = 24 * 3600


class _LoginBlocked(Exception):
    """The address has to wait."""


def count_attempt(email: str) -> str | None:
    """Count an attempt and give the id of who has the address, if anybody; or raise `TooManyLogins`."""
    try:
        address = db.update_and_get(_count(email))
        failures = address["failures"]
        if failures > FREE_FAILURES:
            db.commit(_make_wait(email, failures))
    except _LoginBlocked:
        raise _too_many(email) from None
    user_id = address.get("userId")
    return None if user_id is None else str(user_id)


def reset(email: str, user_id: str) -> db.Write:
    """The write that a proof of identity resets the count with, while that user has the address."""
    cleared = "SET failures = :none REMOVE blockedUntil"
    return db.update(keys.email_lock(email), cleared, {":none": 0, ":id": user_id}, condition="userId = :id")


def _count(email: str) -> db.Write:
    now = clock.epoch()
    return db.update(
        keys.email_lock(email),
        "SET failures = if_not_exists(failures, :zero) + :one, expiresAt = if_not_exists(keepUntil, :expiry)",
        {":zero": 0, ":one": 1, ":expiry": now + _KEPT_SECONDS, ":now": now},
        condition="attribute_not_exists(blockedUntil) OR blockedUntil <= :now",
        otherwise=_LoginBlocked(),
    )


def _make_wait(email: str, failures: int) -> db.Write:
    until = clock.epoch() + delay_after(failures)
    return db.update(
        keys.email_lock(email),
        "SET blockedUntil = :until",
        {":until": until, ":latest": failures},
        condition="failures = :latest",
        otherwise=_LoginBlocked(),
    )


def _too_many(email: str) -> TooManyLogins:
    item = db.get(keys.email_lock(email), consistent=True) or {}
    wait = max(1, item.get("blockedUntil", 0) - clock.epoch())
    return TooManyLogins("Too many failed logins for this address. Wait, or reset the password.", retry_after=wait)
