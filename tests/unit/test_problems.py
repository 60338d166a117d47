"""Problem documents of the app and of the gateway name the same address."""

from __future__ import annotations

import json

from chalice.app import Request

from chalicelib.api import problems
from tools.local import functions
from tools.package import gateway


def asked(*, written: str, given: str) -> Request:
    """A request as API Gateway hands it over: what the caller wrote, and what is left of it without the stage."""
    event = {
        "path": given,
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "GET", "resourcePath": "/orders/{order_id}", "path": written},
    }
    return Request(event, functions.context("api_handler"))


def test_the_instance_is_what_the_caller_wrote_behind_the_host_as_the_gateway_says_it() -> None:
    of_the_gateway = json.loads(gateway.responses("*")["ACCESS_DENIED"]["ResponseTemplates"]["application/json"])
    request = asked(written="/prod/orders/ord_1", given="/orders/ord_1")

    of_the_app = problems.problem(404, "not_found", "There is nothing.", request)

    assert of_the_gateway["instance"] == "$context.path"
    assert of_the_app["instance"] == request.context["path"] == "/prod/orders/ord_1"
