"""How a text in a schema is read: what its type says is made of it once it fits, wherever the field stands."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec

# What a copied text may bring along at its ends: blanks of any script, and what has no width.
_CODES = (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0xAD, 0x1680, 0x180E, *range(0x2000, 0x2010),
          *range(0x2028, 0x2030), 0x205F, 0x2060, *range(0x2066, 0x206A), 0x3000, 0xFEFF)  # fmt: skip
PADDING = "".join(map(chr, _CODES))
_CLASS = "".join(f"\\u{code:04x}" for code in _CODES)
UNPADDED = f"[^{_CLASS}]"  # a character that is none of these, as a pattern
PADDED = f"[{_CLASS}]*+"  # as many of these as there are, and none given back: no text takes long
_LOOKED_AT = 2400  # characters of a code with all that is around it


def unpadded(text: str) -> str:
    """The text without blanks, and without characters that nobody sees, around it (F9)."""
    return text.strip(PADDING)


def read_by(read: Callable[[str], str], *, most: int, hint: str = "text", **told: str) -> msgspec.Meta:
    """Of a text in a schema: its value is what `read` makes of it, which raises `ValueError` for what it is not.

    `most` is how many characters are looked at, `told` is what documents say of it: its `format`, `words` of theirs.
    """
    return msgspec.Meta(max_length=most, description=hint, extra={"read": read}, extra_json_schema=_documented(told))


def pasted(pattern: str, *, hint: str, **told: str) -> msgspec.Meta:
    """Of a code in a schema, such as a coupon's: of that pattern, with anything unseen around it taken off (F9).

    The pattern must take no character that is taken off, and have no two parts beside each other that take the same.
    `told` is what documents say of it beside this pattern, as with `read_by`.
    """
    around = rf"^{PADDED}(?:{pattern}){PADDED}$(?!\n)"
    documented = {"x-form": f"^(?:{pattern})$", **_documented(told)}
    read = {"read": unpadded}
    return msgspec.Meta(
        pattern=around, max_length=_LOOKED_AT, description=hint, extra=read, extra_json_schema=documented
    )


def _documented(told: dict[str, str]) -> dict[str, str]:
    return {"x-words" if name == "words" else name: text for name, text in told.items()}


@lru_cache(maxsize=256)
def readers(structure: type[msgspec.Struct]) -> dict[str, Callable[[Any], Any]]:
    """How to read the fields of a shape that want it, by their names inside."""
    found = {field.name: reader(field.type) for field in msgspec.structs.fields(structure)}
    return {name: read for name, read in found.items() if read}


def reader(kind: Any) -> Callable[[Any], Any] | None:
    """How a value of that type is read: by its own annotation, or each of a list by theirs."""
    own = next((meta.extra["read"] for meta in metas(kind) if meta.extra and "read" in meta.extra), None)
    if own is not None or get_origin(bare(kind)) not in (list, tuple):
        return cast("Callable[[Any], Any] | None", own)
    of_each = reader(get_args(bare(kind))[0])
    return None if of_each is None else lambda values: type(values)(of_each(each) for each in values)


def metas(kind: Any) -> Iterator[msgspec.Meta]:
    """What a type is annotated with, also where `None` or unset stands beside it."""
    if get_origin(kind) is Annotated:
        yield from (each for each in get_args(kind)[1:] if isinstance(each, msgspec.Meta))
    elif get_origin(kind) in (Union, types.UnionType):
        for member in get_args(kind):
            yield from metas(member)


def bare(kind: Any) -> Any:
    """The type without its annotations and without the `None` or unset beside it."""
    if get_origin(kind) is Annotated:
        return bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        members = [m for m in get_args(kind) if m not in (type(None), msgspec.UnsetType)]
        return bare(members[0]) if len(members) == 1 else kind
    return kind
