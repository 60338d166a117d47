"""Sessions and credentials as values."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.core import clock, ids
from chalicelib.core.errors import Invalid, NotFound, TooMany, Unauthenticated
from chalicelib.core.schema import Shape, View
from chalicelib.users.models import User
from chalicelib.users.shapes import Password, UserView

ACCESS_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=7)
IDLE_LIFETIME = timedelta(hours=24)

FREE_FAILURES = 5
LONGEST_DELAY = 3600


class BadCredentials(Unauthenticated):
    """The address is unknown or the password is wrong; which of them stays unsaid (W2)."""

    code = "bad_credentials"


class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired or revoked; which of them stays unsaid (A4)."""

    code = "invalid_token"


class TokenReused(Unauthenticated):
    """A refresh token was used a second time, so somebody else may have it; its session has ended (A2)."""

    code = "token_reuse_detected"


class TooManyLogins(TooMany):
    """Too many failed logins for this address, known or not (W2)."""

    code = "too_many_attempts"


class NoSuchSession(NotFound):
    """No session of the caller's has that id (O4)."""

    code = "session_not_found"


class InvalidOneTimeToken(Invalid):
    """The token from a mail is not, or no longer, good."""

    code = "invalid_one_time_token"


class WrongPassword(Invalid):
    """The present password given to change it is not the present password."""

    code = "wrong_password"


class Credentials(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/login` and `POST /sessions`."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]
    cart_token: Annotated[str, Meta(max_length=1000)] | None = None


class RefreshRequest(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/refresh`."""

    refresh_token: Annotated[str, Meta(max_length=1000)]


class ForgotRequest(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/password/forgot`."""

    email: Annotated[str, Meta(max_length=254)]


class ResetRequest(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/password/reset`."""

    token: Annotated[str, Meta(max_length=500)]
    password: Password


class VerifyRequest(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/verify`."""

    token: Annotated[str, Meta(max_length=500)]


class PasswordChange(Shape, frozen=True, kw_only=True):
    """The body of `PUT /users/password`."""

    old_password: Annotated[str, Meta(max_length=1000)]
    new_password: Password


class LogoutQuery(Shape, frozen=True, kw_only=True):
    """The query of `POST /auth/logout`."""

    all: bool = False


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One login as stored; `expires_at` and `ends_at` are epoch seconds.

    `ends_at` never moves. `expires_at` is when DynamoDB may remove it: the end, or earlier for one that is idle.
    """

    session_id: str
    user_id: str
    refresh_hash: str
    device: str
    created_at: str
    last_used_at: str
    idle_seconds: int | None = None
    ends_at: int
    expires_at: int

    @classmethod
    def start(cls, user: User, *, refresh_token: str, session_id: str, device: str, idle: timedelta | None) -> Session:
        """A session that begins now and, with `idle`, ends early when it is not refreshed for that long."""
        now, ends_at = clock.timestamp(), clock.epoch() + int(SESSION_LIFETIME.total_seconds())
        idle_seconds = int(idle.total_seconds()) if idle else None
        return cls(
            session_id=session_id,
            user_id=user.user_id,
            refresh_hash=ids.digest(refresh_token),
            device=device[:200],
            created_at=now,
            last_used_at=now,
            idle_seconds=idle_seconds,
            ends_at=ends_at,
            expires_at=_expiry(ends_at, idle_seconds),
        )

    @property
    def is_live(self) -> bool:
        """Has it not expired? Judged by the clock; the table removes it some time later."""
        return self.expires_at > clock.epoch()

    def refreshed(self, refresh_token: str) -> Session:
        """The session after its refresh token was exchanged for another; its end does not move (A1)."""
        return msgspec.structs.replace(
            self,
            refresh_hash=ids.digest(refresh_token),
            last_used_at=clock.timestamp(),
            expires_at=_expiry(self.ends_at, self.idle_seconds),
        )

    def view(self, current: str) -> SessionView:
        """What its user may know of it; `current` is the session that asks."""
        return SessionView(
            session_id=self.session_id,
            device=self.device,
            created_at=self.created_at,
            last_used_at=self.last_used_at,
            expires_at=clock.timestamp(clock.at(self.expires_at)),
            current=self.session_id == current,
        )


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


def delay_after(failures: int) -> int:
    """Seconds to wait after that many failed logins: none at first, then doubling up to an hour (W2)."""
    return min(LONGEST_DELAY, 2 ** min(failures - FREE_FAILURES, 12)) if failures > FREE_FAILURES else 0


def _expiry(ends_at: int, idle_seconds: int | None) -> int:
    return min(ends_at, clock.epoch() + idle_seconds) if idle_seconds else ends_at
