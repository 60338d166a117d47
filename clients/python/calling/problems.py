"""What goes wrong: the shop refuses, the session has ended, or no answer comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

_KNOWN = {"type", "title", "status", "detail", "instance", "code", "requestId", "errors"}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A faulty field; `more` has what some codes tell besides, such as `available`."""

    field: str
    code: str
    detail: str
    more: Mapping[str, Any]


class ShopProblem(Exception):
    """The shop refused a request. `code` says why, and compares with the members of `ProblemCode`.

    It is a text, since a newer shop may have codes that this client does not know; of an answer that is no problem
    document, such as a proxy's, it is empty. `more` has what some codes tell besides, such as `orderId`.
    """

    def __init__(self, response: httpx.Response) -> None:
        said = _document(response)
        self.status = response.status_code
        self.code = str(said.get("code", ""))
        self.title = str(said.get("title", response.reason_phrase))
        self.detail = str(said.get("detail", ""))
        self.errors = tuple(_fields(said.get("errors")))
        self.request_id = said.get("requestId") or response.headers.get("X-Request-Id")
        self.retry_after = seconds_asked(response)
        self.more = {name: value for name, value in said.items() if name not in _KNOWN}
        super().__init__(f"{self.status} {self.code or self.title}: {self.detail}".removesuffix(": "))


class SessionEnded(ShopProblem):
    """The tokens are worth nothing any more: somebody has to log in."""


class NoAnswer(Exception):
    """No answer came, as often as was tried; the error of the connection is its cause.

    With `was_sent` the shop may have done what was asked. Send the same request with the same `idempotency_key` to
    find out, or look.
    """

    def __init__(self, what: str, *, was_sent: bool, idempotency_key: str | None) -> None:
        self.was_sent = was_sent
        self.idempotency_key = idempotency_key
        outcome = "whether it was done is not known" if was_sent else "nothing was sent"
        super().__init__(f"{what}: no answer came, and {outcome}.")


def code_of(response: httpx.Response) -> str:
    """The code of a problem, empty without one."""
    return str(_document(response).get("code", ""))


def seconds_asked(response: httpx.Response) -> float | None:
    """The seconds that Retry-After asks to wait, also where it names a time."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        left = parsedate_to_datetime(said) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):  # no date, or one of them without a time zone
        return None
    return max(0.0, left.total_seconds())


def _document(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("Content-Type", ""):
        return {}
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _fields(said: Any) -> list[FieldProblem]:
    own = {"field", "code", "detail"}
    return [
        FieldProblem(
            str(each.get("field", "")),
            str(each.get("code", "")),
            str(each.get("detail", "")),
            {name: value for name, value in each.items() if name not in own},
        )
        for each in (said if isinstance(said, list) else [])
        if isinstance(each, dict)
    ]
