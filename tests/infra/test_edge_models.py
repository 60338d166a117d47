"""The models by which API Gateway refuses bodies: they take all that the app takes, and not what is plainly wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from chalicelib.api import permissions
from chalicelib.core import schema
from chalicelib.core.errors import ShopError
from tests.integration.api.test_rbac import BODIES
from tools.package.edge import models

WEBHOOK = ("POST", "/payments/webhook")
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 5000), st.floats(-1, 500, allow_nan=False).map(lambda x: round(x, 2)),
    st.text(max_size=40), st.sampled_from(["EUR", "kitchen", "https://a.example/", "prd_1", "\U0001f600" * 200]),
)  # fmt: skip
NAMES = st.text(max_size=5)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=5
)
EXAMPLES = {route: json.loads(json.dumps(body).replace("{code}", "SPRING")) for route, body in BODIES.items()}
ROUTES = sorted(models.bodies())


def is_taken_by_app(shape: type[msgspec.Struct], body: object) -> bool:
    try:
        schema.decode(json.dumps(body), shape)
    except ShopError:
        return False
    return True


def is_taken_by_model(shape: type[msgspec.Struct], body: object) -> bool:
    return bool(Draft4Validator(models.model(shape)).is_valid(body))


def test_every_route_with_a_body_of_json_has_a_model_and_the_payment_webhook_none() -> None:
    assert set(ROUTES) | {WEBHOOK} == {permissions.route(*route) for route in EXAMPLES}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_model_is_draft_4_and_takes_the_apps_own_example(route: tuple[str, str]) -> None:
    shape = models.bodies()[route]

    Draft4Validator.check_schema(models.model(shape))

    said = json.dumps(models.model(shape))
    assert [word for word in ("$ref", "anyOf", "null", "pattern", "{}") if f'"{word}"' in said or word == said] == []
    assert is_taken_by_app(shape, EXAMPLES[route]) is is_taken_by_model(shape, EXAMPLES[route])
    assert is_taken_by_model(shape, EXAMPLES[route])


@settings(max_examples=400)
@given(st.data())
def test_what_the_app_takes_the_model_takes(data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    shape = models.bodies()[route]
    body = altered(data, copy.deepcopy(EXAMPLES[route]), shape)

    if is_taken_by_app(shape, body):
        assert is_taken_by_model(shape, body)


def altered(data: st.DataObject, body: dict[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The example with some fields of its shape, or of one within, that are something else."""
    places: list[Any] = [body, *(each for each in body.values() if isinstance(each, dict))]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        names = sorted({*place, *(field.encode_name for field in msgspec.structs.fields(shape))})
        place[data.draw(st.sampled_from(names))] = data.draw(VALUES)
    return body


@pytest.mark.parametrize(
    ("route", "change"),
    [
        (("POST", "/cart/items"), {"quantity": 0}),
        (("POST", "/cart/items"), {"quantity": "1"}),
        (("POST", "/cart/items"), {"colour": "red"}),
        (("POST", "/orders"), {"paymentMethod": {"type": "cash", "token": "x"}}),
        (("POST", "/products"), {"name": ""}),
        (("POST", "/products/{product_id}/stock"), {"delta": 1.5}),
        (("POST", "/webhooks"), {"events": "order.*"}),
    ],
)
def test_a_model_refuses_what_is_plainly_wrong(route: tuple[str, str], change: dict[str, Any]) -> None:
    shape, body = models.bodies()[route], {**EXAMPLES[route], **change}

    assert not is_taken_by_model(shape, body)
    assert not is_taken_by_app(shape, body)


def test_no_query_parameter_is_needed_anywhere() -> None:
    """The gateway's 400 for one that is missing names no field; the app's own would."""
    assert {name for known in models.queries().values() for name, is_required in known if is_required} == set()
