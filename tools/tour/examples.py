"""What the shop took and gave on the tour, as examples in the API's document, without what only its owner may know.

`python -m tools.tour --examples` writes them anew; they change with every tour, so nobody else does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tools.contract.examples import FILE
from tools.testing.shop import ShopAnswer
from tools.tour import printing

MASK = "••••••••"  # as long as a password has to be
_MAX_ITEMS = 2

_OWN = ("accounts", "outbox", "payments")  # what only a shop on somebody's own machine tells
_HOSTS = re.compile(r"http://127\.0\.0\.1:\d+")
_WORDS = ("Content-Type", "key")  # of an upload's form, which are no secrets

Json = dict[str, Any]


@dataclass
class Examples:
    """The first body of every route that was taken, the first of every status that was given, and of every problem."""

    requests: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, Json] = field(default_factory=dict)

    def note(self, route: tuple[str, str] | None, content: Any, answer: ShopAnswer) -> None:
        """Keep what a request and its answer are the first of."""
        if route is None or "json" not in answer.headers.get("Content-Type", "json"):
            return
        name = " ".join(route)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            if answer.text:
                self.problems.setdefault(answer.body["code"], answer.body)
            return
        if content is not None and not isinstance(content, bytes):
            self.requests.setdefault(name, _masked(content))
        if answer.text and not route[1].endswith(".json"):  # whole documents
            known, status = self.answers.setdefault(name, {}), str(answer.status)
            if not _tells(known.get(status)):
                known[status] = _masked(_shortened(answer.body))

    def write(self) -> None:
        """Write the file."""
        told = {"requests": self.requests, "answers": self.answers, "problems": self.problems}
        told = json.loads(_HOSTS.sub("https://shop.example.com", json.dumps(told)))
        ordered = {name: dict(sorted(each.items())) for name, each in told.items()}
        FILE.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _tells(example: Any) -> bool:
    """Is it an example that shows something, which an empty list does not?"""
    return example is not None and not (isinstance(example, dict) and example.get("count") == 0)


def _shortened(body: Any) -> Any:
    """A page with a few of its items, and then as if there were no more in it."""
    if not isinstance(body, dict) or "nextCursor" not in body:
        return body
    plural = next(name for name, each in body.items() if isinstance(each, list))
    items = body[plural][:_MAX_ITEMS]
    return {**body, plural: items, "count": len(items)}


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        secret = {key: "secret" if name == printing.FORM and key not in _WORDS else key for key in value}
        return {key: _masked(each, secret[key]) for key, each in value.items() if key not in _OWN}
    if isinstance(value, list):
        return [_masked(each, "" if isinstance(each, dict) else name) for each in value]
    return MASK if isinstance(value, str) and printing.masked(name, value) == printing.MASK else value
