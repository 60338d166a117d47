"""Sessions in the table, beside their user."""

from __future__ import annotations

import msgspec

from chalicelib import db, keys
from chalicelib.auth.models import BadCredentials, Session
from chalicelib.users import store as users


def add(session: Session) -> None:
    """Write a session, unless its user was disabled or logged out everywhere meanwhile."""
    changed = BadCredentials("This account was changed just now; log in again.")
    db.commit(
        db.insert(keys.session(session.user_id, session.session_id), msgspec.to_builtins(session)),
        users.unchanged(session.user_id, session.session_version, otherwise=changed),
    )


def get(user_id: str, session_id: str) -> Session | None:
    """A session by one eventually consistent read; a session just made may need a second, consistent one."""
    key = keys.session(user_id, session_id)
    item = db.get(key) or db.get(key, consistent=True)
    return msgspec.convert(item, Session) if item else None


def remove(user_id: str, session_id: str) -> None:
    """End a session; ending one that is gone changes nothing."""
    db.commit(db.delete(keys.session(user_id, session_id)))
