"""Logging in and out."""

from __future__ import annotations

from chalicelib import ids, log
from chalicelib.access import Principal
from chalicelib.auth import store, tokens
from chalicelib.auth.models import ACCESS_LIFETIME, BadCredentials, Credentials, LoginView, Session
from chalicelib.users import passwords
from chalicelib.users import store as users
from chalicelib.users.models import fold


def login(credentials: Credentials, *, device: str) -> LoginView:
    """Start a session, or raise `BadCredentials` after the same work for any reason."""
    user = users.by_email(fold(credentials.email))
    known = passwords.matches(credentials.password, user.password_hash if user else None)
    if user is None or not known or not user.is_active:
        raise BadCredentials("The email address or the password is wrong.")
    refresh_token = ids.secret()
    session = Session.start(user, refresh_token=refresh_token, device=device[:200])
    store.add(session)
    log.info("LOGGED_IN", sessionId=session.session_id)
    return LoginView(
        access_token=tokens.issue(user, session),
        refresh_token=refresh_token,
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        session_id=session.session_id,
        user=user.view(),
    )


def logout(principal: Principal) -> None:
    """End the session of this token; doing it again changes nothing (A4)."""
    store.remove(principal.user_id, principal.session_id)
    log.info("LOGGED_OUT", sessionId=principal.session_id)
