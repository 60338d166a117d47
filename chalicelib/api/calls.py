"""What a view gets and what it gives: one request, decoded and admitted, and the results that are more than a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from chalicelib.api import callers, cursors, idempotency
from chalicelib.aws.rate_limits import UNLIMITED, Use
from chalicelib.core import errors
from chalicelib.core.principal import Principal

B = TypeVar("B")
Page = tuple[list[B], str | None]  # views, and where the next page starts


@dataclass(frozen=True, slots=True)
class Answer(Generic[B]):
    """A result with headers of its own."""

    body: B
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A result that is no view: a page, or a document as it was written before; `kind` is its media type."""

    content: str
    kind: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a view sees it: decoded, validated and admitted."""

    body: Any
    query: Any
    principal: Principal | None
    headers: Mapping[str, str]
    claim: idempotency.Claim
    cursor_scope: str
    function: tuple[str, str]
    source: str
    accepted: str  # which of the media types that the route offers
    base: str  # what the caller's path has before that of the route, and so has every address of this API
    use: Use = UNLIMITED  # of the limit whose uses travel with the work

    @property
    def user(self) -> Principal:
        """The caller of a route that the permission matrix keeps for users."""
        if self.principal is None:
            raise errors.Unauthenticated("Sign in first.")
        return self.principal

    @property
    def cart_token(self) -> str | None:
        """The guest's cart token, None without one."""
        return callers.cart_token(self.headers)

    @property
    def if_match(self) -> str | None:
        """The entity tag that the caller's change is based on, None without one."""
        return self.headers.get("if-match")

    @property
    def device(self) -> str:
        """What the caller says it runs on."""
        return self.headers.get("user-agent", "")

    def position(self) -> str | None:
        """Where the requested page starts. Raises `InvalidCursor`."""
        return cursors.read(self.query.cursor, self.cursor_scope)

    def page(self, plural: str, listed: Page[Any]) -> dict[str, Any]:
        """A list answer with the cursor of its next page."""
        views, after = listed
        return {plural: views, "count": len(views), "nextCursor": cursors.make(after, self.cursor_scope)}


class Tagged(Protocol):
    """Something with an entity tag."""

    @property
    def etag(self) -> str:
        """The tag that changes with what the API shows."""


V = TypeVar("V", bound=Tagged)


def with_etag(thing: V, view: Callable[[V], B]) -> Answer[B]:
    """The view with the tag that lets a caller say later which state a change is based on."""
    return Answer(view(thing), {"ETag": thing.etag})


def cart_headers(token: str | None) -> dict[str, str]:
    """The header that gives a guest the token of their cart."""
    return {"X-Cart-Token": token} if token else {}
