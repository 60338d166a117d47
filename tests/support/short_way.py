"""Calls to the emulated DynamoDB that go from botocore to moto without an HTTP request made, signed, taken apart.

botocore builds what it would send, and reads what would have come, as ever; so does moto. What is left out is what lies
between: the signature, the addresses of all services that moto looks through, retries (DynamoDB's clients have none),
checksums. A request with bytes in it goes the long way, on which moto turns them from Base64.
"""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from moto.core import DEFAULT_ACCOUNT_ID, models
from moto.dynamodb.responses import DynamoHandler
from moto.utilities import aws_headers

ADDRESS = "https://dynamodb.us-east-1.amazonaws.com"
REGION = "us-east-1"
BYTES = (b'"B":', b'"BS":')
FAILED = 300  # statuses from there


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
    aws_headers.gen_amz_crc32 = lambda *_: 0  # the checksum of each answer, which no client of ours reads


def _ask(endpoint: Endpoint, operation: OperationModel, request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What moto's handler answers, as `Endpoint.make_request` gives it."""
    status, headers, body = _handler(request).call_action()
    answer = {"status_code": int(status), "headers": headers, "body": body.encode()}
    parser = _parser(endpoint)
    parsed: dict[str, Any] = parser.parse(answer, operation.output_shape)
    if answer["status_code"] >= FAILED:
        endpoint._add_modeled_error_fields(answer, parsed, operation, parser)  # type: ignore[attr-defined]
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return SimpleNamespace(status_code=answer["status_code"], headers=headers), parsed


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
