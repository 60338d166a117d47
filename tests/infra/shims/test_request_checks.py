"""What the local AWS takes in of what a definition asks of requests: keys, parameters and bodies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway
from ministack.services.cloudformation import provisioners

from tests.support.mended import ministack
from tools.local.shims import api_definition, request_checks

KEY = "secret-of-acme-which-is-long"
ANSWER = {
    "x-amazon-apigateway-integration": {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }
}


def definition(least: int = 1) -> dict[str, Any]:
    body = {"in": "body", "name": "Thing", "required": True, "schema": {"$ref": "#/definitions/Thing"}}
    wanted = {"in": "header", "name": "If-Match", "required": True, "type": "string"}
    checked = {request_checks.VALIDATOR: "body-and-parameters", "parameters": [body, wanted], **ANSWER}
    return {
        "info": {"title": "shop"},
        "securityDefinitions": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        request_checks.VALIDATORS: {
            "body-and-parameters": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "definitions": {"Thing": {"type": "object", "properties": {"count": {"type": "integer", "minimum": least}}}},
        "paths": {"/things": {"put": checked, "get": {"security": [{"api_key": []}], **ANSWER}}},
    }


def deployed(said: dict[str, Any]) -> str:
    api_id, _ = provisioners._RESOURCE_HANDLERS[api_definition.API]["create"]("Api", {"Body": said}, "stack")
    gateway._create_deployment(api_id, {"stageName": "dev"})
    return str(api_id)


def ask(api_id: str, method: str, body: object = None, **headers: str) -> int:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = json.dumps(body).encode()
    return int(asyncio.run(gateway.handle_execute(api_id, "dev", method, "/things", told, sent, {}))[0])


def test_ministack_still_reads_no_model_of_a_definition() -> None:
    with ministack(api_definition):
        api_id = deployed(definition())

        assert ask(api_id, "PUT", {"count": 0}) == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [({"count": 1}, {"If_Match": "a"}, 200), ({"count": 0}, {"If_Match": "a"}, 400), ({"count": 1}, {}, 400)],
)
def test_a_method_asks_for_its_body_and_its_headers(body: object, headers: dict[str, str], status: int) -> None:
    with ministack(api_definition, request_checks):
        api_id = deployed(definition())

        assert ask(api_id, "PUT", body, **headers) == status


def test_a_changed_definition_asks_for_something_else() -> None:
    with ministack(api_definition, request_checks):
        api_id = deployed(definition())
        update = provisioners._RESOURCE_HANDLERS[api_definition.API]["update"]
        update(api_id, {"Body": definition()}, {"Body": definition(least=2)}, "stack", "Api")

        assert ask(api_id, "PUT", {"count": 1}, If_Match="a") == 400


def test_a_key_lets_in_whom_a_plan_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with ministack(api_definition, request_checks):
        api_id = deployed(definition())
        key = json.loads(gateway._create_api_key({"name": "acme", "value": KEY, "enabled": True})[2])
        without = ask(api_id, "GET"), ask(api_id, "GET", X_Api_Key=KEY)
        stages = [{"apiId": api_id, "stage": "dev"}]
        plan = json.loads(gateway._create_usage_plan({"name": "free", "apiStages": stages})[2])
        gateway._create_usage_plan_key(plan["id"], {"keyId": key["id"], "keyType": "API_KEY"})

        assert (*without, ask(api_id, "GET", X_Api_Key=KEY)) == (403, 403, 200)
