"""What the local AWS takes in of an API's definition, and answers by it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway
from ministack.services.cloudformation import provisioners

from tests.support.mended import ministack
from tools.local.shims import api_definition

PROBLEM = '{"type": "/$context.stage/problems/it", "instance": "$context.path", "requestId": "$context.requestId"}'
HEADER, TYPE = "gatewayresponse.header.Content-Type", "'application/problem+json'"


def mock(status: int, body: str | None = None) -> dict[str, Any]:
    response: dict[str, Any] = {
        "statusCode": str(status),
        "responseParameters": {
            "method.response.header.Allow": "'GET'",
            "method.response.header.Content-Security-Policy": "'default-src 'none''",
            "method.response.header.X-Request-Id": "context.requestId",
        },
    }
    if body:
        response["responseTemplates"] = {"application/json": body}
    templates = {"application/json": json.dumps({"statusCode": status})}
    integration = {"type": "mock", "passthroughBehavior": "never", "requestTemplates": templates}
    return {"x-amazon-apigateway-integration": {**integration, "responses": {"default": response}}}


def definition(path: str = "/things") -> dict[str, Any]:
    responses = {
        "MISSING_AUTHENTICATION_TOKEN": {
            "statusCode": 404,
            "responseParameters": {HEADER: TYPE},
            "responseTemplates": {"application/json": PROBLEM},
        }
    }
    methods = {"get": mock(200, '{"things": []}'), "options": mock(204), api_definition.ANY_METHOD: mock(405, PROBLEM)}
    return {"info": {"title": "shop"}, "paths": {path: methods}, api_definition.RESPONSES: responses}


def deployed(properties: dict[str, Any]) -> str:
    """An API that a stack made, with a stage."""
    api_id, _ = provisioners._RESOURCE_HANDLERS[api_definition.API]["create"]("Api", properties, "stack")
    gateway._create_deployment(api_id, {"stageName": "dev"})
    return str(api_id)


def ask(api_id: str, method: str, path: str, kind: str = "application/json") -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": kind}
    status, told, body = asyncio.run(gateway.handle_execute(api_id, "dev", method, path, headers, b"", {}))
    return int(status), dict(told), bytes(body)


def test_ministack_still_leaves_most_of_a_definition_out() -> None:
    with ministack():
        api_id = deployed({"Body": definition()})
        answers = [ask(api_id, method, path)[0] for method, path in (("PATCH", "/things"), ("GET", "/nothing"))]
        status, headers, body = ask(api_id, "OPTIONS", "/things")

    assert answers == [403, 403]
    assert (status, "Allow" in headers, body) == (200, False, b"{}")


def test_ministack_still_makes_another_api_of_a_changed_definition() -> None:
    with ministack():
        api_id = deployed({"Body": definition()})
        update = provisioners._RESOURCE_HANDLERS[api_definition.API]["update"]

        after, _ = update(api_id, {"Body": definition()}, {"Body": definition("/others")}, "stack", "Api")

    assert after != api_id


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nothing", 404, "application/problem+json"), ("PATCH", "/things", 405, "application/json")],
)
def test_refusals_are_as_the_definition_says_with_the_path_that_was_asked_for(
    method: str, path: str, status: int, kind: str
) -> None:
    with ministack(api_definition):
        api_id = deployed({"Body": definition()})
        found, headers, body = ask(api_id, method, path)

    problem = json.loads(body)
    assert (found, headers["Content-Type"], problem["instance"]) == (status, kind, f"/dev{path}")
    assert problem["type"] == "/dev/problems/it"
    assert problem["requestId"] == headers["x-amzn-requestid"]
    if status == 405:
        assert headers["X-Request-Id"] == headers["x-amzn-requestid"]
        assert headers["Content-Security-Policy"] == "default-src 'none'"


def test_a_method_of_the_path_goes_before_any_and_a_mock_without_a_template_has_no_body() -> None:
    with ministack(api_definition):
        api_id = deployed({"Body": definition()})
        listed, preflight = ask(api_id, "GET", "/things"), ask(api_id, "OPTIONS", "/things")
        refused = ask(api_id, "PATCH", "/things", "image/png")

    assert (listed[0], listed[2]) == (200, b'{"things": []}')
    assert (preflight[0], preflight[1]["Allow"], preflight[2]) == (204, "GET", b"")
    assert refused[0] == 415


def test_a_changed_definition_changes_the_api_that_is_there() -> None:
    with ministack(api_definition):
        api_id = deployed({"Body": definition()})
        update = provisioners._RESOURCE_HANDLERS[api_definition.API]["update"]
        after, _ = update(api_id, {"Body": definition()}, {"Body": definition("/others")}, "stack", "Api")
        gone, come = ask(api_id, "GET", "/things"), ask(api_id, "GET", "/others")

    assert after == api_id
    assert (gone[0], come[0]) == (404, 200)
