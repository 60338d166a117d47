"""JSON in and out: one typed definition decodes, validates and encodes, and names every faulty field.

The fast path is a single msgspec decode. Only when that fails is the body walked again, field by field, so that
the answer lists all faults rather than the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Self, TypeVar, cast, get_args, get_origin

import msgspec

from chalicelib.core import money
from chalicelib.core.errors import FieldError, Invalid, InvalidJson
from chalicelib.core.reading import bare, metas, reader, readers

T = TypeVar("T")

MAX_PAGE_SIZE = 100


class DuplicateName(ValueError):
    """An object of a JSON text has the same name twice, so readers may differ about what it says."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in members:
        if name in made:
            message = f"{name[:100]!r} stands twice in one object"
            raise DuplicateName(message)
        made[name] = value
    return made


# Control characters, what has no width, and what turns the direction of the text around it.
_UNSEEN = r"\x00-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff"

Text = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$(?!\n)",
        extra={"hint": "1 to 200 characters, not only blanks, no control or invisible characters"},
    ),
]
Prose = Annotated[
    str,
    msgspec.Meta(
        max_length=5000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$(?!\n)",
        extra={"hint": "at most 5,000 characters, no control characters but line breaks and tabs"},
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


class PageQuery(Schema, frozen=True, kw_only=True):
    """The query parameters of every list."""

    limit: Annotated[int, msgspec.Meta(ge=1)] = 20
    cursor: str | None = None

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
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "decimal": "a number",
    "int": "a whole number",
    "number": "a number",
    "object": "an object",
    "str": "text",
    "|": "or",
}
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

    Raises `InvalidJson` when it is not JSON or has a name twice in one object, `Invalid` with every faulty field when
    it does not fit.
    """
    try:
        decoded = cast("T", _decoder(cast("Hashable", shape)).decode(body or b""))
        require_unique_names(body or b"")
    except msgspec.ValidationError:
        faults = tuple(islice(_faults(_parse(body), shape, ""), _MAX_FAULTS))
        raise Invalid(_summary(faults), errors=faults) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, DuplicateName) as error:
        raise _not_json(error) from None
    return decoded


def require_unique_names(text: str | bytes) -> None:
    """Raise `DuplicateName` if an object of this JSON text, which msgspec has read, has the same name twice."""
    _strict_decoder.decode(text if isinstance(text, str) else text.decode())


def decode_query(values: Mapping[str, str], shape: type[T]) -> T:
    """Query parameters as `shape`; text becomes numbers and booleans where the shape wants them."""
    try:
        return msgspec.convert(values, shape, strict=False, dec_hook=_from_text)
    except msgspec.ValidationError:
        faults = tuple(islice(_faults(dict(values), shape, "", strict=False), _MAX_FAULTS))
        raise Invalid(_summary(faults), errors=faults) from None


@lru_cache(maxsize=256)
def _decoder(shape: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape, dec_hook=_from_json, float_hook=Decimal)


def _from_text(kind: type, value: Any) -> Any:
    if kind is money.Amount and isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value):
        return money.Amount(value)
    message = "Expected `number`"
    raise ValueError(message)


def _parse(body: str | bytes | None, decoder: msgspec.json.Decoder[Any] = _loose_decoder) -> Any:
    try:
        return decoder.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise _not_json(error) from None


def _not_json(error: Exception) -> InvalidJson:
    if isinstance(error, RecursionError):
        return InvalidJson("The body is nested too deeply.")
    return InvalidJson(f"The body is not valid JSON: {error}.".replace("..", "."))


def _summary(faults: tuple[FieldError, ...]) -> str:
    return "The request has a faulty field." if len(faults) == 1 else f"The request has {len(faults)} faulty fields."


def _faults(value: Any, kind: Any, path: str, *, strict: bool = True) -> Iterator[FieldError]:
    """Every fault of `value` against `kind`, depth first, in the order of the shape's fields."""
    structure = _structure(kind)
    if structure is not None and isinstance(value, dict):
        yield from _object_faults(value, structure, path, strict=strict)
    elif get_origin(bare(kind)) in (list, tuple) and isinstance(value, list):
        yield from _list_faults(value, kind, path, strict=strict)
    else:
        yield from _own_fault(value, kind, path, strict=strict)


def _object_faults(
    value: dict[str, Any], structure: type[msgspec.Struct], path: str, *, strict: bool
) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(structure)}
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, _join(path, name), strict=strict)
        elif field.required:
            yield FieldError(_join(path, name), "required", "This field is required.")
    for name in value:
        if name not in fields:
            yield FieldError(_join(path, str(name)[:100]), "unknown_field", "No such field here; leave it out.")


def _list_faults(value: list[Any], kind: Any, path: str, *, strict: bool) -> Iterator[FieldError]:
    most = next((meta.max_length for meta in metas(kind) if meta.max_length is not None), None)
    if most is not None and len(value) > most:
        yield FieldError(path, "invalid_length", f"Must have at most {most} elements.")
        return
    element, sound = get_args(bare(kind))[0], True
    for i, each in enumerate(value):
        for fault in _faults(each, element, f"{path}[{i}]", strict=strict):
            sound = False
            yield fault
    if sound:
        yield from _own_fault(value, kind, path, strict=strict)


def _own_fault(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[FieldError]:
    try:
        fitting = msgspec.convert(value, kind, strict=strict, dec_hook=_from_json if strict else _from_text)
    except msgspec.ValidationError as error:
        yield FieldError(path or "body", _code(str(error)), _advice(str(error), kind))
        return
    read = reader(kind)
    try:
        if read and isinstance(fitting, str):
            read(fitting)
    except ValueError:
        yield FieldError(path or "body", "invalid_value", _advice("", kind))


def _code(message: str) -> str:
    if " of length " in message:
        return "invalid_length"
    if "matching regex" in message or "Invalid enum" in message:
        return "invalid_value"
    return "out_of_range" if re.search(r"[<>]= ", message) else "invalid_type"


def _advice(message: str, kind: Any) -> str:
    hint = next((meta.extra["hint"] for meta in metas(kind) if meta.extra and "hint" in meta.extra), None)
    if hint and "got" not in message:
        return f"Must be {hint}."
    expected = message.split(" - at ", maxsplit=1)[0].split(", got ", maxsplit=1)[0].removeprefix("Expected ")
    words = (_WORDS.get(word, word) for word in expected.replace("`", "").split(" "))
    return f"Must be {' '.join(words)}."


def _structure(kind: Any) -> type[msgspec.Struct] | None:
    plain = bare(kind)
    return plain if isinstance(plain, type) and issubclass(plain, msgspec.Struct) else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
