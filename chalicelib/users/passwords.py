"""Password hashing: bcrypt over a keyed SHA-256, so that its 72-byte limit never cuts a password short."""

from __future__ import annotations

import base64
import hashlib
import hmac

from chalicelib.core import settings

_DOMAIN = b"ecommerce-api password v1"


def hash_password(password: str) -> str:
    """The salted hash to store. Takes about a quarter of a second of one core at 12 rounds."""
    import bcrypt  # noqa: PLC0415 - only the paths that need it pay for its import

    return bcrypt.hashpw(_condensed(password), bcrypt.gensalt(settings.current().password_rounds)).decode()


def matches(password: str, stored_hash: str | None) -> bool:
    """Is this the password? Does the same work for a user who does not exist (`stored_hash` None, W2)."""
    import bcrypt  # noqa: PLC0415 - see hash_of

    equal = bcrypt.checkpw(_condensed(password), (stored_hash or _nobodys_hash()).encode())
    return equal and stored_hash is not None


def _nobodys_hash() -> str:
    """A well-formed hash that no password has, at the cost of a real one."""
    return f"$2b${settings.current().password_rounds:02d}${'.' * 22}{'.' * 31}"


def _condensed(password: str) -> bytes:
    """44 bytes without NUL from a password of any length."""
    return base64.b64encode(hmac.new(_DOMAIN, password.encode(), hashlib.sha256).digest())
