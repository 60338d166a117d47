"""A scheduled run that fails on the deployed stage: told, tried again, kept, and made up for by a redrive."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3

from chalicelib.core import clock
from tests.deployed.conftest import DeployedStage
from tests.deployed.test_sam import resource, wait_until
from tests.infra.packaging import SETTINGS
from tools import dated

QUEUE = "ecommerce-dev-dead-letters"


def rule_event(**more: Any) -> dict[str, Any]:
    """What the rule of the sales' summary sends, of an hour in which nothing was sold."""
    rule = "ecommerce-dev-SummariseSalesSummariseSalesEvent-1AB2CD3EF4"
    return {
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "000000000000", "region": "us-east-1", "detail": {},
        "time": clock.now().strftime("%Y-%m-%dT%H:00:00Z"),
        "resources": [f"arn:aws:events:us-east-1:000000000000:rule/{rule}"],
        **more,
    }  # fmt: skip


def letters() -> list[dict[str, Any]]:
    """Those about scheduled runs, which stay in the queue."""
    queue = boto3.client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]
    answer = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    found = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return [letter for letter in found if "requestPayload" in letter]


def told(group: str, event: str) -> list[dict[str, Any]]:
    """The lines of that event in a group of the log."""
    answer = boto3.client("logs").filter_log_events(logGroupName=group, filterPattern=f'"{event}"')
    lines = [each["message"] for each in answer["events"]]
    return [json.loads(line) for line in lines if line.startswith("{")]


def redrive() -> subprocess.CompletedProcess[str]:
    """What an operator does, whose terminal knows nothing of the tests' own stage."""
    known = {name: value for name, value in dated.real().items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, "-m", "tools.redrive"], env={**known, "STAGE": "dev"}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_a_run_that_fails_each_time_is_told_kept_and_made_up_for(dev: DeployedStage) -> None:
    spoiled = rule_event(detail=[])

    boto3.client("lambda").invoke(
        FunctionName=resource("SummariseSales"),
        Qualifier="live",
        InvocationType="Event",
        Payload=json.dumps(spoiled),
    )
    wait_until(lambda: letters() != [])

    (letter,) = letters()
    assert letter["requestPayload"] == spoiled
    lines = told("/aws/lambda/ecommerce-dev-summarise_sales", "FUNCTION_FAILED")
    assert [line["metadata"]["error"] for line in lines] == ["AttributeError"] * 3
    assert {line["functionName"] for line in lines} == {"summarise_sales"}
    made_up = redrive()
    assert (made_up.returncode, letters()) == (0, []), made_up.stdout + made_up.stderr


def test_the_gateway_and_the_app_name_an_address_alike(dev: DeployedStage) -> None:
    of_the_gateway, of_the_app = (dev("GET", path).json() for path in ("/nowhere", "/products/prd_none"))

    assert (of_the_gateway["instance"], of_the_app["instance"]) == ("/dev/nowhere", "/dev/products/prd_none")


def test_a_stage_that_is_deployed_can_sell(dev: DeployedStage) -> None:
    answer = dev("GET", "/health")

    assert (answer.status, answer.json()["checkout"]) == (200, "ready")
