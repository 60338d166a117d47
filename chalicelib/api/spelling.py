"""One reading of a request (F26): what two readers could understand differently is refused before anything is done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from chalicelib.core import errors, schema
from chalicelib.core.errors import FieldError

MAX_BODY_BYTES = 1024 * 1024  # none that fits a route comes near it; API Gateway would take 10 MB
TOO_LARGE = f"A body may have at most {MAX_BODY_BYTES // 1024 // 1024} MiB."

_MAX_FAULTS = 50
_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Headers that say one thing: a second one would be another answer to the same question.
SINGLE = frozenset(
    {"authorization", "content-type", "idempotency-key", "if-match", "user-agent", "x-api-key", "x-cart-token",
     "x-correlation-id"}
)  # fmt: skip


class NoBody(schema.Schema, frozen=True, kw_only=True):
    """A route whose body has nothing to say."""


class NoQuery(schema.Schema, frozen=True, kw_only=True):
    """A route without query parameters."""


def require_json(content_type: str | None) -> None:
    """Raise `UnsupportedMediaType` for a body under another name than JSON's; under none it is JSON.

    Chalice takes any type with `*/*` in it, or with JSON among others, for JSON.
    """
    if content_type is not None and not _JSON.fullmatch(content_type):
        raise errors.UnsupportedMediaType("Send the body as application/json.")


def require_small(body: bytes) -> None:
    """Raise `ContentTooLarge` for a body that no route takes, before anybody reads it."""
    if len(body) > MAX_BODY_BYTES:
        raise errors.ContentTooLarge(TOO_LARGE)


def require_once(event: Mapping[str, Any]) -> None:
    """Raise `Invalid` for what a gateway's event says twice, in headers that are no lists and in parameters."""
    headers: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {}
    query: Mapping[str, Sequence[str]] = event.get("multiValueQueryStringParameters") or {}
    times = Counter(name.lower() for name, values in headers.items() for _ in values)
    twice = [name for name, count in times.items() if count > 1 and name in SINGLE]
    twice += [name for name, values in query.items() if len(values) > 1]
    if twice:
        faults = tuple(FieldError(name[:100], "repeated", "Send this once.") for name in twice[:_MAX_FAULTS])
        raise errors.Invalid("The request says something twice.", errors=faults)


def part_of_path(name: str, text: str) -> str:
    """A part of the path as it was meant. Raises `Invalid` for one that is no text in UTF-8."""
    try:
        part = unquote(text, errors="strict")
    except UnicodeDecodeError:
        part = "\0"
    if _CONTROL.search(part):
        raise errors.invalid(name, "invalid_value", "Must be UTF-8 text, percent-encoded, without control characters.")
    return part
