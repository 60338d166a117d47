"""The version of what callers rely on, and how a route says that its end is near (RFC 9745 and RFC 8594)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from email.utils import format_datetime

from chalicelib.core import clock

API = "1.0.0"  # the first number changes when a client that follows docs/api.md could break
LEAST_NOTICE_DAYS = 180  # between the word and the end
_POLICY = "/docs"  # the page of the document, whose first words say what deprecation means


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A route that will go: since when callers are told, its last day, both in UTC, and the route to use instead."""

    since: date
    until: date
    instead: str

    def __post_init__(self) -> None:
        """Raises `ValueError` for a shorter notice than callers were promised, or a route that is not one address."""
        if "{" in self.instead:
            message = "The route to use instead is linked to, so its path has no parameters."
            raise ValueError(message)
        if (self.until - self.since).days < LEAST_NOTICE_DAYS:
            message = f"A route is deprecated for at least {LEAST_NOTICE_DAYS} days before it goes."
            raise ValueError(message)


def told(route: Deprecated, base: str) -> dict[str, str]:
    """What every answer of a route that will go says; `base` is what the addresses of this API begin with."""
    links = (
        f'<{base}{_POLICY}>; rel="deprecation"; type="text/html"',
        f'<{base}{route.instead}>; rel="successor-version"',
    )
    return {
        "Deprecation": f"@{int(clock.midnight(route.since, UTC).timestamp())}",
        "Sunset": format_datetime(clock.midnight(route.until + timedelta(days=1), UTC), usegmt=True),
        "Link": ", ".join(links),
    }
