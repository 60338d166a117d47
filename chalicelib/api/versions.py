"""The version of what callers rely on, and how a route says that its end is near (RFC 9745 and RFC 8594)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from email.utils import format_datetime

from chalicelib.core import clock

API = "1.0.0"  # the first number changes when a client that follows docs/api.md could break
LEAST_NOTICE_DAYS = 180  # between the word and the end
_POLICY = "/docs"  # the page that says what deprecation means


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A route that will go: since when callers are told, its last day, both in UTC, and the route to use instead."""

    since: date
    until: date
    instead: str

    def __post_init__(self) -> None:
        """Raises `ValueError` for a notice that is shorter than what callers were promised."""
        if (self.until - self.since).days < LEAST_NOTICE_DAYS:
            message = f"A route is deprecated for at least {LEAST_NOTICE_DAYS} days before it goes."
            raise ValueError(message)


def told(route: Deprecated | None, path: str, template: str) -> dict[str, str]:
    """What every answer of a route says, if it will go, to who asked for `path`, which the route writes as `template`.

    What it links to stands below the same stage, or the same beginning of a domain.
    """
    if route is None:
        return {}
    root = path.rstrip("/").rsplit("/", template.count("/"))[0]
    links = (
        f'<{root}{_POLICY}>; rel="deprecation"; type="text/html"',
        f'<{root}{route.instead}>; rel="successor-version"',
    )
    return {
        "Deprecation": f"@{int(clock.midnight(route.since, UTC).timestamp())}",
        "Sunset": format_datetime(clock.midnight(route.until, UTC), usegmt=True),
        "Link": ", ".join(links),
    }
