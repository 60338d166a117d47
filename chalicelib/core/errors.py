"""The kinds of failure a caller can act on.

A domain states its facts as subclasses, each with a stable `code`; only `problems` knows which status a kind becomes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


class Misconfigured(Exception):
    """The stage's settings are incomplete: a mistake of the operator, never of the caller."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One faulty field: its path in the body or query, a stable code, and what to do."""

    field: str
    code: str
    detail: str
    facts: tuple[tuple[str, Any], ...] = ()

    def view(self) -> dict[str, Any]:
        """The member of a problem document's `errors`."""
        return {"field": self.field, "code": self.code, "detail": self.detail, **dict(self.facts)}


class ShopError(Exception):
    """A failure with a code, a sentence for the caller, and optional facts for a program.

    `facts` become further members of the problem document.
    """

    code: ClassVar[str] = "error"
    is_recorded: ClassVar[bool] = False  # does an Idempotency-Key's record already hold this very answer?

    def __init__(
        self, detail: str, *, errors: tuple[FieldError, ...] = (), facts: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.facts = dict(facts or {})


class Invalid(ShopError):
    """The request does not have the shape that the route asks for."""

    code = "validation_failed"


class InvalidJson(Invalid):
    """The body is not JSON at all."""

    code = "invalid_json"


class Unauthenticated(ShopError):
    """Nobody the shop knows: no credentials, or none that are still good."""

    code = "unauthorized"


class PaymentRequired(ShopError):
    """The money did not come."""

    code = "payment_required"


class Forbidden(ShopError):
    """Known, but not allowed."""

    code = "forbidden"


class NotFound(ShopError):
    """No such thing, or none that this caller may know of."""

    code = "not_found"


class NotAcceptable(ShopError):
    """The caller takes nothing that the route offers."""

    code = "not_acceptable"


class Conflict(ShopError):
    """The present state does not allow it."""

    code = "conflict"


class PreconditionFailed(ShopError):
    """The caller's copy is out of date."""

    code = "precondition_failed"


class PreconditionRequired(ShopError):
    """The caller must say which state the change is based on."""

    code = "precondition_required"


class Unprocessable(ShopError):
    """Well-formed, but it cannot be done."""

    code = "unprocessable"


class TooManyRequests(ShopError):
    """Too many tries; `retry_after` says in how many seconds another may help."""

    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnsupportedMediaType(ShopError):
    """The body is said to be of a kind that is not taken."""

    code = "unsupported_media_type"


class ContentTooLarge(ShopError):
    """The body is larger than anything that is taken."""

    code = "payload_too_large"


class Unavailable(ShopError):
    """A dependency did not answer in time, or is too busy; the detail says whether trying again is safe."""

    code = "temporarily_unavailable"
    retry_after = 1


def require_none(*faults: FieldError) -> None:
    """Raise `Invalid` with those faulty fields, if there are any."""
    if faults:
        count = "a faulty field" if len(faults) == 1 else f"{len(faults)} faulty fields"
        raise Invalid(f"The request has {count}.", errors=faults)


def invalid(field: str, code: str, detail: str) -> Invalid:
    """The error of one faulty field."""
    return Invalid("The request has a faulty field.", errors=(FieldError(field, code, detail),))
