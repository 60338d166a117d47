"""Every route as a description needs it: what app.py declares, and the sentence that docs/api.md has for it."""

from __future__ import annotations

import importlib
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from chalicelib.api import calls, http, permissions
from chalicelib.api.permissions import Audience

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_ROW = re.compile(r"\| `([A-Z]+) (\S+)` \| ([^|]+) \| (.+) \|")


@dataclass(frozen=True, slots=True)
class Told:
    """What docs/api.md says of a route, and under which heading."""

    section: str
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; `path` has its parameters in camelCase, as callers see all names, `pattern` ours."""

    method: str
    path: str
    pattern: str
    name: str
    audience: Audience
    contract: http.Contract
    gives: tuple[Any, ...]
    asks: frozenset[str]
    told: Told

    @property
    def operation_id(self) -> str:
        """The name of the operation, unlike every other."""
        return camel(self.name)

    @property
    def gives_nothing(self) -> bool:
        """May the answer be a 204?"""
        return type(None) in self.gives

    @property
    def view(self) -> Any:
        """The type of the answer's body, that for programs first; None where there never is one."""
        kinds = [each for each in self.gives if each is not type(None)]
        return next((each for each in kinds if each is not calls.Document), kinds[0] if kinds else None)

    @property
    def parameters(self) -> list[str]:
        """The names of what the path leaves open."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_repeatable(self) -> bool:
        """Does it honour an Idempotency-Key (I1)?"""
        return "claim" in self.asks

    @property
    def is_conditional(self) -> bool:
        """Does it look at If-Match?"""
        return "if_match" in self.asks

    @property
    def is_tagged(self) -> bool:
        """Has its answer an entity tag?"""
        return "with_etag" in self.asks or self.gives == (calls.Document,)


def read() -> list[Route]:
    """Every route of app.py but those for HEAD, which answer as those for GET, in the order of the permissions."""
    app = importlib.import_module("app")
    told = dict(_told())
    return [
        _route(method, pattern, app.app.routes[pattern][method].view_function, told)
        for method, pattern in permissions.ROUTES
        if method in app.app.routes.get(pattern, ())
    ]


def camel(name: str) -> str:
    """A name of ours as callers see it."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _route(method: str, pattern: str, view: Any, told: dict[tuple[str, str], Told]) -> Route:
    path = re.sub(r"{(\w+)}", lambda found: f"{{{camel(found[1])}}}", pattern)
    return Route(
        method=method,
        path=path,
        pattern=pattern,
        name=view.__name__,
        audience=permissions.ROUTES[method, pattern],
        contract=http.contract_of(view),
        gives=tuple(_unwrapped(typing.get_type_hints(view)["return"])),
        asks=frozenset(view.__wrapped__.__code__.co_names),
        told=told[method, path],
    )


def _unwrapped(kind: Any) -> Iterator[Any]:
    """The types that an annotation allows, an answer's with headers and a page's by what is in them."""
    if get_origin(kind) in (Union, types.UnionType):
        for member in get_args(kind):
            yield from _unwrapped(member)
    elif get_origin(kind) is calls.Answer:
        yield get_args(kind)[0]
    elif get_origin(kind) is tuple:
        yield get_args(get_args(kind)[0])[0]
    else:
        yield kind


def _told() -> Iterator[tuple[tuple[str, str], Told]]:
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("### "):
            section = line.removeprefix("### ")
        if row := _ROW.fullmatch(line):
            yield (row[1], row[2]), Told(section, row[3], row[4])
