"""The emulator does what it did before it was spared work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws import clients
from chalicelib.core import settings
from tests.support import emulator, stream
from tests.support.table import everything

ROOT = Path(__file__).parents[3]
EXPECTED_ERRORS = 6  # conditions that do not hold, of two tables
EVERY_TYPE = {
    "PK": {"S": "TYPES"},
    "SK": {"S": "1"},
    "n": {"N": "1.50"},
    "b": {"B": b"\x00\xff"},
    "bool": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": [b"\x00", b"\xff"]},
    "l": {"L": [{"S": ""}, {"M": {"deep": {"B": b"\xfe"}}}, {"L": []}]},
    "m": {"M": {"x": {"N": "0"}, "none": {"NULL": True}}},
}


def test_the_quick_way_answers_as_moto_does() -> None:
    plain, quick = (answers("plain"), answers("quick"))

    assert quick == plain
    assert sum("Error" in each for each in plain) == EXPECTED_ERRORS
    assert any(each.get("Items") for each in plain)


def answers(way: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.support.moto_answers", way]
    told: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
    return told


def test_an_item_of_all_types_comes_back_as_it_was(aws: None) -> None:
    table, key = settings.current().table_name, {name: EVERY_TYPE[name] for name in ("PK", "SK")}
    clients.dynamodb().put_item(TableName=table, Item=EVERY_TYPE)

    assert clients.dynamodb().get_item(TableName=table, Key=key)["Item"] == EVERY_TYPE
    clients.dynamodb().delete_item(TableName=table, Key=key)  # the shop's own items have fewer types


def test_a_transaction_that_fails_leaves_items_and_stream_as_they_were(aws: None) -> None:
    client, table = clients.dynamodb(), settings.current().table_name
    for number in "12":
        client.put_item(TableName=table, Item={"PK": {"S": "A"}, "SK": {"S": number}, "n": {"N": "0"}})
    before, told = everything(), len(emulator.emulated().stream_shard.items)

    def update(number: str, **more: str) -> dict[str, object]:
        key, value = {"PK": {"S": "A"}, "SK": {"S": number}}, {":n": {"N": "7"}}
        expression = "SET n = :n"
        return {"Update": {"TableName": table, "Key": key, "UpdateExpression": expression,
                           "ExpressionAttributeValues": value, **more}}  # fmt: skip

    delete = {"Delete": {"TableName": table, "Key": {"PK": {"S": "A"}, "SK": {"S": "2"}}}}
    put = {"Put": {"TableName": table, "Item": {"PK": {"S": "B"}, "SK": {"S": "1"}}}}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(
            TransactItems=[update("1"), delete, put, update("3", ConditionExpression="attribute_exists(PK)")]
        )

    assert everything() == before
    assert len(emulator.emulated().stream_shard.items) == told
    client.transact_write_items(TransactItems=[update("1"), delete, put])
    assert len(emulator.emulated().stream_shard.items) == told + 3


def test_an_item_above_400_kilobytes_is_refused_whether_it_comes_whole_or_grows(aws: None) -> None:
    client, table = clients.dynamodb(), settings.current().table_name
    key = {"PK": {"S": "BIG"}, "SK": {"S": "1"}}
    for part in "ab":
        client.update_item(
            TableName=table, Key=key, UpdateExpression=f"SET {part} = :x",
            ExpressionAttributeValues={":x": {"S": "é" * 95_000}},
        )  # fmt: skip

    with pytest.raises(client.exceptions.ClientError, match="size"):
        client.update_item(
            TableName=table, Key=key, UpdateExpression="SET c = :x",
            ExpressionAttributeValues={":x": {"S": "é" * 95_000}},
        )  # fmt: skip
    with pytest.raises(client.exceptions.ClientError, match="size"):
        client.put_item(TableName=table, Item={**key, "SK": {"S": "2"}, "a": {"S": "x" * 410_000}})
    client.delete_item(TableName=table, Key=key)


@pytest.mark.parametrize("run", ["first", "second"])
def test_what_a_test_leaves_in_a_service_is_gone_in_the_next(run: str, aws: None) -> None:
    queue = clients.sqs().get_queue_url(QueueName="ecommerce-test-dead-letters")["QueueUrl"]
    clients.sqs().send_message(QueueUrl=queue, MessageBody=json.dumps(run))

    assert stream.messages("ecommerce-test-dead-letters") == [run]
    assert everything() == {}
