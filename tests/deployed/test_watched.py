"""What watches a deployed stage: all of it is there, real functions write what is counted, and an alarm is told of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tests.deployed.conftest import DeployedStage
from tools.monitoring import dashboard
from tools.monitoring.alarms import ALARMS
from tools.monitoring.queries import QUERIES

TOPIC = "ecommerce-dev-alerts"
LETTERS = "ecommerce-dev-dead-letters"


def wait_for(find: Callable[[], Any]) -> Any:
    """What comes in time."""
    deadline = Deadline(60)
    while not (found := find()):
        deadline.require()
        time.sleep(0.2)
    return found


@pytest.fixture
def hears(dev: DeployedStage) -> Iterator[Callable[[str], dict[str, Any] | None]]:
    """Says what the alert topic was told of an alarm, each once; None while there is nothing."""
    queue, topic = boto3.client("sqs"), boto3.client("sns")
    url = queue.create_queue(QueueName="hears-alerts")["QueueUrl"]
    arn = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    (alerts,) = (each["TopicArn"] for each in topic.list_topics()["Topics"] if each["TopicArn"].endswith(TOPIC))
    subscription = topic.subscribe(TopicArn=alerts, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    def heard(name: str) -> dict[str, Any] | None:
        for message in queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            told: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
            if told.get("AlarmName") == name:
                return told
        return None

    yield heard
    topic.unsubscribe(SubscriptionArn=subscription)
    queue.delete_queue(QueueUrl=url)


def test_every_alarm_is_there_and_looks_at_what_the_stack_has(dev: DeployedStage) -> None:
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix="ecommerce-dev-")
    found = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    assert found.keys() == {f"ecommerce-dev-{each.name}" for each in ALARMS}
    assert "${" not in json.dumps([*found.values()], default=str)
    version = found["ecommerce-dev-canary-failed-requests"]["Dimensions"][1]
    assert version["Name"] == "Version"
    assert version["Value"].isdigit()
    errors = found["ecommerce-dev-check-store-errors"]
    assert errors["Dimensions"] == [{"Name": "FunctionName", "Value": dev.outputs["CheckStoreName"]}]


def test_the_dashboard_shows_what_the_stack_has(dev: DeployedStage) -> None:
    body = boto3.client("cloudwatch").get_dashboard(DashboardName="ecommerce-dev")["DashboardBody"]

    assert len(json.loads(body)["widgets"]) == len(dashboard.body()["widgets"])
    assert dev.outputs["CheckStoreName"] in body
    assert "${" not in body


def test_the_queries_are_saved(dev: DeployedStage) -> None:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName="ecommerce-dev")["StackResources"]

    saved = {each["LogicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Logs::QueryDefinition"}
    assert saved == {each.logical_id for each in QUERIES}


def test_what_functions_write_into_their_log_is_counted(dev: DeployedStage) -> None:
    assert dev("GET", "/hello").status == 200

    def counted(namespace: str, metric: str, dimensions: dict[str, str]) -> float:
        now = clock.now()
        answer = boto3.client("cloudwatch").get_metric_statistics(
            Namespace=namespace, MetricName=metric, Period=3600, Statistics=["Sum"],
            StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1),
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        )  # fmt: skip
        return sum(float(each["Sum"]) for each in answer["Datapoints"])

    assert wait_for(lambda: counted("Ecommerce", "ColdStart", {"Stage": "dev"})) >= 1
    assert wait_for(lambda: counted("Ecommerce", "ColdStart", {"Stage": "dev", "Function": "api_handler"})) >= 1
    stack = boto3.client("cloudformation")
    api = stack.describe_stack_resource(StackName="ecommerce-dev", LogicalResourceId="APIHandler")
    function = {"FunctionName": str(api["StackResourceDetail"]["PhysicalResourceId"])}
    assert wait_for(lambda: counted("AWS/Lambda", "Invocations", function)) >= 1


def test_an_alarm_is_told_of_when_it_begins_and_when_it_ends(
    dev: DeployedStage, hears: Callable[[str], dict[str, Any] | None]
) -> None:
    def write(letters: int, seconds_ago: int) -> None:
        boto3.client("cloudwatch").put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": LETTERS}],
                    "Timestamp": clock.now() - timedelta(seconds=seconds_ago),
                    "Value": letters,
                }
            ],
        )

    name = "ecommerce-dev-dead-letters"
    wait_for(lambda: state(name) == "OK")

    write(1, seconds_ago=90)  # in the period before the last one, which has no value yet
    begun = wait_for(lambda: hears(name))
    write(0, seconds_ago=0)
    ended = wait_for(lambda: hears(name))

    assert (begun["OldStateValue"], begun["NewStateValue"]) == ("OK", "ALARM")
    assert "make redrive" in begun["AlarmDescription"]
    assert (ended["OldStateValue"], ended["NewStateValue"]) == ("ALARM", "OK")
    assert state(name) == "OK"


def state(alarm: str) -> str:
    (found,) = boto3.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found["StateValue"])
