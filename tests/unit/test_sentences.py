"""Every sentence in which `schema` refuses something is one of this shop's (F15)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, UnsetType

import app
from chalicelib.core import reading, schema
from chalicelib.core.errors import Invalid, InvalidJson
from chalicelib.core.money import Amount
from chalicelib.core.schema import Schema

pytestmark = pytest.mark.fault("F15")

# Words of msgspec, of Python and of regular expressions: whoever reads a refusal need not know any of them.
FOREIGN = re.compile(
    r"`|\$|Expected|expected|Invalid enum|enum|regex|matching|\bobject\b|\barray\b|\bstr\b|\bint\b|\bbool\b|\bfloat\b"
    r"|\bNone\b|decimal|RFC|got |at `|Input data|truncated|malformed|codec|class|Decoder|Error|Meta|pattern"
    r"|out of range|\[A-Z|\\|base64|\.\."
)


class Kind(StrEnum):
    """Words to choose from."""

    LARGE = "large"
    SMALL = "small"


class Level(IntEnum):
    """Numbers to choose from."""

    LOW = 1
    HIGH = 2


class Inner(Schema, frozen=True, kw_only=True):
    """A shape in a shape."""

    name: Annotated[str, Meta(min_length=2)]


class Every(Schema, frozen=True, kw_only=True):
    """One field of each type and each constraint, fewer than the faults that are told at once."""

    enum: Kind
    numbers: Level
    literal: Literal["a", "b"]
    mixed: Literal["a", 5]
    only: Literal["card"]
    chosen: Annotated[Literal["a", "b"], Meta(description="something else")]
    enum_or_none: Kind | None
    whole: int
    at_least: Annotated[int, Meta(ge=1)]
    at_most: Annotated[int, Meta(le=1_000_000)]
    between: Annotated[int, Meta(ge=1, le=99)]
    above: Annotated[int, Meta(gt=0)]
    below: Annotated[int, Meta(lt=10)]
    fives: Annotated[int, Meta(multiple_of=5)]
    real: Annotated[float, Meta(ge=0, lt=1)]
    amount: Amount
    amount_or_none: Amount | None
    decimal: Decimal
    flag: bool
    text: str
    short: Annotated[str, Meta(max_length=3)]
    long: Annotated[str, Meta(min_length=3)]
    sized: Annotated[str, Meta(min_length=2, max_length=3)]
    hinted: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="two letters such as DE")]
    hinted_or_none: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="two letters such as DE")] | None
    unhinted: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    either: int | str
    whatever: int | bool | None
    nothing: None
    may_be_unset: int | UnsetType | None
    time: datetime
    zoned: Annotated[datetime, Meta(tz=True)] | None
    day: date
    key: UUID = UUID(int=0)
    listed: list[int]
    few: Annotated[list[int], Meta(max_length=2)]
    some: Annotated[tuple[str, ...], Meta(min_length=1, max_length=2)]
    unlike: set[int]
    kinds: list[Kind]
    named: dict[str, int]
    named_few: Annotated[dict[str, int], Meta(min_length=1, max_length=2)]
    inner: Inner | None
    inners: list[Inner]


JSONS: list[Any] = [
    None, True, 0, -1, 7, 10**6 + 1, 10**40, 1.5, "", "x", "xxxx", "\u0000", "2026-13-99", "NaN", [], ["x"], [1, 2, 3],
    [None, {}, [[]]], [["x"]], {}, {"a": "x"}, {"a": 1, "b": 2, "c": 3}, {"name": "x"}, {"name": 5, "gift": True},
    [{"name": "x"}, 5], ["large", "huge"],
]  # fmt: skip
TEXTS = ["", "x", "null", "true", "TRUE", "1", "-1", "1.5", "1e2", "9" * 400, "\u0665", "large", "DE"]


def sentences(shape: type, refuse: Any) -> Iterator[str]:
    """What is said of every value in every field, alone."""
    for field in msgspec.structs.fields(shape):
        for value in JSONS if refuse is refused_body else TEXTS:
            for fault in refuse({field.encode_name: value}, shape):
                yield fault.detail


def refused_body(body: Any, shape: type) -> tuple[Any, ...]:
    try:
        schema.decode(msgspec.json.encode(body), shape)
    except Invalid as refused:
        return told(refused)
    return ()


def refused_query(query: Any, shape: type) -> tuple[Any, ...]:
    try:
        schema.decode_query(query, shape)
    except Invalid as refused:
        return told(refused)
    return ()


def told(refused: Invalid) -> tuple[Any, ...]:
    """What is said of what was sent, and the summary; not that other fields are missing."""
    faults = [fault for fault in refused.errors if fault.code != "required" or "." in fault.field]
    return (*faults, _Said(refused.detail))


class _Said:
    """A summary, looked at as a fault's sentence is."""

    field = ""

    def __init__(self, detail: str) -> None:
        self.detail = detail


def every_shape() -> list[type]:
    """What the routes take, and `Every`."""
    assert app.app
    waiting, found = [Schema], []
    while waiting:
        shape = waiting.pop()
        waiting += shape.__subclasses__()
        if shape.__module__.startswith("chalicelib."):
            found.append(shape)
    return [*found, Every]


SHAPES = every_shape()


@pytest.mark.parametrize("refuse", [refused_body, refused_query])
@pytest.mark.parametrize("shape", SHAPES, ids=[shape.__name__ for shape in SHAPES])
def test_no_sentence_has_a_word_of_a_library(shape: type, refuse: Any) -> None:
    for said in sentences(shape, refuse):
        assert not FOREIGN.search(said), said
        assert said.endswith("."), said
        assert len(said) < 400, said


@pytest.mark.parametrize("shape", SHAPES[:-1], ids=[shape.__name__ for shape in SHAPES[:-1]])
def test_every_form_that_a_field_must_have_is_told_in_a_hint(shape: type) -> None:
    for field in msgspec.structs.fields(shape):
        metas = list(reading.metas(field.type))
        assert all(meta.description for meta in metas if meta.pattern), field.name


def said(field: str, value: Any) -> tuple[str, str]:
    """The code and the sentence of the first fault of a field."""
    fault = refused_body({field: value}, Every)[0]
    return fault.code, fault.detail


@pytest.mark.parametrize(
    ("field", "value", "code", "sentence"),
    [
        ("enum", "huge", "invalid_value", "Must be one of large, small."),
        ("enum", 5, "invalid_type", "Must be one of large, small."),
        ("numbers", 3, "invalid_value", "Must be one of 1, 2."),
        ("numbers", "low", "invalid_type", "Must be one of 1, 2."),
        ("literal", "c", "invalid_value", "Must be one of a, b."),
        ("mixed", "c", "invalid_value", "Must be one of a, 5."),
        ("only", "cash", "invalid_value", "Must be card."),
        ("only", None, "invalid_type", "Must be card."),
        ("chosen", "c", "invalid_value", "Must be one of a, b."),
        ("enumOrNone", "huge", "invalid_value", "Must be one of large, small."),
        ("enumOrNone", 5, "invalid_type", "Must be one of large, small or null."),
        ("whole", 1.5, "invalid_type", "Must be a whole number."),
        ("whole", "1", "invalid_type", "Must be a whole number."),
        ("atLeast", 0, "out_of_range", "Must be a whole number of at least 1."),
        ("atMost", 1_000_001, "out_of_range", "Must be a whole number of at most 1,000,000."),
        ("between", 100, "out_of_range", "Must be a whole number of 1 to 99."),
        ("between", "x", "invalid_type", "Must be a whole number of 1 to 99."),
        ("above", 0, "out_of_range", "Must be a whole number above 0."),
        ("below", 10, "out_of_range", "Must be a whole number below 10."),
        ("fives", 7, "invalid_value", "Must be a whole number, a multiple of 5."),
        ("real", 1, "out_of_range", "Must be a number of at least 0 below 1."),
        ("amount", "1", "invalid_type", "Must be a number."),
        ("amountOrNone", True, "invalid_type", "Must be a number or null."),
        ("decimal", "x", "invalid_value", "Must be a number."),
        ("flag", 1, "invalid_type", "Must be true or false."),
        ("text", 5, "invalid_type", "Must be text."),
        ("short", "abcd", "invalid_length", "Must be text of at most 3 characters."),
        ("long", "ab", "invalid_length", "Must be text of at least 3 characters."),
        ("sized", "a", "invalid_length", "Must be text of 2 to 3 characters."),
        ("hinted", "de", "invalid_value", "Must be two letters such as DE."),
        ("hinted", 5, "invalid_type", "Must be text: two letters such as DE."),
        ("hintedOrNone", "de", "invalid_value", "Must be two letters such as DE."),
        ("hintedOrNone", 5, "invalid_type", "Must be text: two letters such as DE or null."),
        ("unhinted", "de", "invalid_value", "Must be text in another form."),
        ("either", True, "invalid_type", "Must be a whole number or text."),
        ("nothing", 5, "invalid_type", "Must be null."),
        ("mayBeUnset", "x", "invalid_type", "Must be a whole number or null."),
        ("time", "x", "invalid_value", "Must be a time such as 2026-11-21T09:30:00Z."),
        ("zoned", "2026-01-01T00:00:00", "invalid_value", "Must be a time such as 2026-11-21T09:30:00Z."),
        ("day", "x", "invalid_value", "Must be a day such as 2026-11-21."),
        ("key", "x", "invalid_value", "Must be a UUID."),
        ("listed", {}, "invalid_type", "Must be a list."),
        ("few", [1, 2, 3], "invalid_length", "Must be a list of at most 2 elements."),
        ("some", [], "invalid_length", "Must be a list of 1 to 2 elements."),
        ("named", [], "invalid_type", "Must be named values in braces."),
        ("namedFew", {}, "invalid_length", "Must be named values in braces of 1 to 2 names."),
        ("inner", 5, "invalid_type", "Must be named values in braces or null."),
    ],
)
def test_a_refusal_says_what_the_field_takes(field: str, value: Any, code: str, sentence: str) -> None:
    assert said(field, value) == (code, sentence)


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"listed": [1, "x"]}, "listed[1]", "Must be a whole number."),
        ({"unlike": [1, "x"]}, "unlike[1]", "Must be a whole number."),
        ({"kinds": ["huge"]}, "kinds[0]", "Must be one of large, small."),
        ({"named": {"a": 1, "b": "x"}}, "named.b", "Must be a whole number."),
        ({"inner": {"name": "x"}}, "inner.name", "Must be text of at least 2 characters."),
        ({"inners": [{}]}, "inners[0].name", "This field is required."),
        ({"inners": [{"name": "xx", "gift": 1}]}, "inners[0].gift", "No such field here; leave it out."),
        ([], "body", "Must be named values in braces."),
    ],
)
def test_a_refusal_names_the_place_at_any_depth(body: Any, field: str, sentence: str) -> None:
    fault = refused_body(body, Every)[0]

    assert (fault.field, fault.detail) == (field, sentence)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"enumOrNone": "huge"}, "Must be one of large, small."),
        ({"enumOrNone": "null"}, "Must be one of large, small."),
        ({"atLeast": "x"}, "Must be a whole number of at least 1."),
        ({"atLeast": "0"}, "Must be a whole number of at least 1."),
        ({"flag": "1"}, "Must be true or false."),
        ({"amountOrNone": "x"}, "Must be a number."),
        ({"mayBeUnset": "x"}, "Must be a whole number."),
        ({"hintedOrNone": "de"}, "Must be two letters such as DE."),
    ],
)
def test_a_parameter_is_refused_in_the_same_words_but_is_never_null(query: dict[str, str], sentence: str) -> None:
    assert refused_query(query, Every)[0].detail == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The body is empty; send JSON."),
        (" \n", "The body is empty; send JSON."),
        ("{", "The body is not valid JSON: it ends too early, or in half a character."),
        ('{"name":"\\ud800"}', "The body is not valid JSON: it ends too early, or in half a character."),
        ("nonsense", "The body is not valid JSON: it goes wrong at byte 5."),
        ("\x00", "The body is not valid JSON: it goes wrong at byte 1."),
        ('{"a":1,}', "The body is not valid JSON: it goes wrong at byte 8."),
        ('{"a" 1}', "The body is not valid JSON: it goes wrong at byte 6."),
        ("{a:1}", "The body is not valid JSON: it goes wrong at byte 2."),
        ('{"a":1}x', "The body is not valid JSON: it goes wrong at byte 9."),
        ('{"a":NaN}', "The body is not valid JSON: it goes wrong at byte 6."),
        ('{"a":"\\x"}', "The body is not valid JSON: it goes wrong at byte 9."),
        ('{"a":01}', "The body is not valid JSON: it goes wrong at byte 7."),
        (b'{"a":"\xff"}', "The body is not UTF-8 text."),
        ('{"a":1e999999999999999999999}', "The body is not valid JSON: it has a number that is too long."),
        (f'{{"a":{"9" * 5000}}}', "The body is not valid JSON: it has a number that is too long."),
        ("[" * 100_000, "The body is nested too deeply."),
        ('{"a":1,"a":2}', "The body is not valid JSON: 'a' stands twice in one place."),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_the_place(text: str | bytes, sentence: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        schema.decode(text, dict)

    assert refused.value.detail == sentence
