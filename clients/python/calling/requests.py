"""One request to the shop, and which one may be sent again when nobody knows whether it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KEY = "Idempotency-Key"
READING = frozenset({"GET", "HEAD"})
# Its repeat would say that the old password is wrong.
ONCE = frozenset({"/users/password"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What an operation sends; `takes_key` and `takes_token` say what the shop looks at.

    `repeats` is for what is known to be the same a second time, though nothing of it shows so.
    """

    method: str
    url: str
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    takes_key: bool = False
    takes_token: bool = False
    repeats: bool = False

    @property
    def key(self) -> str | None:
        """Its Idempotency-Key."""
        return self.headers.get(KEY)

    @property
    def takes_cart(self) -> bool:
        """Is it about a cart, which may be a guest's?"""
        return self.url == "/cart" or self.url.startswith("/cart/")

    @property
    def is_repeatable(self) -> bool:
        """Is it the same to send it twice, in effect and in answer?

        So it is with what reads, what has an Idempotency-Key, and what sets something whatever it was before. The
        repeat of a DELETE, or of a change with If-Match, would be refused though the first had done it.
        """
        if self.repeats or self.method.upper() in READING:
            return True
        if self.method.upper() == "PUT":
            return self.url not in ONCE and "If-Match" not in self.headers
        return self.takes_key and self.key is not None

    def keyed(self, key: str) -> Request:
        """The same with that Idempotency-Key, if it takes one and has none yet."""
        if not self.takes_key or self.key is not None:
            return self
        return replace(self, headers={**self.headers, KEY: key})
