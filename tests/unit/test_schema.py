"""JSON in: one decode when it fits, every fault when it does not."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import schema
from chalicelib.core.errors import Invalid, InvalidJson
from chalicelib.core.schema import MAX_PAGE_SIZE, PageQuery
from chalicelib.orders.schemas import OrderRequest
from chalicelib.products.models import NewProduct

GOOD = {"name": "Mug", "price": 12.5, "category": "kitchen"}


def faults(body: object, shape: type = NewProduct) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        schema.decode(msgspec.json.encode(body), shape)
    return {(fault.field, fault.code) for fault in refused.value.errors}


def test_a_price_keeps_its_digits() -> None:
    assert schema.decode('{"name":"Mug","price":19.99,"category":"kitchen"}', NewProduct).price == Decimal("19.99")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "x" * 10_000, "invalid_length"),
        ("name", "", "invalid_length"),
        ("name", "   ", "invalid_value"),
        ("name", "a\u0000b", "invalid_value"),
        ("name", 5, "invalid_type"),
        ("price", "12.50", "invalid_type"),
        ("price", True, "invalid_type"),
        ("price", None, "invalid_type"),
        ("stock", -1, "out_of_range"),
        ("stock", 1.5, "invalid_type"),
        ("stock", True, "invalid_type"),
        ("stock", 1e9, "invalid_type"),
        ("isActive", "yes", "invalid_type"),
        ("category", "A B", "invalid_value"),
        ("category", "kitchen\n", "invalid_value"),
        ("sku", "a\nb", "invalid_value"),
        ("currency", "usd", "invalid_value"),
        ("imageUrl", "javascript:alert(1)", "invalid_value"),
        ("is_active", False, "unknown_field"),
        ("productId", "prd_1", "unknown_field"),
    ],
)
def test_a_faulty_field_is_named_with_its_code(field: str, value: object, code: str) -> None:
    assert faults({**GOOD, field: value}) == {(field, code)}


def test_all_faults_are_named_at_once_down_to_the_deepest() -> None:
    body = {
        "items": [{"productId": "prd_1", "quantity": 0}, {"productId": 5, "quantity": "x", "gift": True}],
        "shippingAddress": {"city": "Springfield", "country": "usa"},
        "paymentMethod": {"type": "cash", "token": ""},
    }

    assert faults(body, OrderRequest) == {
        ("items[0].quantity", "out_of_range"),
        ("items[1].productId", "invalid_type"),
        ("items[1].quantity", "invalid_type"),
        ("items[1].gift", "unknown_field"),
        ("shippingAddress.street", "required"),
        ("shippingAddress.country", "invalid_value"),
        ("paymentMethod.type", "invalid_value"),
        ("paymentMethod.token", "invalid_value"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "\x00",
        "[" * 5000,
        '{"price":1E999999999999999999999}',
        '{"a":NaN}',
        b"\xff\xfe",
        '{"name":"\\ud800"}',
    ],
)
def test_what_is_not_json_is_said_to_be_so(text: str | bytes) -> None:
    with pytest.raises(InvalidJson):
        schema.decode(text, NewProduct)


def test_a_small_body_never_makes_a_large_answer() -> None:
    body = {"items": [{}] * 200, "shippingAddress": {}, "paymentMethod": {}}

    assert len(faults(body, OrderRequest)) <= 50
    assert ("items", "invalid_length") in faults({**body, "items": [{}] * 100_000}, OrderRequest)
    assert len(faults({**GOOD, **{f"x{i}": i for i in range(1000)}})) == 50


@pytest.mark.parametrize("text", ["[]", "null", "5", '"text"'])
def test_json_that_is_no_object_is_one_fault_of_the_body(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        schema.decode(text, NewProduct)

    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("body", "invalid_type")]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(ANY_JSON)
def test_whatever_json_comes_is_refused_with_advice_and_never_breaks(value: object) -> None:
    with pytest.raises(Invalid) as refused:
        schema.decode(msgspec.json.encode(value), OrderRequest)

    assert refused.value.detail


def test_query_parameters_are_numbers_where_numbers_are_wanted() -> None:
    query = schema.decode_query({"limit": "500"}, PageQuery)

    assert query.limit == MAX_PAGE_SIZE == 100


@pytest.mark.parametrize(
    ("limit", "code"), [("0", "out_of_range"), ("-3", "out_of_range"), ("ten", "invalid_type"), ("1.5", "invalid_type")]
)
def test_a_limit_that_is_no_page_size_is_refused(limit: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        schema.decode_query({"limit": limit}, PageQuery)

    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("limit", code)]


def test_a_body_that_is_nested_too_deeply_is_refused_in_a_plain_sentence() -> None:
    with pytest.raises(InvalidJson) as refused:
        schema.decode("[" * 100_000, OrderRequest)

    assert refused.value.detail == "The body is nested too deeply."


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": 1, "\\u0061": 1}', '{"b": [{"c": {"d": 1, "d": 1}}]}'])
def test_a_name_that_stands_twice_is_refused_at_any_depth(text: str) -> None:
    with pytest.raises(InvalidJson, match="stands twice in one place"):
        schema.decode(text, dict)


def test_a_long_name_that_stands_twice_makes_no_long_answer() -> None:
    with pytest.raises(InvalidJson) as refused:
        schema.decode(f'{{"{"n" * 5000}": 1, "{"n" * 5000}": 2}}', dict)

    assert len(refused.value.detail) < 200


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert schema.decode(b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2.50}]}', dict)["b"][1] == {"a": Decimal("2.50")}


def test_canonical_text_is_one_for_all_spellings() -> None:
    assert schema.canonical('{"b": 1.10, "a": [1, 2]}') == schema.canonical('{"a":[1,2],"b":1.10}')
    assert schema.canonical('{"a":1}') != schema.canonical('{"a":2}')


@pytest.mark.parametrize("same", [["1", "1.0", "1e0", "0.1E1", "1.000"], ["0.5", "5e-1", "0.50"], ["0", "0.0", "-0.0"]])
def test_canonical_numbers_are_one_for_all_spellings(same: list[str]) -> None:
    assert len({schema.canonical(f'{{"a":{spelling}}}') for spelling in same}) == 1


@pytest.mark.parametrize("other", ["1e400", "1e-400", "1.00000000000000000000000001", "100000000000000000000000000.5"])
def test_a_number_beyond_all_amounts_is_like_no_other(other: str) -> None:
    assert (
        len({schema.canonical(number) for number in (other, "1", "0", f"{other}1", "100000000000000000000000000")}) == 5
    )
