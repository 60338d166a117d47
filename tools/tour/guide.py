"""The guide: sends the visitors' requests, judges the answers, counts routes, and tidies up."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import urllib3

from tools.testing.shop import ShopAnswer
from tools.tour import printing

Route = tuple[str, str]
TIMEOUT_SECONDS = 30.0
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)  # nothing is left to be taken away


class Strayed(Exception):
    """The tour cannot go on, or has left something out, in one sentence."""


@dataclass
class ShopOverHttp:
    """The open shop, over a connection that is kept."""

    url: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def __call__(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> ShopAnswer:
        """What the shop answers. Raises `Strayed` where nobody does."""
        try:
            answer = self.pool.request(
                method, self.url + path, body=body, headers=headers, timeout=TIMEOUT_SECONDS, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Strayed(f"No shop answers at {self.url}; open it with `make run`.") from error
        return ShopAnswer(answer.status, answer.data.decode(), dict(answer.headers))


@dataclass(frozen=True)
class Debt:
    """What takes away again something that was made for the tour."""

    visitor: Visitor
    method: str
    path: str
    body: Any = None


@dataclass
class Guide:
    """Leads through `routes`, by whatever sends requests and whatever takes lines."""

    send: Callable[[str, str, bytes | None, dict[str, str]], ShopAnswer]
    say: Callable[[str], object]
    routes: Collection[Route]
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    chapter: str = ""
    sent: int = 0
    seen: set[Route] = field(default_factory=set)
    debts: list[Debt] = field(default_factory=list)
    note: Callable[[Route | None, Any, ShopAnswer], object] = lambda *_: None

    def visitor(self, name: str, **headers: str) -> Visitor:
        """Somebody by that name, who sends those headers with every request."""
        return Visitor(self, name, {key.replace("_", "-"): value for key, value in headers.items()})

    def begin(self, chapter: str) -> None:
        """Announce a chapter."""
        self.chapter = chapter
        self.say(f"\n{chapter}")

    def tell(self, sentence: str) -> None:
        """What happens in the requests that follow."""
        self.say(f"\n  {sentence}")

    def request(self, visitor: Visitor, method: str, path: str, content: Any, headers: dict[str, str]) -> ShopAnswer:
        """Send it, print both sides, and note which route has done what it is for."""
        body = content if isinstance(content, bytes) else None if content is None else json.dumps(content).encode()
        answer = self.send(method, path, body, {"Content-Type": "application/json", **visitor.headers, **headers})
        self.sent += 1
        for line in printing.lines(visitor.name, method, path, content, headers, answer):
            self.say(line)
        self.note(self.route(method, path), content, answer)
        if answer.status < HTTPStatus.BAD_REQUEST:
            self.seen |= {route for route in [self.route(method, path)] if route}
            self.paid(path, method)
        return answer

    def route(self, method: str, path: str) -> Route | None:
        """The route that a path leads to: of several the one that says most of it literally."""
        parts = path.partition("?")[0].split("/")
        fitting = [each for each in self.routes if each[0] == method and _fits(each[1].split("/"), parts)]
        return min(fitting, key=lambda each: each[1].count("{"), default=None)

    def owe(self, visitor: Visitor, method: str, path: str, body: Any = None) -> None:
        """What is to be done at the end, unless the story does it itself."""
        self.paid(path, method)
        self.debts.append(Debt(visitor, method, path, body))

    def paid(self, path: str, method: str = "DELETE") -> None:
        """What was to be done at the end is done, or no longer needed."""
        self.debts = [each for each in self.debts if (each.method, each.path) != (method, path)]

    def tidy_up(self) -> None:
        """Take away what is left of the tour, last things first. Raises `Strayed` with what stays."""
        self.begin("What was made for the tour goes again")
        left = []
        for debt in reversed(self.debts):
            answer = self.request(debt.visitor, debt.method, debt.path, debt.body, {})
            if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in _GONE:
                left.append(f"{debt.method} {debt.path} answered {answer.status}")
        if left:
            raise Strayed(f"Not all that was made for the tour could be taken away: {', '.join(left)}.")

    def count(self) -> str:
        """How much was seen, in a line. Raises `Strayed` if a route was left out."""
        missing = sorted(f"{method} {path}" for method, path in set(self.routes) - self.seen)
        counts = f"{len(self.seen)} of {len(self.routes)} routes, {self.sent} requests"
        if missing:
            raise Strayed(f"{counts}; never seen at work: {', '.join(missing)}.")
        return counts


@dataclass(frozen=True)
class Visitor:
    """Somebody who calls the shop: `ada("POST", "/cart/items", {…}, gives=201)`."""

    guide: Guide
    name: str
    headers: dict[str, str]

    def __call__(
        self, method: str, path: str, body: Any = None, *, gives: int = 200, code: str = "", **headers: str
    ) -> ShopAnswer:
        """The answer, which must have that status and, of a problem, that code; keyword arguments become headers.

        Raises `Strayed` for any other answer.
        """
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.guide.request(self, method, path, body, own)
        came = answer.body.get("code", "") if answer.status >= HTTPStatus.BAD_REQUEST and answer.text else ""
        if answer.status != gives or (code and came != code):
            wanted, got = " ".join(filter(None, (str(gives), code))), " ".join(filter(None, (str(answer.status), came)))
            raise Strayed(
                f"{self.guide.chapter}, request {self.guide.sent}: {self.name} sent {method} {path} and expected"
                f" {wanted}, but {got} came."
            )
        return answer


def _fits(template: list[str], parts: list[str]) -> bool:
    pairs = zip(template, parts, strict=False)
    return len(template) == len(parts) and all(t == part or (part and t.startswith("{")) for t, part in pairs)
