"""Logging in, staying in, and out."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.auth import attempts, store, tokens
from chalicelib.auth.models import ACCESS_LIFETIME, BadCredentials, NoSuchSession, Session, TokenReused
from chalicelib.auth.schemas import Credentials
from chalicelib.auth.views import LoginView, SessionView, session_view
from chalicelib.aws import db
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.principal import Principal
from chalicelib.users import passwords
from chalicelib.users import store as user_store
from chalicelib.users.emails import to_look_up
from chalicelib.users.models import AuditEntry, User
from chalicelib.users.passwords import Verdict
from chalicelib.users.views import user_view


def login(credentials: Credentials, *, device: str, idle: timedelta | None = None) -> LoginView:
    """Start a session, or raise `BadCredentials` after the same work for any reason."""
    email = to_look_up(credentials.email)
    user_id = attempts.count_attempt(email) or ids.NOBODY
    user = user_store.get(user_id, consistent=True)
    verdict = passwords.verify(credentials.password, user.password_hash if user else None)
    if user is None or verdict is Verdict.WRONG or not user.is_active:
        raise BadCredentials("The email address or the password is wrong.")
    session_id = ids.new("ses")
    refresh_token = tokens.new_refresh_token(user.user_id, session_id)
    session = Session.start(user, refresh_token=refresh_token, session_id=session_id, device=device, idle=idle)
    moving_to = passwords.hash_password(credentials.password) if verdict is Verdict.OUTDATED else None
    store.create(session, user, attempts.reset(email, user.user_id), moving_to=moving_to)
    log.info("LOGGED_IN", sessionId=session_id)
    return _answer(user, session_id, refresh_token)


def refresh(refresh_token: str) -> LoginView:
    """Exchange a refresh token for a new pair; using one twice ends its session, but for a moment of grace (A2)."""
    owner = tokens.read_refresh_token(refresh_token)
    session = store.get(owner.user_id, owner.session_id)
    if session is None or not session.is_live:
        raise store.invalid_token()
    user = user_store.get(owner.user_id, consistent=True)
    if user is None or not user.is_active:
        raise store.invalid_token()
    salt = ids.secret()
    following = tokens.successor(refresh_token, salt)
    try:
        db.commit(store.rotate(session.refreshed(following, spent=refresh_token, salt=salt), spending=refresh_token))
    except TokenReused as reused:
        following = _successor_in_grace(owner, refresh_token, reused)
    return _answer(user, session.session_id, following)


def logout(principal: Principal) -> None:
    """End the session of this token; doing it again changes nothing (A4)."""
    db.commit(store.end(principal.user_id, principal.session_id))
    log.info("LOGGED_OUT", sessionId=principal.session_id)


def list_sessions(principal: Principal) -> list[SessionView]:
    """All of the caller's own live sessions, newest first."""
    return [session_view(each, current=principal.session_id) for each in store.list_live(principal.user_id)]


def list_page(principal: Principal, *, limit: int, after: str | None) -> tuple[list[SessionView], str | None]:
    """A page of the caller's own live sessions, newest first."""
    found, following = store.list_page(principal.user_id, limit=limit, after=after)
    return [session_view(each, current=principal.session_id) for each in found], following


def get_session(session_id: str, principal: Principal) -> SessionView:
    """One of the caller's own sessions, or `NoSuchSession`."""
    found = store.get(principal.user_id, session_id) if ids.is_valid("ses", session_id) else None
    if found is None or not found.is_live:
        raise NoSuchSession("There is no such session.")
    return session_view(found, current=principal.session_id)


def revoke(session_id: str, principal: Principal) -> None:
    """End one of the caller's own sessions, or raise `NoSuchSession`."""
    get_session(session_id, principal)
    db.commit(store.end(principal.user_id, session_id))
    log.info("SESSION_REVOKED", sessionId=session_id)


def require_open_session(principal: Principal) -> None:
    """Raise `InvalidToken` unless the caller's session is open at this moment (A3)."""
    if not store.is_open(principal.user_id, principal.session_id):
        raise store.invalid_token()


def _successor_in_grace(owner: tokens.RefreshToken, spent: str, reused: TokenReused) -> str:
    """What replaced the token that was spent last, for its second tab or a lost answer; else the session ends (A2).

    Nothing is written: all who show the token within the grace hold the same successor, and it is spent once.
    """
    session = store.get_open(owner.user_id, owner.session_id)
    if session is None:
        raise store.invalid_token()
    if not session.may_be_used_again(spent, grace=settings.current().refresh_grace_seconds):
        _end_reused(session)
        raise reused
    following = tokens.find_successor(spent, session.salt or "", session.refresh_hash)
    if following is None:
        raise store.invalid_token()
    log.info("REFRESHED_AGAIN", sessionId=session.session_id)
    return following


def _end_reused(session: Session) -> None:
    """End the session together with its entry in the history, from which the alarm by mail follows."""
    entry = AuditEntry(
        user_id=session.user_id,
        at=clock.timestamp(),
        actor="unknown",
        action="session.token_reused",
        changes={"sessionId": session.session_id},
        correlation_id=log.correlation_id(),
    )
    db.commit(store.end_once(session), user_store.record_audit(entry, session.session_id))
    log.warning("TOKEN_REUSE_DETECTED", sessionId=session.session_id)


def _answer(user: User, session_id: str, refresh_token: str) -> LoginView:
    return LoginView(
        access_token=tokens.issue(user, session_id),
        refresh_token=refresh_token,
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        session_id=session_id,
        user=user_view(user),
    )
