"""Sessions and credentials as values."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from chalicelib.core import clock, ids
from chalicelib.core.errors import Invalid, NotFound, TooManyRequests, Unauthenticated
from chalicelib.users.models import User

ACCESS_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=7)
IDLE_LIFETIME = timedelta(hours=24)

FREE_FAILURES = 5
MAX_DELAY = 3600


class BadCredentials(Unauthenticated):
    """The address is unknown or the password is wrong; which of them stays unsaid (W2)."""

    code = "bad_credentials"


class InvalidToken(Unauthenticated):
    """The token is malformed, forged, expired or revoked; which of them stays unsaid (A4)."""

    code = "invalid_token"


class TokenReused(Unauthenticated):
    """A refresh token was used a second time, so somebody else may have it; its session has ended (A2)."""

    code = "token_reuse_detected"


class TooManyLogins(TooManyRequests):
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


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One login as stored; `expires_at` and `ends_at` are epoch seconds.

    `ends_at` never moves. `expires_at` is when DynamoDB may remove it: the end, or earlier for one that is idle.
    `spent_hash` is of the token that was spent last, at `last_used_at`, and `salt` what its successor was made with.
    """

    session_id: str
    user_id: str
    refresh_hash: str
    spent_hash: str | None = None
    salt: str | None = None
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

    def may_be_used_again(self, spent: str, *, grace: int) -> bool:
        """Was this token spent last, at most `grace` seconds ago? None may while the grace is 0 (A2)."""
        if not grace or self.spent_hash != ids.digest(spent):
            return False
        return clock.now() - clock.parse(self.last_used_at) <= timedelta(seconds=grace)

    def refreshed(self, refresh_token: str, *, spent: str, salt: str) -> Session:
        """The session after its refresh token was exchanged for another; its end does not move (A1)."""
        return msgspec.structs.replace(
            self,
            refresh_hash=ids.digest(refresh_token),
            spent_hash=ids.digest(spent),
            salt=salt,
            last_used_at=clock.timestamp(),
            expires_at=_expiry(self.ends_at, self.idle_seconds),
        )


def delay_after(failures: int) -> int:
    """Seconds to wait after that many failed logins: none at first, then doubling up to an hour (W2)."""
    return min(MAX_DELAY, 2 ** min(failures - FREE_FAILURES, 12)) if failures > FREE_FAILURES else 0


def _expiry(ends_at: int, idle_seconds: int | None) -> int:
    return min(ends_at, clock.epoch() + idle_seconds) if idle_seconds else ends_at
