"""What the app takes, from its own schemas, in the part of JSON Schema that API Gateway reads from a definition.

A model takes all that the app takes. What cannot be said there, or what two readers could understand differently, is
left to the app, which checks every request in any case: patterns, whose language is another one there, fields that may
be null, which a definition has no word for, and with them fields that nobody knows; how many a list may hold, which is
lost in an import; and what a field may be besides its form.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from chalicelib.api import http
from chalicelib.core.money import Amount

DEFINITIONS = "#/definitions/"
SAID = ("type", "required", "additionalProperties", "enum", "minimum", "maximum", "minLength")
# Python counts characters; whoever counts as Java does counts some of them twice.
UNITS_A_CHARACTER = 2

JsonSchema = dict[str, Any]
Route = tuple[str, str]


class QueryParameter(NamedTuple):
    """What a query may say."""

    name: str
    is_required: bool


def contracts() -> dict[Route, http.Contract]:
    """What each route takes, by method and path."""
    app = importlib.import_module("app").app
    views = {(method, path): route.view_function for path, methods in app.routes.items()
             for method, route in methods.items()}  # fmt: skip
    return {route: http.contract_of(view) for route, view in views.items()}


def bodies() -> dict[Route, type[msgspec.Struct]]:
    """The shape of each route's body, of those that take one in JSON."""
    return {route: found.takes for route, found in contracts().items()
            if found.takes is not None and issubclass(found.takes, msgspec.Struct)}  # fmt: skip


def queries() -> dict[Route, tuple[QueryParameter, ...]]:
    """What each route's query may say, in the order of its schema."""
    return {
        route: tuple(QueryParameter(each.encode_name, each.required) for each in msgspec.structs.fields(found.query))
        for route, found in contracts().items()
    }


def model(shape: type[msgspec.Struct]) -> JsonSchema:
    """The model of a body."""
    (said,), known = msgspec.json.schema_components([shape], schema_hook=_of_type, ref_template=DEFINITIONS + "{name}")
    return _plain(said, known)


def _of_type(kind: type) -> JsonSchema:
    if kind is Amount:
        return {"type": "number"}
    raise NotImplementedError


def _plain(said: Mapping[str, Any], known: Mapping[str, Any]) -> JsonSchema:
    """What is said, without references and without what is left to the app."""
    if "$ref" in said:
        return _plain(known[said["$ref"].removeprefix(DEFINITIONS)], known)
    kept = {word: said[word] for word in SAID if said.get(word) not in (None, [])}
    if "enum" in said:
        kept["type"] = "string"
    if "properties" in said:
        definite = {name: each for name, each in said["properties"].items() if "anyOf" not in each}
        kept["properties"] = {name: _plain(each, known) for name, each in definite.items()}
        if definite != said["properties"]:
            del kept["additionalProperties"]
    if "items" in said:
        kept["items"] = _plain(said["items"], known)
    if "maxLength" in said:
        kept["maxLength"] = UNITS_A_CHARACTER * said["maxLength"]
    return kept
