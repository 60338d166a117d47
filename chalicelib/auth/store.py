"""Sessions in the table, beside their user."""

from __future__ import annotations

import msgspec

from chalicelib.auth.models import BadCredentials, InvalidToken, Session, TokenReused
from chalicelib.aws import db, keys
from chalicelib.core import clock, ids
from chalicelib.core.principal import Principal
from chalicelib.users import store as user_store
from chalicelib.users.models import User

_BATCH_SIZE = 80  # leaves room in a transaction of a hundred for what ends the sessions


def create(session: Session, user: User, *also: db.Write, moving_to: str | None) -> None:
    """Write a session, unless its user was disabled or logged out everywhere meanwhile.

    `moving_to` replaces the hash of the password, when it is to be.
    """
    changed = BadCredentials("This account was changed just now; log in again.")
    db.commit(
        db.insert(_key(session), msgspec.to_builtins(session)),
        user_store.record_login(user, moving_to=moving_to, otherwise=changed),
        *also,
    )


def get(user_id: str, session_id: str) -> Session | None:
    """A session by one eventually consistent read; a session just made may need a second, consistent one."""
    key = keys.session(user_id, session_id)
    item = db.get(key) or db.get(key, consistent=True)
    return msgspec.convert(item, Session) if item else None


def require_open(principal: Principal, *, otherwise: Exception) -> db.Write:
    """Hold a commit to the caller's session not having ended."""
    return db.check(
        keys.session(principal.user_id, principal.session_id),
        "attribute_exists(PK) AND expiresAt > :now",
        {":now": clock.epoch()},
        otherwise=otherwise,
    )


def get_open(user_id: str, session_id: str) -> Session | None:
    """A session that has not ended, up to date."""
    item = db.get(keys.session(user_id, session_id), consistent=True)
    session = msgspec.convert(item, Session) if item else None
    return session if session and session.is_live else None


def is_open(user_id: str, session_id: str) -> bool:
    """Has a session not ended? Up to date, where the gateway's cached policy may not be (A3)."""
    return get_open(user_id, session_id) is not None


def list_live(user_id: str) -> list[Session]:
    """All live sessions of a user, newest first."""
    return [session for session in _all(user_id) if session.is_live]


def list_page(user_id: str, *, limit: int, after: str | None) -> tuple[list[Session], str | None]:
    """A page of a user's live sessions, newest first; those that have expired shorten it."""
    found = _page(user_id, limit=limit, after=after)
    sessions = (msgspec.convert(item, Session) for item in found.items)
    return [session for session in sessions if session.is_live], found.after


def rotate(after: Session, *, spending: str) -> db.Write:
    """The write that spends a refresh token, unless it is spent already; of two uses at once only one wins (A2)."""
    return db.put(
        _key(after),
        msgspec.to_builtins(after),
        condition="refreshHash = :unspent",
        values={":unspent": ids.digest(spending)},
        otherwise=TokenReused("This refresh token was used before."),
    )


def end(user_id: str, session_id: str) -> db.Write:
    """The write that ends a session; ending one that is gone changes nothing."""
    return db.delete(keys.session(user_id, session_id))


def end_once(session: Session) -> db.Write:
    """The write that ends a session, or the answer to every bad token when it has ended already."""
    return db.delete(_key(session), condition="attribute_exists(PK)", otherwise=invalid_token())


def end_all(user_id: str, *, keep: str | None = None) -> list[db.Write]:
    """The writes that end a user's sessions but one; the oldest of very many are ended at once.

    To be committed with a change of the user conditional on `sessions_opened`, so that none slips through.
    """
    ending = [end(user_id, session.session_id) for session in _all(user_id) if session.session_id != keep]
    for start in range(_BATCH_SIZE, len(ending), _BATCH_SIZE):
        db.commit(*ending[start : start + _BATCH_SIZE])
    return ending[:_BATCH_SIZE]


def _all(user_id: str) -> list[Session]:
    items = db.every(lambda after: _page(user_id, limit=100, after=after))
    return [msgspec.convert(item, Session) for item in items]


def _page(user_id: str, *, limit: int, after: str | None) -> db.Page:
    return db.query(
        db.TABLE, keys.user(user_id).pk, prefix=keys.SESSION_PREFIX, limit=limit, after=after,
        newest_first=True, consistent=True,
    )  # fmt: skip


def _key(session: Session) -> keys.Key:
    return keys.session(session.user_id, session.session_id)


def invalid_token() -> InvalidToken:
    """The one answer to every token that is not good (A4)."""
    return InvalidToken("The token is not valid. Log in again.")
