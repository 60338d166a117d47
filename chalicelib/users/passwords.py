"""Password hashing: bcrypt over a keyed SHA-256, so that its 72-byte limit never cuts a password short.

What is hashed is the password in NFKC, as NIST SP 800-63B asks: keyboards write the same letter in several ways. Hashes
from before are of the password as it was typed; they are told by `verify` and replaced at the next login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from enum import Enum

from chalicelib.core import settings

_DOMAIN = b"ecommerce-api password v1"
MIN_LENGTH = 8


class Verdict(Enum):
    """What a stored hash says to a password."""

    WRONG = "wrong"
    RIGHT = "right"
    OUTDATED = "outdated"  # right, but the hash is of what was typed


def normalize(password: str) -> str:
    """The one spelling of a password."""
    return unicodedata.normalize("NFKC", password)


def require_length(password: str) -> str:
    """The password as it is, unless it is too short in its one spelling: `ValueError`."""
    if len(normalize(password)) < MIN_LENGTH:
        message = f"A password has at least {MIN_LENGTH} characters."
        raise ValueError(message)
    return password


def hash_password(password: str) -> str:
    """The salted hash to store. Takes about a quarter of a second of one core at 12 rounds."""
    import bcrypt  # noqa: PLC0415 - only the paths that need it pay for its import

    return bcrypt.hashpw(_condensed(normalize(password)), bcrypt.gensalt(settings.current().password_rounds)).decode()


def matches(password: str, stored_hash: str | None) -> bool:
    """Is this the password? See `verify`."""
    return verify(password, stored_hash) is not Verdict.WRONG


def verify(password: str, stored_hash: str | None) -> Verdict:
    """Is this the password, and is its hash still to be moved over?

    Does the same work for a user who does not exist (`stored_hash` None, W2): twice where the password can be spelled
    in two ways, whoever it is.
    """
    normal, known = normalize(password), stored_hash is not None
    if _equals(normal, stored_hash):
        return Verdict.RIGHT if known else Verdict.WRONG
    if normal != password and _equals(password, stored_hash):
        return Verdict.OUTDATED if known else Verdict.WRONG
    return Verdict.WRONG


def _equals(text: str, stored_hash: str | None) -> bool:
    import bcrypt  # noqa: PLC0415 - see hash_password

    return bcrypt.checkpw(_condensed(text), (stored_hash or _nobodys_hash()).encode())


def _nobodys_hash() -> str:
    """A well-formed hash that no password has, at the cost of a real one."""
    return f"$2b${settings.current().password_rounds:02d}${'.' * 22}{'.' * 31}"


def _condensed(password: str) -> bytes:
    """44 bytes without NUL from a password of any length."""
    return base64.b64encode(hmac.new(_DOMAIN, password.encode(), hashlib.sha256).digest())
