"""Identifiers: ULIDs behind a prefix that says what they name, so that they sort by time of birth."""

from __future__ import annotations

import hashlib
import re
import secrets

from ulid import ULID

from chalicelib.core import clock

NOBODY = "usr_00000000000000000000000000"  # an id that nobody has, to be looked up where nobody was found

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHAPE = re.compile(r"[a-z]{2,4}_[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new(prefix: str) -> str:
    """A fresh id such as `ord_01JD…`, ordered by the clock's time to the millisecond."""
    return f"{prefix}_{ULID.from_datetime(clock.now())}"


def derived(prefix: str, source: str) -> str:
    """The id that follows from `source`, the same each time."""
    return f"{prefix}_{digest(source)[:32]}"


def timed(prefix: str, at: str, source: str) -> str:
    """The id that follows from a timestamp and `source`, the same each time, ordered like those of `new`."""
    milliseconds = round(clock.parse(at).timestamp() * 1000).to_bytes(6)
    return f"{prefix}_{ULID.from_bytes(milliseconds + hashlib.sha256(source.encode()).digest()[:10])}"


def is_valid(prefix: str, text: str) -> bool:
    """Is this an id of that kind? Spares the table a look-up for one that cannot exist."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None


def secret() -> str:
    """A 256-bit URL-safe random token for refresh tokens, carts and resets."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """SHA-256 in hex: what is stored of a secret, and the spread of a shard."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Can `digest` have made this? Spares the table a look-up for what cannot exist, however long it is."""
    return _DIGEST.fullmatch(text) is not None


def shard(identifier: str, shards: int) -> int:
    """The index shard an entity belongs to, stable for its life while `shards` stays the same."""
    return int(digest(identifier)[:8], 16) % shards
