"""What people paste, codes and tokens and addresses, means the same with blanks around it, by its type (F9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from chalicelib.core import reading, schema
from chalicelib.core.errors import Invalid
from chalicelib.core.reading import unpadded
from chalicelib.core.schema import Schema
from chalicelib.coupons import models as coupons
from chalicelib.users.emails import fold

pytestmark = pytest.mark.fault("F9")
CHALICELIB = Path(__file__).parents[2] / "chalicelib"
PADDINGS = {
    "blanks": "  {} ",
    "a line break": "{}\r\n",
    "tabs": "\t{}\t",
    "no-break spaces": "\u00a0{}\u202f",
    "wide blanks": "\u3000{}\u2003",
    "zero width": "\u200b{}\u200d",
    "a byte order mark": "\ufeff{}",
    "direction marks": "\u200e{}\u202c",
    "soft hyphens": "\u00ad{}\u2060",
}
# What each such field may hold; one that is not here is found by its name and wants a line.
SAMPLES = {
    "cart_token": "aBc-_9",
    "code": "SAVE-10",
    "country": "US",
    "coupon_code": "SAVE-10",
    "currency": "USD",
    "email": "ada@example.com",
    "events": ["order.*"],
    "image_url": "https://images.example.com/mug.png",
    "product_id": "prd_1",
    "refresh_token": "usr.ses.aBc.0f",
    "sku": "MUG/1",
    "token": "aBc-_9",
    "url": "https://hooks.example.com/shop",
}
STRICT = {("NewCoupon", "code"), ("NewProduct", "sku"), ("Registration", "email")}
# A cursor is nobody's to change (H2), and an address has rules of its own (F1).
OTHERS = {"cursor", "postal_code"}
LIKE_A_CODE = re.compile(r"(?:^|_)(?:code|country|coupon|currency|cursor|email|id|sku|token|url)$")


def shapes() -> Iterator[type[Schema]]:
    """Every shape that the routes take."""
    for path in sorted(CHALICELIB.glob("*/schemas.py")):
        module = import_module(f"chalicelib.{path.parent.name}.schemas")
        yield from (
            each
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, Schema) and each.__module__ == module.__name__
        )


def fields() -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    for shape in shapes():
        yield from ((shape.__name__, field) for field in msgspec.structs.fields(shape))


PASTED = [(shape, field) for shape, field in fields() if field.name in SAMPLES]


def with_one(field: msgspec.structs.FieldInfo) -> type[Schema]:
    return msgspec.defstruct("One", [(field.name, field.type)], bases=(Schema,), frozen=True, kw_only=True)


def read(field: msgspec.structs.FieldInfo, value: Any) -> Any:
    body = msgspec.json.encode({field.encode_name: value})
    return getattr(schema.decode(body, with_one(field)), field.name)


def padded(value: Any, padding: str) -> Any:
    return [padding.format(each) for each in value] if isinstance(value, list) else padding.format(value)


def test_every_field_that_people_paste_into_is_tried() -> None:
    named = {f"{shape}.{field.name}" for shape, field in fields() if LIKE_A_CODE.search(field.name)}

    assert {name for name in named if name.partition(".")[2] not in {*SAMPLES, *OTHERS}} == set()
    assert set(SAMPLES) == {field.name for _, field in PASTED}


@pytest.mark.parametrize("padding", PADDINGS.values(), ids=PADDINGS)
@pytest.mark.parametrize(("shape", "field"), PASTED, ids=[f"{shape}.{field.name}" for shape, field in PASTED])
def test_what_is_around_a_code_is_no_part_of_it(shape: str, field: msgspec.structs.FieldInfo, padding: str) -> None:
    sample = SAMPLES[field.name]

    assert read(field, padded(sample, padding)) == read(field, sample), shape


@pytest.mark.parametrize(
    ("name", "value"), [("code", "SAVE 10"), ("sku", "MUG\u200b1"), ("email", "ada @example.com"), ("code", " \u200b")]
)
def test_what_is_inside_a_code_stays_a_fault(name: str, value: str) -> None:
    field = next(field for shape, field in PASTED if (shape, field.name) in STRICT and field.name == name)

    with pytest.raises(Invalid) as refused:
        read(field, value)

    assert [(fault.field, fault.code) for fault in refused.value.errors] == [(name, "invalid_value")]


def test_passwords_keep_their_blanks() -> None:
    kept = {shape: field for shape, field in fields() if "password" in field.name}

    assert set(kept) == {"Credentials", "ResetRequest", "PasswordChange", "Registration", "NewUser"}
    assert {read(field, " a password ") for field in kept.values()} == {" a password "}


def test_codes_in_a_path_and_addresses_from_elsewhere_are_read_alike() -> None:
    assert coupons.fold(" save-10\u200b") == "SAVE-10"
    assert fold("\ufeffAda@Example.com\u00a0") == "ada@example.com"


def test_all_that_python_knows_as_a_blank_is_one() -> None:
    blanks = "".join(chr(code) for code in range(0x110000) if chr(code).isspace())

    assert unpadded(f"{blanks}a{blanks}") == "a"


def test_a_long_padding_takes_no_time_and_is_refused() -> None:
    field = next(field for shape, field in PASTED if (shape, field.name) == ("NewWebhook", "url"))

    for text in ("\u200b" * 100_000, "https://" + "\u200b" * 100_000 + " ", "a" * 2001, "\u200b" * 2390 + "x y"):
        with pytest.raises(Invalid):
            read(field, text)


@pytest.mark.parametrize(
    "text",
    ["https://hooks.example.com/\u200bshop", "https://hooks.example.com/s\u00adhop", "\u2060 \u200b", "a\ufeffb"],
)
@pytest.mark.parametrize("name", ["url", "image_url"])
def test_what_nobody_sees_within_an_address_is_a_fault(name: str, text: str) -> None:
    field = next(field for _, field in PASTED if field.name == name)

    with pytest.raises(Invalid):
        read(field, text)


def test_no_code_begins_or_ends_with_what_is_taken_off_around_it() -> None:
    """Else a text of such characters could be cut in many places, and looking at all cuts takes long."""
    around = f"^{reading.PADDED}(?:"
    for shape, field in PASTED:
        for meta in reading.metas(field.type):
            if meta.pattern and meta.pattern.startswith(around):
                inner = meta.pattern.removeprefix(around).removesuffix(rf"){reading.PADDED}$(?!\n)")
                taken = [
                    c for c in reading.PADDING for text in (c, f"https://{c}", f"a{c}") if re.fullmatch(inner, text)
                ]
                assert taken == [], (shape, field.name)


ANY = st.text(st.sampled_from(f"{reading.PADDING}aA1.@-é茶ß") | st.characters(exclude_categories=["Cs"]), max_size=40)
TEXTS = {f"{shape}.{field.name}": field for shape, field in fields() if reading.bare(field.type) is str}


@pytest.mark.parametrize("name", TEXTS)
@profile(max_examples=60)
@given(text=ANY)
def test_a_text_that_was_taken_can_be_read_again_as_it_was_read(name: str, text: str) -> None:
    field = TEXTS[name]
    try:
        once = read(field, text)
    except Invalid:
        return

    assert read(field, once) == once


@pytest.mark.parametrize("text", ["", "a", "a b", "a\u200bb", "a\n\nb"])
def test_only_the_ends_are_unpadded(text: str) -> None:
    assert unpadded(f" \u200b{text}\u00a0\n") == text
