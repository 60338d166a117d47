"""Problem documents of the app and of the gateway name the same address."""

from __future__ import annotations

import json
from urllib.parse import urljoin

import pytest
from chalice import Response
from chalice.app import Request

from chalicelib.api import problems
from chalicelib.core import schema
from tools.local import functions
from tools.package import gateway


def asked(*, written: str, given: str, route: str = "/orders/{order_id}") -> Request:
    """A request as API Gateway hands it over: what the caller wrote, and what is left of it without the stage."""
    event = {
        "path": given,
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "body": None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "GET", "resourcePath": route, "path": written},
    }
    return Request(event, functions.context("api_handler"))


def test_the_instance_is_what_the_caller_wrote_behind_the_host_as_the_gateway_says_it() -> None:
    of_the_gateway = json.loads(gateway.responses("*")["ACCESS_DENIED"]["ResponseTemplates"]["application/json"])
    request = asked(written="/prod/orders/ord_1", given="/orders/ord_1")

    of_the_app = problems.problem(404, "not_found", "There is nothing.", request)

    assert of_the_gateway["instance"] == "$context.path"
    assert of_the_app["instance"] == request.context["path"] == "/prod/orders/ord_1"


@pytest.mark.parametrize(
    ("written", "route", "before"),
    [
        ("/orders/ord_1", "/orders/{order_id}", ""),
        ("/prod/orders/ord_1", "/orders/{order_id}", "/prod"),
        ("/v1/orders/ord_1/", "/orders/{order_id}", "/v1"),
        ("/prod/coupons/a/coupons/b", "/coupons/{code}", "/prod"),
        ("/coupons/coupons/b", "/coupons/{code}", ""),
        ("/", "/", ""),
        ("/prod", "/", "/prod"),
        ("/prod/", "/", "/prod"),
        ("/something/else", "/orders/{order_id}", ""),
    ],
)
def test_what_stands_before_a_route_is_a_stages_name_or_a_domains_path(written: str, route: str, before: str) -> None:
    request = asked(written=written, given=written, route=route)

    told = problems.problem(404, "not_found", "There is nothing.", request)

    assert problems.base(request) == before
    assert urljoin(f"https://api.example.com{written}", told["type"]) == (
        f"https://api.example.com{before}/problems/not_found"
    )


def test_an_answer_that_was_kept_leads_to_a_page_of_the_address_that_it_is_given_at() -> None:
    there, here = (asked(written=f"{before}/orders/ord_1", given="/orders/ord_1") for before in ("/prod", "/v1"))
    kept = schema.encode(problems.problem(402, "payment_declined", "It was declined.", there))
    former = kept.replace("/prod/problems/", "urn:ecommerce-api:problem:", 1)

    brought = problems.brought_here(Response(kept, status_code=402), here).body

    assert brought == kept.replace("/prod/problems/", "/v1/problems/")
    assert problems.brought_here(Response(kept, status_code=402), there).body == kept
    for other in (former, '{"orderId":"ord_1"}', ""):
        assert problems.brought_here(Response(other), here).body == other
