"""Users in the table: the profile, and the lock that makes an address unique."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import db, keys
from chalicelib.users.models import EmailTaken, User


def add(user: User, *also: db.Write) -> None:
    """Write a new user and take the address, or raise `EmailTaken`."""
    taken = EmailTaken("An account with this email address exists already; log in instead.")
    db.commit(
        db.insert(keys.user(user.user_id), _to_item(user)),
        db.insert(keys.email_lock(user.email), {"userId": user.user_id}, otherwise=taken),
        *also,
    )


def get(user_id: str) -> User | None:
    """The user with that id."""
    item = db.get(keys.user(user_id))
    return _from_item(item) if item else None


def by_email(email: str) -> User | None:
    """The user who holds the address, by its lock: two round trips, both up to date."""
    lock = db.get(keys.email_lock(email), consistent=True)
    item = db.get(keys.user(lock["userId"]), consistent=True) if lock else None
    return _from_item(item) if item else None


def unchanged(user_id: str, session_version: int, *, otherwise: Exception) -> db.Write:
    """Hold a commit to the user being active and none of their sessions having been revoked since."""
    condition = "#status = :active AND sessionVersion = :version"
    values = {":active": "active", ":version": session_version}
    return db.check(keys.user(user_id), condition, values, names={"#status": "status"}, otherwise=otherwise)


def _to_item(user: User) -> dict[str, Any]:
    index = {"GSI1PK": f"EMAIL#{user.email}", "GSI1SK": keys.USER_INDEX_SK}
    return {**msgspec.to_builtins(user), **index, "updatedBy": user.user_id}


def _from_item(item: db.Item) -> User:
    return msgspec.convert(item, User)
