"""The short way to the emulated DynamoDB answers what the long one answers, and so do its parsers at a second look."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws import clients
from chalicelib.core import settings
from tests.support import short_way

KEY = {"PK": {"S": "A"}, "SK": {"S": "1"}}
OTHER = {"PK": {"S": "A"}, "SK": {"S": "2"}}
WORDS = {"L": [{"S": "a"}, {"M": {"deep": {"BOOL": True}}}]}
ITEM = {**KEY, "n": {"N": "1.50"}, "words": WORDS, "none": {"NULL": True}}
VALUE = {":n": {"N": "7"}}
FAILING = {"ConditionExpression": "n > :n", "ExpressionAttributeValues": VALUE}
ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
UPDATE = {"Key": KEY, "UpdateExpression": "SET n = n + :n", "ExpressionAttributeValues": VALUE}
STORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("put_item", {"Item": ITEM}),
    ("put_item", {"Item": {**ITEM, **OTHER}, "ReturnConsumedCapacity": "TOTAL"}),
    ("put_item", {"Item": ITEM, "ConditionExpression": "attribute_not_exists(PK)", **ALL_OLD}),
    ("get_item", {"Key": KEY, "ConsistentRead": True}),
    ("get_item", {"Key": KEY, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"}}),
    ("get_item", {"Key": {"PK": {"S": "A"}, "SK": {"S": "none"}}}),
    ("get_item", {"Key": {"PK": {"S": "A"}}}),
    ("update_item", {**UPDATE, "ReturnValues": "ALL_NEW"}),
    ("update_item", {**UPDATE, **FAILING, **ALL_OLD}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET n = "}),
    ("query", {"KeyConditionExpression": "PK = :pk", "ExpressionAttributeValues": {":pk": {"S": "A"}}, "Limit": 1}),
    ("query", {"KeyConditionExpression": "PK = :pk", "ExpressionAttributeValues": {":pk": {"S": "none"}}}),
    ("query", {"KeyConditionExpression": "PK = :pk", "ExpressionAttributeNames": {"#n": "n"},
               "ExpressionAttributeValues": {":pk": {"S": "A"}}}),
    ("delete_item", {"Key": OTHER, "ReturnValues": "ALL_OLD"}),
)  # fmt: skip


def answers() -> list[Any]:
    """What DynamoDB says to a story of calls."""
    table = settings.current().table_name
    writes = [{"Update": {"TableName": table, **UPDATE, **more}} for more in ({}, {**FAILING, "Key": OTHER})]
    batch = {table: [{"DeleteRequest": {"Key": KEY}}]}
    return [
        *(ask(operation, TableName=table, **request) for operation, request in STORY),
        ask("transact_write_items", TransactItems=writes),
        ask("transact_write_items", TransactItems=writes[:1], ClientRequestToken="token"),
        ask("batch_get_item", RequestItems={table: {"Keys": [KEY, OTHER]}}),
        ask("batch_write_item", RequestItems=batch),
        ask("query", TableName="nobody", KeyConditionExpression="PK = :pk", ExpressionAttributeValues={}),
    ]


def ask(operation: str, **request: Any) -> Any:
    try:
        answer: Any = getattr(clients.dynamodb(), operation)(**request)
    except ClientError as error:
        answer = {"raised": type(error).__name__, **error.response}
    status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
    return operation, status, answer


def test_both_ways_answer_the_same(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock.patch.object(short_way, "_ask", side_effect=short_way._ask) as asked:
        short = answers()
        assert asked.call_count == len(short)
        monkeypatch.setattr(short_way, "ADDRESS", "")

        long = answers()

        assert asked.call_count == len(short)
    assert short == long
    assert {status for _, status, _ in long} == {200, 400}


def test_a_known_expression_is_judged_by_the_values_and_names_of_each_call(aws: None) -> None:
    client, table = clients.dynamodb(), settings.current().table_name
    client.put_item(TableName=table, Item=ITEM)
    asked = {"KeyConditionExpression": "PK = :pk", "FilterExpression": "#n = :n"}

    def found(name: str, value: str, **more: str) -> int:
        return client.query(
            TableName=table, **asked, ExpressionAttributeNames={"#n": name, **more},
            ExpressionAttributeValues={":pk": {"S": "A"}, ":n": {"N": value}},
        )["Count"]  # fmt: skip

    assert [found("n", "1.5"), found("n", "2"), found("m", "1.5"), found("n", "1.5")] == [1, 0, 0, 1]
    for _ in range(2):
        with pytest.raises(ClientError, match="unused"):
            found("n", "1.5", **{"#m": "m"})
    assert found("n", "1.5") == 1
    client.delete_item(TableName=table, Key=KEY)
