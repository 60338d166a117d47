"""Sessions and credentials as values."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib import clock, ids
from chalicelib.errors import Unauthenticated
from chalicelib.users.models import User, UserView
from chalicelib.wire import Shape, View

ACCESS_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=7)


class BadCredentials(Unauthenticated):
    """The address is unknown or the password is wrong; which of them stays unsaid (W2)."""

    code = "bad_credentials"


class InvalidToken(Unauthenticated):
    """The access token is malformed, forged, expired or revoked; which of them stays unsaid (A4)."""

    code = "invalid_token"


class Credentials(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/login`."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One login as stored; `expires_at` is in epoch seconds, when DynamoDB may remove it."""

    session_id: str
    user_id: str
    session_version: int
    refresh_hash: str
    device: str
    created_at: str
    expires_at: int

    @classmethod
    def start(cls, user: User, *, refresh_token: str, device: str) -> Session:
        """A session that begins now."""
        return cls(
            session_id=ids.new("ses"),
            user_id=user.user_id,
            session_version=user.session_version,
            refresh_hash=ids.digest(refresh_token),
            device=device,
            created_at=clock.timestamp(),
            expires_at=clock.epoch() + int(SESSION_LIFETIME.total_seconds()),
        )

    @property
    def is_live(self) -> bool:
        """Has it not expired? Judged by the clock; the table removes it some time later."""
        return self.expires_at > clock.epoch()


class LoginView(View, frozen=True, kw_only=True):
    """The answer to a login."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name, not a secret
    expires_in: int
    session_id: str
    user: UserView
