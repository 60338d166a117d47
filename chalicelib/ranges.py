"""Ranges of sort keys: what a page of a query may show."""

from __future__ import annotations


def between(prefix: str, after: str | None, since: str, *, newest_first: bool) -> tuple[str, str] | None:
    """The inclusive range of sort keys that a page may show, or None for all."""
    low, high = max(prefix, since), prefix + "\U0010ffff"
    if after is not None and newest_first:
        high = min(high, _just_below(after))
    elif after is not None:
        low = max(low, after + "\x00")
    return (low or "\x00", max(low, high)) if prefix or after or since else None


def _just_below(key: str) -> str:
    """The greatest practical sort key under `key`: keys are ASCII, so the character before, then the highest."""
    return key[:-1] + chr(ord(key[-1]) - 1) + "\U0010ffff"
