"""Calls to the emulated DynamoDB that go from botocore to moto without an HTTP request made, signed, taken apart.

botocore checks and builds what it would send, as ever, and moto reads it. What is left out is what lies between: the
signature, where in the world the address is, the addresses of all services that moto looks through, retries (DynamoDB's
clients have none), checksums. An answer about items, which has no member that JSON does not have, is written as JSON
and read as JSON; others, and those with bytes or an error, go through both models of the service. A request with bytes
in it goes the long way, on which moto turns them from Base64.
"""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from moto.core import DEFAULT_ACCOUNT_ID, models
from moto.core.responses import ActionResult, BaseResponse, get_service_model
from moto.dynamodb.responses import DynamoHandler
from moto.utilities import aws_headers

ADDRESS = "https://dynamodb.us-east-1.amazonaws.com"
REGION = "us-east-1"
BYTES = (b'"B":', b'"BS":')
FAILED = 300  # statuses from there
OF_ITEMS = {
    "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "TransactGetItems",
}  # fmt: skip


def install() -> None:
    """Let botocore's requests to DynamoDB take it while moto is in force."""
    usual = Endpoint.make_request

    def make_request(endpoint: Endpoint, operation: OperationModel, request: dict[str, Any]) -> Any:
        body = request["body"]
        is_short = (
            endpoint.host == ADDRESS and models.botocore_stubber.enabled and not any(each in body for each in BYTES)
        )
        return (_ask if is_short else usual)(endpoint, operation, request)

    Endpoint.make_request = make_request  # type: ignore[method-assign]
    _know_the_address()
    _write_items_as_they_are()
    aws_headers.gen_amz_crc32 = lambda *_: 0  # the checksum of each answer, which no client of ours reads


def _ask(endpoint: Endpoint, operation: OperationModel, request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What moto's handler answers, as `Endpoint.make_request` gives it."""
    status, headers, body = _handler(request).call_action()
    answer = {"status_code": int(status), "headers": headers, "body": body.encode()}
    is_plain = operation.name in OF_ITEMS and answer["status_code"] < FAILED
    if is_plain and not any(each in answer["body"] for each in BYTES):
        metadata = {"RequestId": headers["x-amzn-requestid"], "HTTPStatusCode": int(status), "HTTPHeaders": headers}
        parsed = {**json.loads(body), "ResponseMetadata": metadata}
    else:
        parsed = _parsed(endpoint, operation, answer)
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return SimpleNamespace(status_code=answer["status_code"], headers=headers), parsed


def _parsed(endpoint: Endpoint, operation: OperationModel, answer: dict[str, Any]) -> dict[str, Any]:
    """What botocore reads in an answer."""
    parser = _parser(endpoint)
    parsed: dict[str, Any] = parser.parse(answer, operation.output_shape)
    if answer["status_code"] >= FAILED:
        endpoint._add_modeled_error_fields(answer, parsed, operation, parser)  # type: ignore[attr-defined]
    return parsed


def _know_the_address() -> None:
    """botocore asks the rules of all regions, partitions and accounts at each call."""
    usual = BaseClient._resolve_endpoint_ruleset

    def resolve(client: BaseClient, *arguments: Any, **named: Any) -> Any:
        is_short = client.meta.endpoint_url == ADDRESS and models.botocore_stubber.enabled
        return (ADDRESS, {}, {}) if is_short else usual(client, *arguments, **named)

    BaseClient._resolve_endpoint_ruleset = resolve


def _write_items_as_they_are() -> None:
    """moto looks for each member of the model in the answer, under all names that it could have."""
    usual = BaseResponse.serialized

    def serialized(handler: DynamoHandler, given: ActionResult) -> Any:
        operation, result = handler._get_action(), given.result
        if operation not in OF_ITEMS or not isinstance(result, dict):
            return usual(handler, given)
        members = _members(operation)
        try:
            body = json.dumps({name: each for name, each in result.items() if each is not None and name in members})
        except TypeError:  # there are bytes in it
            return usual(handler, given)
        return 200, {"Content-Type": "application/x-amz-json-1.0", **handler.response_headers}, body

    DynamoHandler.serialized = serialized


@functools.cache
def _members(operation: str) -> frozenset[str]:
    return frozenset(get_service_model("dynamodb").operation_model(operation).output_shape.members)


@functools.cache
def _parser(endpoint: Endpoint) -> Any:
    return endpoint._response_parser_factory.create_parser("json")  # type: ignore[attr-defined]


def _handler(request: dict[str, Any]) -> DynamoHandler:
    """The handler as its own way of reading an HTTP request would leave it."""
    handler = DynamoHandler()
    vars(handler).update(_known(request))
    return handler


def _known(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "params": json.loads(request["body"]),
        "headers": {**request["headers"], "Host": ADDRESS.removeprefix("https://")},
        "response_headers": {},
        "querystring": {},
        "data": {},
        "method": "POST",
        "uri": f"{ADDRESS}/",
        "parsed_url": urlparse(f"{ADDRESS}/"),
        "path": "/",
        "raw_path": "/",
        "region": REGION,
        "partition": "aws",
        "uri_match": {},
        "is_werkzeug_request": False,
        "access_key": "test",
        "current_account": DEFAULT_ACCOUNT_ID,
    }
