"""The document of the API: written from the code, valid, and whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import jsonschema_rs
import openapi_spec_validator
import pytest
from chalice import Response
from chalice.app import Request

import app
from chalicelib.api import permissions, problem_codes
from tests.support.contract import Undocumented, check
from tools.contract import __main__ as contract
from tools.contract import refusals, routes


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contract.FILE.read_text("utf-8"))
    return found


def test_the_documents_are_what_the_code_says() -> None:
    for path, text in contract.texts().items():
        assert path.read_text("utf-8") == text, f"run make openapi: {path.name}"


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    openapi_spec_validator.validate(document)


def test_the_paths_of_the_document_are_the_routes_of_the_app(document: dict[str, Any]) -> None:
    patterns = {(each.method, each.path): each.pattern for each in routes.read()}
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    declared = {(method, path) for path, methods in app.app.routes.items() for method in methods if method != "HEAD"}

    assert {(method, patterns[method, path]) for method, path in told} == declared == set(permissions.ROUTES)


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]

    assert len(names) == len(set(names))


def test_every_problem_code_of_the_app_belongs_to_a_route() -> None:
    # What the gateway alone says, before it knows a route.
    gateway = {
        "api_key_required", "bad_request", "http_version_not_supported", "length_required", "method_not_allowed",
        "not_implemented", "quota_exceeded", "request_header_fields_too_large", "request_timeout", "uri_too_long",
    }  # fmt: skip
    told = {code for route in routes.read() for code in refusals.of(route)}

    assert told == {each.code for each in problem_codes.known().problems} - gateway


def test_what_routes_say_themselves_is_said_of_routes_that_there_are() -> None:
    assert set(refusals.OWN) <= {each.name for each in routes.read()}


def test_every_reference_leads_somewhere_and_every_shape_is_spoken_of(document: dict[str, Any]) -> None:
    referred = set(_references(document))
    known = {f"#/components/{kind}/{name}" for kind, parts in document["components"].items() for name in parts}

    assert referred == {each for each in known if "securitySchemes" not in each}


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for each in part for found in _references(each)]
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for each in part.values() for found in _references(each)]
    return []


def test_every_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    shown = [*_examples(document["paths"], document)]

    assert [fault for schema, value in shown for fault in _faults(schema, value, document)] == []
    assert len(shown) > len(document["paths"])


def _examples(part: Any, document: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The schema and the value of everything that has an example, and every example of a problem."""
    if isinstance(part, list):
        for each in part:
            yield from _examples(each, document)
    elif isinstance(part, dict):
        if "schema" in part and "example" in part:
            yield part["schema"], part["example"]
        for each in part.values():
            yield from _examples(each, document)


def _faults(schema: Any, value: Any, document: dict[str, Any]) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
    return [f"{each.instance_path}: {each.message:.200}" for each in validator.iter_errors(value)]


def test_every_body_and_every_answer_in_json_has_an_example(document: dict[str, Any]) -> None:
    bare = [
        f"{operation['operationId']} {place}"
        for methods in document["paths"].values()
        for operation in methods.values()
        for place, content in _contents(operation)
        if "example" not in content and not place.startswith("202")
    ]

    # The provider's message is signed, not typed; documents are no example of themselves.
    assert bare == ["getOpenapiDocument 200", "getAsyncapiDocument 200", "receivePaymentWebhook body"]


def _contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an operation takes and gives in JSON when it succeeds."""
    told = {"body": operation.get("requestBody", {}), **operation["responses"]}
    for place, each in told.items():
        if "application/json" in each.get("content", {}):
            yield place, each["content"]["application/json"]


def test_every_problem_of_an_example_is_one(document: dict[str, Any]) -> None:
    problem = document["components"]["schemas"]["Problem"]

    for code, example in document["components"]["examples"].items():
        assert (example["value"]["code"], _faults(problem, example["value"], document)) == (code, [])


def test_no_example_leads_to_the_machine_where_it_was_made() -> None:
    text = contract.FILE.read_text("utf-8")

    assert "127.0.0.1" not in text
    assert "localhost" not in text


HELLO = {"message": "hello", "path": "/hello"}
SAID = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": "1"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "complaint"),
    [
        (200, HELLO, SAID, None),
        (418, HELLO, SAID, "hello answers 418, which its document does not tell"),
        (200, {"message": "hello"}, SAID, '"path" is a required property'),
        (200, {**HELLO, "more": 1}, SAID, "unexpected"),
        (200, HELLO, {"Content-Type": "application/json", "X-Request-Id": "1"}, "cache-control"),
        (404, {"code": "order_not_found"}, SAID, "hello answers 404"),
        (400, {"code": "order_not_found"}, SAID, "as order_not_found, which its document does not tell"),
    ],
)
def test_an_answer_that_the_document_does_not_tell_is_refused_in_tests(
    status: int, body: Any, headers: dict[str, str], complaint: str | None
) -> None:
    request = SimpleNamespace(method="GET", context={"resourcePath": "/hello"})
    answer = Response(json.dumps(body), status_code=status, headers=headers)

    refusal = pytest.raises(Undocumented, match=re.escape(complaint)) if complaint else nullcontext()
    with refusal:
        check(cast("Request", request), lambda _request: answer)
