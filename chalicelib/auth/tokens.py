"""Access tokens: HS256 with a named key, short enough in claims to check with one read.

This module is all that the authorizer's own Lambda loads besides the shared rooms.
"""

from __future__ import annotations

from typing import Any

from chalicelib import clock, ids, keyring
from chalicelib.access import Principal, Role
from chalicelib.auth import store
from chalicelib.auth.models import ACCESS_LIFETIME, InvalidToken, Session
from chalicelib.users.models import User

_ISSUER = "ecommerce-api"
_ALGORITHM = "HS256"
_TYPE = "at+jwt"
_CLAIMS = ["userId", "email", "role", "roles", "iat", "exp", "iss", "jti", "sid", "sv"]
_LONGEST = 4096
_REFUSAL = "The access token is not valid. Log in again, or refresh it."


def issue(user: User, session: Session) -> str:
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
        "sid": session.session_id,
        "sv": session.session_version,
    }
    key = keyring.keys()[0]
    return jwt.encode(claims, key.secret, algorithm=_ALGORITHM, headers={"kid": key.kid, "typ": _TYPE})


def authenticate(authorization: str) -> Principal:
    """Who sends this Authorization header, `Bearer` and an access token.

    Checks signature, algorithm, issuer, expiry, and by one read that the session still lives.
    Raises `InvalidToken`, the same for every reason.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken(_REFUSAL)
    claims = _verified(token.strip())
    session = store.get(claims["userId"], claims["sid"])
    if session is None or not session.is_live or session.session_version != claims["sv"]:
        raise InvalidToken(_REFUSAL)
    return Principal(
        user_id=claims["userId"],
        email=claims["email"],
        roles=tuple(Role(role) for role in claims["roles"]),
        session_id=claims["sid"],
        session_version=claims["sv"],
    )


def _verified(token: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 - see issue

    try:
        header = jwt.get_unverified_header(token) if len(token) <= _LONGEST else {}
        key = keyring.named(str(header.get("kid")))
        if key is None or header.get("typ") != _TYPE:
            raise InvalidToken(_REFUSAL)
        claims: dict[str, Any] = jwt.decode(
            token, key.secret, algorithms=[_ALGORITHM], issuer=_ISSUER,
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        raise InvalidToken(_REFUSAL) from None
    if not _is_current(claims):
        raise InvalidToken(_REFUSAL)
    return claims


def _is_current(claims: dict[str, Any]) -> bool:
    """Is it neither expired nor from the future? By the shop's clock, and only for whole numbers."""
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        return False
    return issued - 60 <= clock.epoch() < expires
