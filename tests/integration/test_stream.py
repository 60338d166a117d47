"""What follows a change of the table (rules E)."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends

from tests.shop import Shop


def records(**changes: Any) -> list[dict[str, Any]]:
    """Everything on the table's stream so far, as Lambda would deliver it."""
    streams = boto3.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName="ecommerce-test")["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = streams.get_records(ShardIterator=iterator)["Records"]
    return [_delivered(record) for record in found]


def _delivered(record: Any) -> dict[str, Any]:
    record["dynamodb"].pop("ApproximateCreationDateTime", None)
    return {**record, "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/ecommerce-test/stream/1"}


def deliver(shop: Shop, batch: list[dict[str, Any]]) -> list[str]:
    answer = shop.client.lambda_.invoke("handle_table_stream", {"Records": batch}).payload
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def outbox() -> list[tuple[str, str]]:
    """Recipient and subject of every mail sent about an order."""
    sent = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages
    about_orders = [message for message in sent if message.subject.startswith("Order ")]
    return [(message.destinations["ToAddresses"][0], message.subject) for message in about_orders]


@pytest.fixture
def mug(shop: Shop) -> str:
    return str(shop.admin().product(stock=10)["productId"])


def test_a_paid_order_is_confirmed_by_one_mail_however_often_it_is_delivered(shop: Shop, mug: str) -> None:
    order = shop.customer().order((mug, 2)).body["orderId"]
    batch = records()

    assert [deliver(shop, batch), deliver(shop, batch), deliver(shop, batch[::-1])] == [[], [], []]

    assert outbox() == [("ada@example.com", f"Order {order} confirmed")]


def test_a_declined_order_is_announced_as_cancelled_only(shop: Shop, mug: str) -> None:
    order = shop.customer().order((mug, 2), token="tok_declined").body["orderId"]

    deliver(shop, records())

    assert outbox() == [("ada@example.com", f"Order {order} cancelled")]


def test_lists_show_the_stock_after_a_sale_and_never_an_older_one(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    ada.order((mug, 2))
    ada.order((mug, 3))
    batch = records()

    deliver(shop, batch)
    deliver(shop, batch[::-1])

    (shown,) = shop("GET", "/products").body["products"]
    assert shown["stock"] == shop.stock(mug) == 5


def test_a_poisoned_record_is_reported_and_the_others_go_on(shop: Shop, mug: str) -> None:
    order = shop.customer().order((mug, 1)).body["orderId"]
    batch = records()
    poisoned = next(r for r in batch if r["dynamodb"].get("NewImage", {}).get("status", {}).get("S") == "processing")
    broken = {**poisoned, "eventID": "poison", "dynamodb": {**poisoned["dynamodb"], "SequenceNumber": "999"}}
    broken["dynamodb"]["NewImage"] = {**poisoned["dynamodb"]["NewImage"], "total": {"S": "twelve"}}

    failed = deliver(shop, [broken, *batch])

    assert failed == ["999"]
    assert outbox() == [("ada@example.com", f"Order {order} confirmed")]


def test_a_mail_that_could_not_be_sent_is_sent_at_the_next_delivery(shop: Shop, mug: str) -> None:
    shop.customer().order((mug, 1))
    batch = records()
    boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
    assert deliver(shop, batch)
    assert outbox() == []

    boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    deliver(shop, batch)

    assert len(outbox()) == 1


def test_the_schedule_answers_what_it_did(shop: Shop) -> None:
    event = shop.client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [], "us-east-1")

    answer = shop.client.lambda_.invoke("run_scheduled_work", event).payload

    assert answer == {"settled": 0, "expired": 0, "refunded": 0}
