"""How long an answer may be kept, and whether a caller has it already (F27)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from chalicelib.core import settings

PRIVATE = "no-store"  # what is about somebody, or a failure that may be over soon, is kept by nobody
ALIVE = "no-cache"  # asked for again each time
# For what is the same for everybody:
FOR_A_MINUTE = "public, max-age=60"
FOR_A_DAY = "public, max-age=86400"  # what changes only with a release
WHILE_UNCHANGED = "public, no-cache"  # kept, but asked for again each time, which its ETag makes cheap

# What is kept for all by the gateway itself, in a stage that asks for it: only by what its key of the cache knows.
SHARED = ("/products", "/products/{product_id}", "/products/category/{category}")


def is_shared(method: str, path: str) -> bool:
    """Will what this request is answered be given to others, too?"""
    return settings.is_cached_by_gateway() and method == "GET" and path in SHARED


def told_apart(said: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """What of a query the key of a cache tells apart: no other names, and nothing for what is empty."""
    return {name: value for name, value in said.items() if value and name in known}


def varying(headers: Mapping[str, Any]) -> dict[str, str]:
    """What an answer that may be kept depends on: API Gateway compresses for whoever takes it, and does not say so."""
    if headers.get("Cache-Control", PRIVATE) == PRIVATE:
        return {}
    return {"Vary": ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))}


def is_known(etag: str | None, if_none_match: str) -> bool:
    """Has the caller this very state already?"""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag is not None and (etag in known or "*" in known)
