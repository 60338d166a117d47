"""Whether to send a request again, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from .problems import code_of, seconds_asked
from .requests import Request

Outcome = httpx.Response | httpx.TransportError

# Nothing has left this machine then.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What no protocol will ever carry; another try is the same.
HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
UNSENT = (*NEVER_SENT, *HOPELESS)
# Refusals that last longer than a program should wait in silence.
LASTING = frozenset({"too_many_attempts", "quota_exceeded"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How often, and how long: `attempts` in all, and none that would begin after `total_seconds`.

    The wait is a random part of `base_seconds`, doubled each time up to `most_seconds` (full jitter), after what
    Retry-After asks for.
    """

    attempts: int = 5
    base_seconds: float = 0.2
    most_seconds: float = 5.0
    total_seconds: float = 60.0
    chance: Callable[[], float] = random.random
    now: Callable[[], float] = time.monotonic

    def wait(self, request: Request, outcome: Outcome, *, attempt: int, since: float) -> float | None:
        """The seconds to wait before the next attempt, None if there is to be none.

        `attempt` counts from 1, `since` is when the first began.
        """
        if attempt >= self.attempts or not may_repeat(request, outcome):
            return None
        asked = (seconds_asked(outcome) or 0.0) if isinstance(outcome, httpx.Response) else 0.0
        jitter = self.chance() * min(self.most_seconds, self.base_seconds * 2.0 ** (attempt - 1))
        if self.now() - since + asked + jitter > self.total_seconds:
            return None
        return asked + jitter


def may_repeat(request: Request, outcome: Outcome) -> bool:
    """May it be sent again, knowing what came of it? Only if nothing was done, or if twice is the same as once."""
    if isinstance(outcome, httpx.Response):
        return _is_refused_for_now(request, outcome)
    if isinstance(outcome, HOPELESS):
        return False
    return isinstance(outcome, NEVER_SENT) or request.is_repeatable


def _is_refused_for_now(request: Request, response: httpx.Response) -> bool:
    match response.status_code:
        case HTTPStatus.TOO_MANY_REQUESTS:  # asked before anything is done
            return code_of(response) not in LASTING
        case HTTPStatus.CONFLICT:
            return request.is_repeatable and code_of(response) == "request_in_progress"
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return request.is_repeatable and seconds_asked(response) is not None
        case HTTPStatus.GATEWAY_TIMEOUT:
            return request.is_repeatable
        case _:
            return False
