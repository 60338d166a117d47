"""Low stock is told once for each time that it comes about (S4)."""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest

from tests.support.stream import deliver
from tools.testing.shop import Shop

TOPIC = "arn:aws:sns:us-east-1:123456789012:ecommerce-test-alerts"


@pytest.fixture
def alerts(aws: None) -> Callable[[], list[str]]:
    """What somebody who subscribed to the alerts has got."""
    queue = boto3.client("sqs").create_queue(QueueName="subscriber")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:subscriber"
    raw = {"RawMessageDelivery": "true"}
    boto3.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn, Attributes=raw)
    got: list[str] = []

    def read() -> list[str]:
        messages = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        got.extend(str(message["Body"]) for message in messages)
        return got

    return read


def test_each_crossing_of_the_threshold_is_told_once(shop: Shop, alerts: Callable[[], list[str]]) -> None:
    admin, ada = shop.admin(), shop.customer()
    mug = admin.product(name="Mug", stock=7, sku="MUG-1")["productId"]
    for quantity in (1, 1, 1):
        ada.order((mug, quantity))
    for _ in range(2):
        deliver(shop)
    assert alerts() == [f"Mug (SKU MUG-1, {mug}) has 5 left."]

    admin("POST", f"/products/{mug}/stock", {"delta": 10, "reason": "delivery"})
    ada.order((mug, 12))
    for _ in range(2):
        deliver(shop)
    assert alerts()[1:] == [f"Mug (SKU MUG-1, {mug}) has 2 left."]


def test_what_is_not_for_sale_is_not_missed(shop: Shop, alerts: Callable[[], list[str]]) -> None:
    admin = shop.admin()
    mug = admin.product(stock=7, isActive=False)["productId"]
    admin.product(stock=3)

    admin("POST", f"/products/{mug}/stock", {"delta": -7, "reason": "given away"})
    deliver(shop)

    assert alerts() == []


def test_an_alert_that_does_not_leave_is_tried_again(shop: Shop, alerts: Callable[[], list[str]]) -> None:
    mug = shop.admin().product(stock=6)["productId"]
    shop.customer().order((mug, 1))
    boto3.client("sns").delete_topic(TopicArn=TOPIC)
    assert len(deliver(shop)) == 1

    boto3.client("sns").create_topic(Name="ecommerce-test-alerts")
    assert deliver(shop) == []
