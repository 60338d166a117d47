"""The document of the API: written from the code, valid, and whole."""

from __future__ import annotations

import json
from typing import Any

import openapi_spec_validator
import pytest

import app
from chalicelib.api import permissions, problem_codes
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
