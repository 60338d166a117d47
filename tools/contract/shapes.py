"""JSON Schema of what routes take and give, in the dialect of OpenAPI 3.1, from the types that decode and encode.

msgspec knows the types; what it cannot know is put right here. Amounts are JSON numbers. A pattern loses what only
Python's language has. In an answer every field is there, but those that its type leaves out when they say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from chalicelib.core import money
from tools.contract import prose, rules

JsonSchema = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
_PAGE_FIELDS = {
    "count": {"type": "integer", "minimum": 0, "description": "How many are in this page."},
    "nextCursor": {
        "type": ["string", "null"],
        "description": "Send it as `cursor` for the next page; null at the end. A short page is not the end.",
    },
}


class Shapes:
    """The schemas of all types that the routes speak of, each under one name."""

    def __init__(self, taken: Iterable[Any], given: Iterable[Any]) -> None:
        """`taken` are the types of bodies, queries and parameters, `given` those of answers."""
        self._pages: dict[str, JsonSchema] = {}
        self._taken = _components(taken)
        self._given = {name: _answered(name, each) for name, each in _components(given).items()}

    def schema(self, kind: Any) -> JsonSchema:
        """The schema of a type: a reference where it has a name."""
        (said,), _ = msgspec.json.schema_components([kind], schema_hook=_of_type, ref_template=REFERENCE)
        shown: JsonSchema = _renamed(_portable(said))
        return shown

    def field(self, kind: type[msgspec.Struct], name: str) -> JsonSchema:
        """The schema of one field of what routes take, by its name outside, but for null, which no query can say."""
        said = _renamed(self._taken[kind.__name__]["properties"][name])
        plain = {word: each for word, each in said.items() if word != "default" or each is not None}
        if isinstance(plain.get("type"), list):
            plain["type"] = plain["type"][0]
        choices = [each for each in plain.pop("anyOf", []) if each != {"type": "null"}]
        return {**choices[0], **plain} if choices else plain

    def fields(self, kind: Any) -> list[str]:
        """The names of the fields of an answer."""
        return [*self._given.get(getattr(kind, "__name__", ""), {}).get("properties", {})]

    def page(self, plural: str, kind: Any) -> JsonSchema:
        """The schema of a page of such views."""
        one = self.schema(kind)
        name = f"{one['$ref'].rpartition('/')[2]}Page"
        fields = {plural: {"type": "array", "items": one}, **_PAGE_FIELDS}
        self._pages[name] = {"title": name, "type": "object", "properties": fields, "required": [*fields]}
        return {"$ref": REFERENCE.format(name=name)}

    def components(self, *, besides: set[str]) -> dict[str, JsonSchema]:
        """All named schemas but those, pages that were asked for included."""
        both = {**self._given, **self._taken, **self._pages}
        both = {name: each for name, each in both.items() if name not in besides}
        shown = {_short(name): rules.apply(name, _renamed(each)) for name, each in sorted(both.items())}
        if len(shown) != len(both):
            raise ValueError("Two shapes would have one name: " + ", ".join(sorted({*both} - {*shown})))
        return shown


def _components(kinds: Iterable[Any]) -> dict[str, JsonSchema]:
    _, known = msgspec.json.schema_components(list(kinds), schema_hook=_of_type, ref_template=REFERENCE)
    return {name: _portable(each) for name, each in known.items()}


def _of_type(kind: type) -> JsonSchema:
    if kind is money.Amount:
        return {"type": "number", "minimum": 0, "maximum": 99_999_999.99}
    raise NotImplementedError(kind)


def _portable(said: Any) -> Any:
    """A schema in the words that every reader of JSON Schema knows."""
    if isinstance(said, list):
        return [_portable(each) for each in said]
    if not isinstance(said, dict):
        return said
    made = {word: _portable(each) for word, each in said.items()}
    if made.get("format") == "decimal":
        return {"type": "number"}
    if form := made.pop("x-form", None):  # said for itself, without what may be around it, which is longer
        made["pattern"] = form
        del made["maxLength"]
    if words := made.pop("x-words", None):
        made["description"] = words
    if pattern := made.pop("x-pattern", None):
        made["pattern"] = pattern
    if isinstance(made.get("pattern"), str):
        made["pattern"] = made["pattern"].replace(r"$(?!\n)", "$").replace("*+", "*")
    if isinstance(made.get("enum"), list):
        made["type"] = "string"
    if "description" in made and isinstance(made["description"], str):
        made["description"] = prose.for_callers(made["description"])
    return _nullable(made)


def _nullable(made: JsonSchema) -> JsonSchema:
    """`{"type": [T, "null"]}` for a choice between a plain type and null, which generators of clients read better."""
    choices = made.get("anyOf", [])
    plain = [each for each in choices if each != {"type": "null"}]
    if (
        len(choices) == len(plain) + 1
        and len(plain) == 1
        and isinstance(plain[0].get("type"), str)
        and "enum" not in plain[0]
    ):
        rest = {word: each for word, each in made.items() if word != "anyOf"}
        return {**plain[0], **rest, "type": [plain[0]["type"], "null"]}
    return made


def _answered(name: str, said: JsonSchema) -> JsonSchema:
    """The schema of an answer: a field with a default is always there, unless its type leaves such fields out."""
    fields = said.get("properties")
    if not fields:
        return said
    omits = _structs()[name].__struct_config__.omit_defaults
    there = [each for each, shape in fields.items()
             if each in said.get("required", ()) or ("default" in shape and not omits)]  # fmt: skip
    told = {each: {word: v for word, v in shape.items() if word != "default"} for each, shape in fields.items()}
    return {**said, "properties": told, "required": there}


@lru_cache
def _structs() -> dict[str, type[msgspec.Struct]]:
    """Every struct by its name, which it shares with no other."""
    found: list[type[msgspec.Struct]] = [msgspec.Struct]
    for each in found:
        found += each.__subclasses__()
    return {each.__name__: each for each in found}


def _short(name: str) -> str:
    return name.removesuffix("View") or name


def _renamed(said: Any) -> Any:
    """The schema with the names that callers see: an OrderView is to them an Order."""
    if isinstance(said, list):
        return [_renamed(each) for each in said]
    if not isinstance(said, dict):
        return said
    made = {word: _renamed(each) for word, each in said.items()}
    for word in ("$ref", "title"):
        if isinstance(made.get(word), str):
            made[word] = _short(made[word])
    return made
