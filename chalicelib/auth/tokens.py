"""Access and refresh tokens.

An access token is a JWT, HS256 under a named key, checked with one read. A refresh token names its session and
carries 256 secret bits under a seal of ours, so that one which was spent is told from one which was made up; only
its hash is stored. A successor follows from the token that it replaces and a salt, so that whoever shows the spent
token again can be given the same one, which nobody else can make of what is stored. This module is all that the
authorizer's own Lambda loads besides the shared rooms.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any, NamedTuple

from chalicelib.auth import store
from chalicelib.auth.models import ACCESS_LIFETIME
from chalicelib.aws import keyring
from chalicelib.core import clock, ids
from chalicelib.core.principal import Principal, Role
from chalicelib.users.models import User

_ISSUER = "ecommerce-api"
_ALGORITHM = "HS256"
_TYPE = "at+jwt"
_CLAIMS = ["userId", "email", "role", "roles", "iat", "exp", "iss", "jti", "sid"]
_MAX_LENGTH = 4096
# base64url without padding, whose last letter has no bits that say nothing: one spelling for the same bytes (F26).
_PART = r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?"
_SPELLING = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
_CLOCK_SKEW = 60
_REFRESH_PURPOSE = "refresh"


class RefreshToken(NamedTuple):
    """What a refresh token of ours says: whose session it belongs to."""

    user_id: str
    session_id: str


def issue(user: User, session_id: str) -> str:
    """A signed access token for one session, good for 24 hours while the session lives."""
    import jwt  # noqa: PLC0415 - only the paths that need it pay for its import

    now = clock.epoch()
    claims = {
        "iss": _ISSUER,
        "userId": user.user_id,
        "email": user.email,
        "role": user.role,
        "roles": user.roles,
        "iat": now,
        "exp": now + int(ACCESS_LIFETIME.total_seconds()),
        "jti": ids.new("tok"),
        "sid": session_id,
    }
    key = keyring.get_signing_key()
    return jwt.encode(claims, key.secret, algorithm=_ALGORITHM, headers={"kid": key.kid, "typ": _TYPE})


def authenticate(authorization: str) -> Principal:
    """Who sends this Authorization header: `Bearer`, one blank, and an access token as it was given out.

    Checks signature, algorithm, issuer, expiry, and by one read that the session still lives.
    Raises `InvalidToken`, the same for every reason.
    """
    scheme, _, token = authorization.partition(" ")
    claims = _verified(token) if scheme.lower() == "bearer" else {}
    if not _is_ours(claims):
        raise store.invalid_token()
    session = store.get(claims["userId"], claims["sid"])
    if session is None or not session.is_live:
        raise store.invalid_token()
    return Principal(
        user_id=claims["userId"],
        email=claims["email"],
        roles=tuple(Role(role) for role in claims["roles"]),
        session_id=claims["sid"],
    )


def new_refresh_token(user_id: str, session_id: str) -> str:
    """A refresh token for a session, to be stored as its hash only."""
    content = f"{user_id}.{session_id}.{ids.secret()}"
    return f"{content}.{keyring.seal(content, purpose=_REFRESH_PURPOSE)}"


def successor(spent: str, salt: str) -> str:
    """The refresh token that replaces a sealed one; of the same two always the same secret."""
    content = _succeeding(spent, salt)
    return f"{content}.{keyring.seal(content, purpose=_REFRESH_PURPOSE)}"


def find_successor(spent: str, salt: str, refresh_hash: str) -> str | None:
    """The token of that hash that has replaced a spent one; None if it was sealed by a key that is gone since."""
    content = _succeeding(spent, salt)

    def fits(mac: str) -> bool:
        return ids.digest(f"{content}.{mac}") == refresh_hash

    mac = keyring.seal_that(fits, content, purpose=_REFRESH_PURPOSE)
    return None if mac is None else f"{content}.{mac}"


def read_refresh_token(token: str) -> RefreshToken:
    """Which session a refresh token of ours belongs to, spent or not. Raises `InvalidToken`."""
    content, _, mac = token.rpartition(".")
    parts = content.split(".")
    if len(parts) != 3 or not keyring.is_sealed(content, mac, purpose=_REFRESH_PURPOSE):  # noqa: PLR2004 - as made above
        raise store.invalid_token()
    return RefreshToken(parts[0], parts[1])


def _succeeding(spent: str, salt: str) -> str:
    """A refresh token without its seal: 256 bits that need the spent token and the salt to be known."""
    user_id, session_id, _ = spent.split(".", maxsplit=2)
    secret = hmac.new(spent.encode(), salt.encode(), hashlib.sha256).digest()
    return f"{user_id}.{session_id}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def _verified(token: str) -> dict[str, Any]:
    """The claims of a token that one of our keys signed, else nothing."""
    import jwt  # noqa: PLC0415 - see issue

    try:
        is_readable = len(token) <= _MAX_LENGTH and _SPELLING.fullmatch(token)
        header = jwt.get_unverified_header(token) if is_readable else {}
        key = keyring.get_key(str(header.get("kid")))
        if key is None or header.get("typ") != _TYPE or "crit" in header:
            return {}
        claims: dict[str, Any] = jwt.decode(
            token, key.secret, algorithms=[_ALGORITHM], issuer=_ISSUER,
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return {}
    return claims


def _is_ours(claims: dict[str, Any]) -> bool:
    """Are the claims of the kinds that `issue` writes, and neither expired nor from the future?"""
    texts = [claims.get(name) for name in ("userId", "email", "sid", "jti")]
    issued, expires, roles = claims.get("iat"), claims.get("exp"), claims.get("roles")
    if not all(isinstance(text, str) for text in texts) or type(issued) is not int or type(expires) is not int:
        return False
    if not ids.is_valid("usr", str(claims["userId"])) or not ids.is_valid("ses", str(claims["sid"])):
        return False
    if not isinstance(roles, list) or not all(role in list(Role) for role in roles):
        return False
    return issued - _CLOCK_SKEW <= clock.epoch() < expires
