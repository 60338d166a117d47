"""Page cursors: opaque, sealed, and bound to the route, the filters and the caller that they were made for (H2)."""

from __future__ import annotations

import base64
import binascii

from chalicelib.aws import keyring
from chalicelib.core.errors import Invalid

_PURPOSE = "cursor"


class InvalidCursor(Invalid):
    """The cursor was changed, or belongs to another list."""

    code = "invalid_cursor"


def make(position: str | None, scope: str) -> str | None:
    """The cursor for the page behind `position`, or None at the end."""
    if position is None:
        return None
    return _encode(keyring.seal(f"{scope}\n{position}", purpose=_PURPOSE) + position)


def read(cursor: str | None, scope: str) -> str | None:
    """The position in a cursor, None without one. Raises `InvalidCursor` if it is not exactly as made."""
    if cursor is None:
        return None
    text = _decoded(cursor)
    mac, position = text[: keyring.MAC_LENGTH], text[keyring.MAC_LENGTH :]
    if not position or not keyring.is_sealed(f"{scope}\n{position}", mac, purpose=_PURPOSE):
        raise InvalidCursor("This cursor is not one of this list; start again without a cursor.")
    return position


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    """The text of a cursor, empty for what is not the one spelling of any text."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    return text if _encode(text) == cursor else ""
