"""`python -m tests.support.moto_answers plain|quick`: what moto answers to some calls, as it is or as tests have it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from moto import mock_aws

from tests.support import emulator, short_way

TABLES = {"texts": "S", "numbers": "N"}  # and the type of the key that items are in order by
EVERY_TYPE = {
    "n": {"N": "1.50"}, "t": {"S": "ä"}, "yes": {"BOOL": True}, "none": {"NULL": True}, "b": {"B": b"\x00\xff"},
    "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["10", "9"]}, "bs": {"BS": [b"\xff"]},
    "deep": {"M": {"l": {"L": [{"S": ""}, {"M": {"x": {"N": "0"}}}]}, "empty": {"M": {}}}},
}  # fmt: skip
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
}  # fmt: skip
BYTES = ("b", "bs")  # what has some goes another way
NUMBERS = ("9", "10", "-1", "0.5", "100", "2")


def main(way: str) -> int:
    """Print the answers as JSON."""
    os.environ |= ENVIRONMENT
    if way == "quick":
        emulator.quicken()
        short_way.install()
    with mock_aws():
        client = boto3.client("dynamodb")
        for name, kind in TABLES.items():
            _make(client, name, kind)
        answers = [_told(client, *call) for name, kind in TABLES.items() for call in _calls(name, kind)]
    sys.stdout.write(json.dumps(answers, default=lambda value: value.hex(), sort_keys=True))
    return 0


def _make(client: Any, name: str, kind: str) -> None:
    keys = [("PK", "HASH"), ("SK", "RANGE")], [("GPK", "HASH"), ("GSK", "RANGE")]
    schemas = [[{"AttributeName": key, "KeyType": each} for key, each in pair] for pair in keys]
    types = {"PK": "S", "SK": kind, "GPK": "S", "GSK": kind}
    index = {"IndexName": "GSI", "KeySchema": schemas[1], "Projection": {"ProjectionType": "ALL"}}
    client.create_table(
        TableName=name,
        KeySchema=schemas[0],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": of} for each, of in types.items()],
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
    )


def _calls(table: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Writes, and then each way to read what came of them."""
    here = {"TableName": table}
    for number in NUMBERS:
        for partition in ("a", "b"):
            key = {"PK": {"S": partition}, "SK": {kind: number}}
            index = {"GPK": {"S": "all"}, "GSK": {kind: number}} if partition == "b" and number != "2" else {}
            more = {name: value for name, value in EVERY_TYPE.items() if partition == "a" or name not in BYTES}
            yield "put_item", here | {"Item": {**key, **index, **more}, "ReturnValues": "ALL_OLD"}
    key = {"PK": {"S": "a"}, "SK": {kind: "9"}}
    yield "update_item", here | {
        "Key": key, "ReturnValues": "ALL_NEW",
        "UpdateExpression": "SET n = n + :one, deep.#l[1].x = if_not_exists(gone, :one), t2 = t ADD ns :ns REMOVE yes",
        "ExpressionAttributeNames": {"#l": "l"},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":ns": {"NS": ["7"]}},
    }  # fmt: skip
    condition = {
        "ConditionExpression": "n > :n AND attribute_exists(t)",
        "ExpressionAttributeValues": {":n": {"N": "9"}},
    }
    yield "put_item", here | {"Item": key, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **condition}
    yield "delete_item", here | {"Key": key, **condition}
    both = [{"Put": here | {"Item": {**key, "SK": {kind: "3"}}}}, {"Delete": here | {"Key": key, **condition}}]
    yield "transact_write_items", {"TransactItems": both}
    yield "transact_write_items", {"TransactItems": both[:1]}
    yield "get_item", here | {"Key": key}
    yield "get_item", here | {"Key": key, "ProjectionExpression": "deep.empty, n"}
    yield "get_item", here | {"Key": {"PK": {"S": "none"}, "SK": {kind: "1"}}}
    yield "batch_get_item", {"RequestItems": {table: {"Keys": [key, {"PK": {"S": "b"}, "SK": {kind: "10"}}]}}}
    yield from (("query", here | each) for each in _queries(kind))
    of_bytes = {"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    yield "query", here | of_bytes
    yield "scan", here


def _queries(kind: str) -> Iterator[dict[str, Any]]:
    for index, names in ({}, ("PK", "SK")), ({"IndexName": "GSI"}, ("GPK", "GSK")):
        partition = {":p": {"S": "all" if index else "b"}}
        all_ = {**index, "KeyConditionExpression": f"{names[0]} = :p", "ExpressionAttributeValues": partition}
        yield all_
        yield all_ | {"ScanIndexForward": False, "Limit": 2}
        yield all_ | {"Select": "COUNT"}
        yield all_ | {"ExpressionAttributeValues": {":p": {"S": "nobody"}}}
        last = {"PK": {"S": "b"}, "SK": {kind: "10"}}
        start = last | ({"GPK": {"S": "all"}, "GSK": {kind: "10"}} if index else {})
        yield all_ | {"ExclusiveStartKey": start}
        yield all_ | {"ExclusiveStartKey": start, "ScanIndexForward": False}
        yield all_ | {
            "KeyConditionExpression": f"{names[0]} = :p AND {names[1]} BETWEEN :from AND :to",
            "FilterExpression": "n < :most",
            "ExpressionAttributeValues": {
                **partition, ":from": {kind: "0"}, ":to": {kind: "9"}, ":most": {"N": "2"},
            },
        }  # fmt: skip


def _told(client: Any, operation: str, words: dict[str, Any]) -> Any:
    """The answer without what is another each time."""
    try:
        answer = getattr(client, operation)(**words)
    except client.exceptions.ClientError as error:
        answer = error.response
    del answer["ResponseMetadata"]["HTTPHeaders"], answer["ResponseMetadata"]["RequestId"]
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
