"""Sessions as the API shows them."""

from __future__ import annotations

from chalicelib.auth.models import Session
from chalicelib.core import clock
from chalicelib.core.schema import View
from chalicelib.users.views import UserView


class LoginView(View, frozen=True, kw_only=True):
    """The answer to a login."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name, not a secret
    expires_in: int
    session_id: str
    user: UserView


class SessionView(View, frozen=True, kw_only=True):
    """A session as the API shows it."""

    session_id: str
    device: str
    created_at: str
    last_used_at: str
    expires_at: str
    current: bool


def session_view(session: Session, *, current: str) -> SessionView:
    """What its user may know of a session; `current` is the id of the session that asks."""
    return SessionView(
        session_id=session.session_id,
        device=session.device,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=clock.timestamp(clock.from_epoch(session.expires_at)),
        current=session.session_id == current,
    )
