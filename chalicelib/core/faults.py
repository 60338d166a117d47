"""What is wrong with a value, field by field, in sentences of this shop: no word of the library that found it (F15).

A sentence says what a field takes, so it is made from the field's type, whatever came.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from chalicelib.core import reading
from chalicelib.core.errors import FieldError, InvalidJson

Hook = Callable[[type, Any], Any]

_NOUNS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "Decimal": "a number",
    "str": "text",
    "datetime": "a time such as 2026-11-21T09:30:00Z",
    "date": "a day such as 2026-11-21",
    "UUID": "a UUID",
    "NoneType": "null",
}
_ANOTHER_TYPE = re.compile(r"not a |Expected `[^`]+`($| - at )")  # what a hook says, and msgspec beside it
_LISTS = (list, tuple, set, frozenset)


class Source(NamedTuple):
    """How a value came: `hook` reads what is no type of JSON, and text alone cannot be null."""

    hook: Hook
    is_text: bool


class DuplicateName(ValueError):
    """A JSON text has the same name twice in one place, so readers may differ about what it says."""


def not_json(error: Exception, body: str | bytes | None) -> InvalidJson:
    """Why a body could not be read at all, and where."""
    if not body or not body.strip():
        return InvalidJson("The body is empty; send JSON.")
    if isinstance(error, (RecursionError, UnicodeDecodeError)):
        return InvalidJson(f"The body {reason(error).removeprefix('it ')}.")
    return InvalidJson(f"The body is not valid JSON: {reason(error)}.")


def reason(error: Exception) -> str:
    """Why a text is not JSON, or where it stops being so."""
    said = str(error)
    if isinstance(error, DuplicateName):
        return said
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if place := re.search(r"\(byte ([0-9]+)\)", said):
        return f"it goes wrong at byte {int(place[1]) + 1}"
    return "it ends too early, or in half a character" if "truncated" in said else "it has a number that is too long"


def find(value: Any, kind: Any, path: str, source: Source) -> Iterator[FieldError]:
    """Every fault of `value` against `kind`, depth first, in the order of the shape's fields."""
    bare = reading.bare(kind)
    if is_shape(bare) and isinstance(value, dict):
        yield from _in_shape(value, bare, path, source)
    elif get_origin(bare) in _LISTS and isinstance(value, list):
        yield from _in_list(value, kind, path, source)
    elif get_origin(bare) is dict and isinstance(value, dict):
        yield from _in_names(value, kind, path, source)
    else:
        yield from _in_itself(value, kind, path, source)


def is_shape(kind: Any) -> bool:
    """Is it a shape with fields of its own?"""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _in_shape(value: dict[str, Any], shape: type[msgspec.Struct], path: str, source: Source) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name, field in fields.items():
        if name in value:
            yield from find(value[name], field.type, _join(path, name), source)
        elif field.required:
            yield FieldError(_join(path, name), "required", "This field is required.")
    for name in value:
        if name not in fields:
            yield FieldError(_join(path, str(name)[:100]), "unknown_field", "No such field here; leave it out.")


def _in_list(value: list[Any], kind: Any, path: str, source: Source) -> Iterator[FieldError]:
    most = next((meta.max_length for meta in reading.metas(kind) if meta.max_length is not None), None)
    if most is not None and len(value) > most:
        yield FieldError(path, "invalid_length", sentence(kind))
        return
    element, faults = get_args(reading.bare(kind))[0], False
    for i, each in enumerate(value):
        for fault in find(each, element, f"{path}[{i}]", source):
            faults = True
            yield fault
    if not faults:
        yield from _in_itself(value, kind, path, source)


def _in_names(value: dict[str, Any], kind: Any, path: str, source: Source) -> Iterator[FieldError]:
    element, faults = get_args(reading.bare(kind))[1], False
    for name, each in value.items():
        for fault in find(each, element, _join(path, name[:100]), source):
            faults = True
            yield fault
    if not faults:
        yield from _in_itself(value, kind, path, source)


def _in_itself(value: Any, kind: Any, path: str, source: Source) -> Iterator[FieldError]:
    try:
        fitting = msgspec.convert(value, kind, dec_hook=source.hook)
    except msgspec.ValidationError as error:
        code = _code(str(error))
        with_null = code == "invalid_type" and not source.is_text
        yield FieldError(path or "body", code, sentence(kind, of_type=code == "invalid_type", with_null=with_null))
        return
    read = reading.reader(kind)
    try:
        if read and isinstance(fitting, str):
            read(fitting)
    except ValueError:
        yield FieldError(path or "body", "invalid_value", sentence(kind))


def _code(message: str) -> str:
    if " of length " in message:
        return "invalid_length"
    if re.search(r"[<>]=? ", message):
        return "out_of_range"
    return "invalid_type" if ", got " in message or _ANOTHER_TYPE.match(message) else "invalid_value"


def sentence(kind: Any, *, of_type: bool = False, with_null: bool = False) -> str:
    """What a field of that type takes; `of_type` where something of another type came, which the hint may not say."""
    members = [each for each in _members(kind) if reading.bare(each) is not type(None) or with_null]
    return f"Must be {' or '.join(_described(each, of_type=of_type) for each in members)}."


def _members(kind: Any, metas: tuple[msgspec.Meta, ...] = ()) -> Iterator[Any]:
    """The alternatives of a type, each with the annotations that hold for it."""
    if get_origin(kind) is Annotated:
        inner, *annotations = get_args(kind)
        yield from _members(inner, (*metas, *(each for each in annotations if isinstance(each, msgspec.Meta))))
    elif get_origin(kind) in (Union, types.UnionType):
        for member in get_args(kind):
            yield from _members(member, metas)
    elif kind is not msgspec.UnsetType:
        yield Annotated[(kind, *metas)] if metas else kind


def _described(kind: Any, *, of_type: bool) -> str:
    metas, bare = tuple(reading.metas(kind)), reading.bare(kind)
    if choices := _choices(bare):
        return f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    noun = _noun(bare)
    hint = next((meta.description for meta in metas if meta.description), None)
    if hint and hint != noun:
        return f"{noun}: {hint}" if of_type else str(hint)
    return noun + "".join(_limits(bare, metas))


def _choices(bare: Any) -> list[str]:
    if get_origin(bare) is Literal:
        return [str(each) for each in get_args(bare)]
    if isinstance(bare, type) and issubclass(bare, Enum):
        return [str(each.value) for each in bare]
    return []


def _noun(bare: Any) -> str:
    if (get_origin(bare) or bare) in _LISTS:
        return "a list"
    if is_shape(bare) or (get_origin(bare) or bare) is dict:
        return "named values in braces"
    return next(_NOUNS[each.__name__] for each in bare.__mro__ if each.__name__ in _NOUNS)


def _limits(bare: Any, metas: tuple[msgspec.Meta, ...]) -> Iterator[str]:
    unit = "characters" if bare is str else "elements" if (get_origin(bare) or bare) in _LISTS else "names"
    for meta in metas:
        if meta.pattern is not None:
            yield " in another form"
        yield _range(" of ", meta.min_length, meta.max_length, f" {unit}")
        yield _range(" of ", meta.ge, meta.le, "")
        if meta.gt is not None:
            yield f" above {meta.gt}"
        if meta.lt is not None:
            yield f" below {meta.lt}"
        if meta.multiple_of is not None:
            yield f", a multiple of {meta.multiple_of}"


def _range(before: str, least: float | None, most: float | None, unit: str) -> str:
    if least is not None and most is not None:
        return f"{before}{least:,} to {most:,}{unit}"
    if least is not None:
        return f"{before}at least {least:,}{unit}"
    return f"{before}at most {most:,}{unit}" if most is not None else ""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
