"""What nobody expected: one line of the log for each, in requests and in functions that AWS calls by itself.

A failure goes on after it is told. Chalice makes a 500 of it, and of a function's the Lambda service learns, which
counts it, calls again and at last gives up into the dead-letter queue. What an exception says may hold what somebody
sent, so a line has where it happened and which kinds it was, and words only where they are known to be the shop's own
or those of a refused permission.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from chalice import Chalice
from chalice.app import Request

from chalicelib.api import problems
from chalicelib.core import log
from chalicelib.core.errors import Misconfigured

Work = Callable[..., Any]

MAX_FRAMES = 20  # of each exception, the innermost
_MAX_LINKS = 5  # exceptions behind one another
_REFUSED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")


def adopt(app: Chalice) -> None:
    """Make one line of the shop's own of what Chalice logs, an exception that no view expected as `REQUEST_FAILED`."""

    def tell(error: BaseException) -> None:
        log.error("REQUEST_FAILED", _words(error), route=_route(app.current_request), **_kind(error))

    log.adopt(app.log, failed=tell)


def watched(work: Work) -> Work:
    """The decorator of functions that AWS calls by itself: their lines of log have a context, their failures a line."""

    @functools.wraps(work)
    def call(event: Any, *context: Any) -> Any:
        log.begin_invocation(work.__name__, problems.invocation_id(context[0] if context else event.context))
        with Watch():
            return work(event, *context)

    return call


class Watch:
    """A block whose failure is told and goes on; `passing` is the message of one that is an answer."""

    def __init__(self, *, passing: str | None = None) -> None:
        self._passing = passing

    def __enter__(self) -> None:
        """Nothing is done before."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Tell of a failure, and let it go on."""
        if isinstance(error, Exception) and str(error) != self._passing:
            log.error("FUNCTION_FAILED", _words(error), **_kind(error))


def stack_of(error: BaseException) -> str:
    """Where an exception and those behind it were raised, each under its kind, without their messages."""
    return "\n".join(
        f"{type(each).__qualname__}\n{''.join(traceback.format_tb(each.__traceback__)[-MAX_FRAMES:])}".rstrip()
        for each in _chain(error)
    )


def _kind(error: BaseException) -> dict[str, str]:
    return {"error": type(error).__name__, "stack": stack_of(error)}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and what it came of, as far as a traceback would show it."""
    following: BaseException | None = error
    for _ in range(_MAX_LINKS):
        if following is None:
            return
        yield following
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _words(error: BaseException) -> str:
    """What the stage lacks, or what AWS refused; nothing of other failures, which may quote what somebody sent."""
    for each in _chain(error):
        if isinstance(each, Misconfigured):
            return str(each)
        said = getattr(each, "response", None)
        code = said.get("Error", {}).get("Code", "") if isinstance(said, dict) else ""
        if code:
            return str(each) if code in _REFUSED else str(code)
    return ""


def _route(request: Request | None) -> str | None:
    return f"{request.method} {request.context.get('resourcePath')}" if request else None
