"""JSON in and out: one typed definition decodes, validates and encodes, and names every faulty field.

The fast path is a single msgspec decode. Only when that fails is the body walked again, field by field, so that
the answer lists all faults rather than the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Self, TypeVar, cast

import msgspec

from chalicelib.core import faults, money
from chalicelib.core.errors import Invalid
from chalicelib.core.reading import PADDED, UNPADDED, bare, readers

T = TypeVar("T")

MAX_PAGE_SIZE = 100
MAX_LINE_LENGTH = 200


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in members:
        if name in made:
            raise faults.DuplicateName(f"{name[:100]!r} stands twice in one place")
        made[name] = value
    return made


# Control characters, and what has no width and no use in a text, or turns the direction of what is around it. Those
# that join letters or part them have a use, in Persian, Hindi and emoji; but a text is never made of them alone.
_UNSEEN = r"\x00-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff"

Text = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_LINE_LENGTH,
        pattern=rf"^(?=[^{_UNSEEN}]*+$(?!\n)){PADDED}{UNPADDED}",
        extra_json_schema={"x-pattern": rf"^(?=.*\S)[^{_UNSEEN}]+$"},
        description="1 to 200 characters, not only blanks, no control or invisible characters",
    ),
]
Line = Annotated[
    str,
    msgspec.Meta(
        max_length=MAX_LINE_LENGTH,
        pattern=rf"^[^{_UNSEEN}]*$(?!\n)",
        description="at most 200 characters, no control or invisible characters",
    ),
]
PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$(?!\n)"
Prose = Annotated[
    str,
    msgspec.Meta(
        max_length=5000,
        pattern=PROSE,
        description="at most 5,000 characters, no control characters but line breaks and tabs",
    ),
]


class Schema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A body or query that a route takes: camelCase outside, unknown fields refused (H5).

    What a field's type has to say about reading it (`pasted`, `read_by`) is done here, wherever the field stands.
    """

    def __post_init__(self) -> None:
        """Read the fields that want it. Raises `ValueError` for one that is not what its type says."""
        for name, read in readers(type(self)).items():
            value = getattr(self, name)
            if value is not None and value is not msgspec.UNSET:
                msgspec.structs.force_setattr(self, name, read(value))

    def given(self) -> dict[str, Any]:
        """The fields that were sent, by their names inside; one that may be left out is UNSET where it was."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not msgspec.UNSET}


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """A body that a route gives."""

    @classmethod
    def of(cls, source: object, **own: Any) -> Self:
        """The view of a model: fields of the same name are taken over, `own` are the view's own."""
        taken = {name: getattr(source, name) for name in cls.__struct_fields__ if name not in own}
        return cls(**taken, **own)


LIMIT = {"x-words": f"How many at most; more than {MAX_PAGE_SIZE} is served as {MAX_PAGE_SIZE}."}


class PageQuery(Schema, frozen=True, kw_only=True):
    """The query parameters of every list."""

    limit: Annotated[int, msgspec.Meta(ge=1, extra_json_schema=LIMIT)] = 20
    cursor: Annotated[str, msgspec.Meta(extra_json_schema={"x-words": "The nextCursor of the page before."})] | None = (
        None
    )

    def __post_init__(self) -> None:
        """Serve what is above the largest page as the largest page."""
        super().__post_init__()
        msgspec.structs.force_setattr(self, "limit", min(self.limit, MAX_PAGE_SIZE))


def _from_json(kind: type, value: Any) -> Any:
    if kind is money.Amount:
        return money.parse(value)
    message = f"{kind.__name__} cannot be read from JSON"
    raise NotImplementedError(message)


_MAX_FAULTS = 50  # enough to mend a body, too few to make a small request a large answer
_MAX_DIGITS = 50  # more than any number that is asked for
_plain_encoder = msgspec.json.Encoder(decimal_format="number")
_loose_decoder = msgspec.json.Decoder(float_hook=Decimal)
_canonical_decoder = msgspec.json.Decoder(float_hook=money.plain)
# Numbers stay text: nobody asks for them, and Python refuses to read those of thousands of digits.
_strict_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str)
_canonical_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def encode(value: Any) -> str:
    """The JSON text of a view; decimals become numbers with all their digits."""
    return _plain_encoder.encode(value).decode()


def canonical(body: str | bytes | None) -> str:
    """One text for all spellings of the same JSON: sorted keys, no blanks, 1 for 1.0 (I3)."""
    return _canonical_encoder.encode(_parse(body, _canonical_decoder)).decode() if body else ""


def decode(body: str | bytes | None, shape: type[T]) -> T:
    """The body as `shape`.

    Raises `InvalidJson` when it is not JSON or has a name twice in one place, `Invalid` with every faulty field when
    it does not fit.
    """
    try:
        decoded = cast("T", _decoder(cast("Hashable", shape)).decode(body or b""))
        require_unique_names(body or b"")
    except msgspec.ValidationError:
        raise _invalid(_parse(body), shape, faults.Source(_from_json, is_text=False)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, faults.DuplicateName) as error:
        raise faults.not_json(error, body) from None
    return decoded


def require_unique_names(text: str | bytes) -> None:
    """Raise `DuplicateName` if this JSON text, which msgspec has read, has the same name twice in one place."""
    _strict_decoder.decode(text if isinstance(text, str) else text.decode())


def decode_query(values: Mapping[str, str], shape: type[T]) -> T:
    """Query parameters as `shape`; text becomes numbers and booleans where the shape wants them, in one spelling each.

    A whole number is ASCII digits with or without a minus before them, a boolean is `true` or `false` (F18).
    """
    kinds = _bare_kinds(cast("Hashable", shape))
    read = {name: _from_digits(text, kinds.get(name)) for name, text in values.items()}
    try:
        return msgspec.convert(read, shape, dec_hook=_from_text)
    except msgspec.ValidationError:
        raise _invalid(read, shape, faults.Source(_from_text, is_text=True)) from None


def names(shape: type[msgspec.Struct]) -> frozenset[str]:
    """The names of a shape's fields, as callers write them."""
    return frozenset(_bare_kinds(cast("Hashable", shape)))


@lru_cache(maxsize=256)
def _bare_kinds(shape: Hashable) -> dict[str, Any]:
    """The types of a shape's fields by the names that callers use, without what is annotated."""
    fields = msgspec.structs.fields(cast("type[msgspec.Struct]", shape))
    return {field.encode_name: bare(field.type) for field in fields}


@lru_cache(maxsize=256)
def _decoder(shape: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape, dec_hook=_from_json, float_hook=Decimal)


def _from_digits(text: str, kind: Any) -> int | bool | str:
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and re.fullmatch(r"-?[0-9]+", text):
        sign, digits = text[: text.startswith("-")], text.lstrip("-").lstrip("0")
        return int(f"{sign}{digits[:_MAX_DIGITS] or 0}")
    return text


def _from_text(kind: type, value: Any) -> Any:
    if kind is money.Amount and isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value):
        return money.Amount(value)
    message = "not a number"
    raise ValueError(message)


def _parse(body: str | bytes | None, decoder: msgspec.json.Decoder[Any] = _loose_decoder) -> Any:
    try:
        return decoder.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise faults.not_json(error, body) from None


def _invalid(value: Any, shape: Any, source: faults.Source) -> Invalid:
    found = tuple(islice(faults.find(value, shape, "", source), _MAX_FAULTS))
    summary = "The request has a faulty field." if len(found) == 1 else f"The request has {len(found)} faulty fields."
    return Invalid(summary, errors=found)
