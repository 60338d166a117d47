"""The API as API Gateway is told it: who stands before a route, and what the gateway answers by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from chalice.config import Config
from chalice.deploy.swagger import (
    CFNSwaggerGenerator,
    SwaggerGenerator,
    TemplatedSwaggerGenerator,
    TerraformSwaggerGenerator,
)

import app
from chalicelib.api import permissions, problems
from tests.infra.packaging import LINT, network, properties
from tests.support.payments import SECRET, keep_secret
from tools.local.gateway import Gateway
from tools.local.problems import Problem
from tools.package import gateway
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines


def secured(template: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Which authorizers every route of the generated API definition names."""
    return {
        (method.upper(), path): {name for each in definition.get("security", []) for name in each}
        for path, methods in properties(template, "RestAPI")["DefinitionBody"]["paths"].items()
        for method, definition in methods.items()
        if permissions.route(method.upper(), path) in permissions.ROUTES
    }


def authorizers(template: dict[str, Any], managers: str) -> dict[tuple[str, str], set[str]]:
    """What the permission matrix asks of the API definition, with user management behind `managers`."""
    by_itself = (permissions.Audience.PUBLIC, permissions.Audience.GUEST)
    routes = permissions.ROUTES | {
        ("HEAD", path): audience for (method, path), audience in permissions.ROUTES.items() if method == "GET"
    }
    return {
        route: set()
        if audience in by_itself
        else {managers if permissions.is_user_management(route[1]) else "authorize"}
        for route, audience in routes.items()
    }


@network
def test_every_route_but_the_public_ones_is_behind_the_authorizer(template: dict[str, Any]) -> None:
    assert secured(template) == authorizers(template, "authorize")
    assert set(properties(template, "RestAPI")["DefinitionBody"]["securityDefinitions"]) == {"authorize"}


@network
def test_a_stage_can_keep_user_management_for_services_that_sign(signed: Path) -> None:
    template = json.loads((signed / "sam.json").read_text())

    assert secured(template) == authorizers(template, "sigv4")
    definitions = properties(template, "RestAPI")["DefinitionBody"]["securityDefinitions"]
    assert definitions["sigv4"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert template["Globals"]["Function"]["Environment"]["Variables"]["USER_MANAGEMENT_AUTH"] == "iam"
    assert lint((signed / "sam.json").read_text(), config=LINT) == []


@network
def test_every_path_has_an_answer_for_the_methods_that_it_does_not_take(template: dict[str, Any]) -> None:
    for path, methods in properties(template, "RestAPI")["DefinitionBody"]["paths"].items():
        fallback = methods["x-amazon-apigateway-any-method"]
        answer = fallback["x-amazon-apigateway-integration"]["responses"]["default"]

        assert set(methods) - {"options", "x-amazon-apigateway-any-method"} == {
            method.lower() for method in permissions.methods_of(path) if method != "OPTIONS"
        }
        assert "options" in methods
        assert "security" not in fallback
        assert {f"method.response.header.{name}" for name in fallback["responses"]["405"]["headers"]} == set(
            answer["responseParameters"]
        )


@network
def test_a_webhooks_body_reaches_the_app_as_the_provider_signed_it(template: dict[str, Any]) -> None:
    definition = properties(template, "RestAPI")["DefinitionBody"]
    webhook = definition["paths"]["/payments/webhook"]["post"]
    integration = webhook["x-amazon-apigateway-integration"]

    assert integration["type"] == "aws_proxy"
    assert "requestTemplates" not in integration
    assert definition["x-amazon-apigateway-binary-media-types"] == []
    for place in (definition, webhook):
        assert not {"x-amazon-apigateway-request-validators", "x-amazon-apigateway-request-validator"} & set(place)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_a_webhook_is_taken_as_stripe_labels_it(shop: Shop, kind: str) -> None:
    keep_secret({"webhookSecret": SECRET})

    answer = shop("POST", "/payments/webhook", raw="{}", Content_Type=kind)

    assert (answer.status, answer.body["code"]) == (400, "invalid_signature")


def test_what_a_provider_signed_is_judged_by_its_signature_alone(shop: Shop) -> None:
    keep_secret({"webhookSecret": SECRET})

    answer = shop("POST", "/payments/webhook", raw="no JSON", Idempotency_Key="of somebody else")

    assert (answer.status, answer.body["code"]) == (400, "invalid_signature")


def test_the_gateway_refuses_a_method_as_the_app_does(shop: Shop) -> None:
    for path, definition in gateway.other_methods("https://shop.example.com").items():
        integration = definition["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        answer = integration["responses"]["default"]
        document = json.loads(answer["responseTemplates"]["application/json"])
        headers = {name.rpartition(".")[2]: unquoted(each) for name, each in answer["responseParameters"].items()}
        by_the_app = shop("TRACE", path.replace("{", "").replace("}", ""))

        assert (by_the_app.status, answer["statusCode"]) == (405, "405")
        own = {"instance": "$context.path", "requestId": "$context.requestId"}
        assert document == {**by_the_app.body, "type": f"/$context.stage{by_the_app.body['type']}", **own}
        assert set(headers.pop("Allow").split(", ")) == set(by_the_app.headers.pop("Allow").split(", "))
        of_the_request = {"X-Request-Id": "context.requestId"}
        of_the_origin = problems.cors("https://shop.example.com").get_access_control_headers()
        assert headers == {**by_the_app.headers, **of_the_origin, **of_the_request}
        assert {json.loads(each)["statusCode"] for each in integration["requestTemplates"].values()} == {405}


def unquoted(expression: str) -> str:
    """What API Gateway makes of an expression: what is quoted stands for itself."""
    return expression[1:-1] if expression.startswith("'") else expression


@pytest.mark.parametrize("origin", ["*", "https://shop.example.com"])
def test_the_gateway_answers_by_itself_as_the_app_does(origin: str) -> None:
    for kind, response in gateway.responses(origin).items():
        document = json.loads(response["ResponseTemplates"]["application/json"])
        headers = response["ResponseParameters"]["Headers"]
        like = problems.problem(document["status"], document["code"], document["detail"], None)

        own = {"instance": "$context.path", "requestId": "$context.requestId"}
        assert document == {**like, "type": f"/$context.stage/problems/{document['code']}", **own}, kind
        assert response["StatusCode"] == document["status"]
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["X-Request-Id"] == "context.requestId"
        for name, value in problems.cors(origin).get_access_control_headers().items():
            assert headers[name] == f"'{value}'", (kind, name)


def test_the_gateway_refuses_under_the_statuses_that_callers_know() -> None:
    statuses = {kind: refusal.status for kind, refusal in gateway.REFUSALS.items()}

    assert statuses | {
        "UNAUTHORIZED": 401, "ACCESS_DENIED": 403, "MISSING_AUTHENTICATION_TOKEN": 404, "THROTTLED": 429,
        "QUOTA_EXCEEDED": 429, "REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415,
        "DEFAULT_4XX": 400, "DEFAULT_5XX": 500,
    } == statuses  # fmt: skip


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NAMED = {
    "api_handler_name": "api", "api_handler_arn": "arn:aws:lambda:us-east-1:1:function:api",
    "lambda_functions": {"api-authorize": {"arn": "arn:aws:lambda:us-east-1:1:function:authorize"}},
}  # fmt: skip
# What `chalice package` writes for SAM and for Terraform, and `chalice deploy` for API Gateway itself.
GENERATORS = {
    "sam": CFNSwaggerGenerator(),
    "terraform": TerraformSwaggerGenerator(),
    "plan of a deploy": TemplatedSwaggerGenerator(),
    "deploy": SwaggerGenerator("us-east-1", NAMED),
}


def local(method: str, path: str, gate: Gateway) -> tuple[int, dict[str, str]]:
    """What the local gateway answers to a request without a token."""
    try:
        answer = gate.handle_request(method, path.replace("{", "").replace("}", ""), {}, None)
    except Problem as problem:
        return problem.CODE, problem.headers
    return answer["statusCode"], answer["headers"]


@pytest.mark.fault("F16")
@pytest.mark.fault("F27")
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("package", GENERATORS)
def test_every_package_takes_the_methods_that_the_local_gateway_takes(package: str) -> None:
    definition, gate = GENERATORS[package].generate_swagger(app.app), Gateway(app.app, Config())

    assert set(definition["paths"]) == {path for _, path in permissions.ROUTES}
    for path, methods in definition["paths"].items():
        for method in METHODS:
            status, headers = local(method, path, gate)
            known = methods.get(method.lower())
            assert (status == 405) == (known is None), (method, path)
            assert (status == 401) == bool(known and "security" in known), (method, path)
            assert set(problems.cors().get_access_control_headers()) <= set(headers)
            if status == 405:
                assert {each.lower() for each in headers["Allow"].split(", ")} == set(methods)
        if "get" in methods:
            assert methods["head"] == methods["get"], path


@pytest.mark.fault("F16")
@pytest.mark.fault("F27")
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("package", GENERATORS)
def test_every_package_answers_preflights_as_the_local_gateway_does(package: str) -> None:
    definition, gate = GENERATORS[package].generate_swagger(app.app), Gateway(app.app, Config())

    for path, methods in definition["paths"].items():
        preflight = methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]
        packaged = {name.rpartition(".")[2]: each[1:-1] for name, each in preflight["responseParameters"].items()}
        status, headers = local("OPTIONS", path, gate)
        allowed = headers["Access-Control-Allow-Methods"].split(",")
        assert (str(status), headers) == (preflight["statusCode"], packaged), path
        assert sorted(allowed) == sorted(permissions.methods_of(path)), path
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


@pytest.mark.fault("F27")
def test_what_the_packaged_gateway_answers_by_itself_is_kept_by_nobody() -> None:
    by_kind = {kind: each["ResponseParameters"]["Headers"] for kind, each in gateway.responses("*").items()}
    by_path = {
        path: {
            name.rpartition(".")[2]: value
            for name, value in each["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["responses"][
                "default"
            ]["responseParameters"].items()
        }
        for path, each in gateway.other_methods("*").items()
    }

    for name, headers in (by_kind | by_path).items():
        assert headers["X-Content-Type-Options"] == "'nosniff'", name
        assert headers["Cache-Control"] == "'no-store'", name
