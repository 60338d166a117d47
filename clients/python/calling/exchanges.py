"""A request until it has an answer: what to send, how long to wait, when to renew the tokens.

These are generators that ask for each step and hear what came of it, so that blocking and asynchronous clients do the
same thing, and a test needs neither network nor time.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import httpx

from .problems import NoAnswer
from .requests import Request
from .retries import UNSENT, Outcome, Retries
from .sessions import Session

# A spent refresh token gives the same pair again for 10 seconds; after that its use ends the session.
REFRESH_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and tell what came."""

    request: Request
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Get other tokens than this one, alone; whoever did so meanwhile did it for all."""

    stale: str | None


Exchange = Generator[Send | Wait | Renew, Outcome | None, httpx.Response]


def answer(request: Request, session: Session, retries: Retries) -> Exchange:
    """The answer to a request, whatever its status; `NoAnswer` or `SessionEnded` if there is none."""
    if request.takes_token and session.tokens is None and session.renewal():
        yield Renew(None)
    access = session.access
    response = yield from _tried(request, session, retries, access)
    if session.needs_renewal(request, access, response):
        yield Renew(access)
        response = yield from _tried(request, session, retries, session.access)
    return response


def renewed(session: Session, retries: Retries, stale: str | None) -> Exchange | None:
    """The way to other tokens than the stale one, None if there are some already. Raises `SessionEnded`."""
    if session.access != stale:
        if session.tokens is None and session.ended:
            raise session.ended
        return None
    request = session.renewal()
    return _renewal(request, session, retries) if request else None


def _renewal(request: Request, session: Session, retries: Retries) -> Exchange:
    soon = replace(retries, total_seconds=min(retries.total_seconds, REFRESH_SECONDS))
    response = yield from _tried(request, session, soon if request.repeats else retries, None)
    if session.tokens is None and session.ended:
        raise session.ended
    return response


def _tried(request: Request, session: Session, retries: Retries, access: str | None) -> Exchange:
    since, attempt, was_sent = retries.now(), 0, False
    while True:
        attempt += 1
        outcome = yield Send(request, session.headers(request, access))
        if outcome is None:
            raise TypeError("what was sent has an outcome")
        was_sent = was_sent or not isinstance(outcome, UNSENT)
        seconds = retries.wait(request, outcome, attempt=attempt, since=since)
        if seconds is not None:
            yield Wait(seconds)
        elif isinstance(outcome, httpx.Response):
            session.hear(request, outcome)
            return outcome
        else:
            what = f"{request.method.upper()} {request.url}"
            raise NoAnswer(what, was_sent=was_sent, idempotency_key=request.key) from outcome
