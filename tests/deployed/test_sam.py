"""The SAM package of a stage, deployed: what API Gateway answers by itself, and what works beside the API."""

from __future__ import annotations

import functools
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from tests.deployed.conftest import DeployedStage
from tools.local import deployed
from tools.local.settings import LocalSettings

SCHEDULED = {
    "RunScheduledWork": "rate(1 minute)",
    "DeliverWebhooks": "rate(1 minute)",
    "RemindOfCarts": "cron(10 * * * ? *)",
    "SummariseSales": "cron(30 * * * ? *)",
    "CheckStore": "cron(0 3 * * ? *)",
}
SIGNING_KEY = "ecommerce/dev/jwt/secret"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Of every answer that API Gateway gives by itself.
TOLD = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Type": "application/problem+json",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


def resource(logical_id: str) -> str:
    """The name that a resource of the app's stack has got."""
    stack = boto3.client("cloudformation")
    found = stack.describe_stack_resource(StackName="ecommerce-dev", LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "not_found"),
        ("PATCH", "/hello", {"Content-Type": "application/json"}, 405, "method_not_allowed"),
        ("PATCH", "/hello", {"Content-Type": "image/png"}, 415, "unsupported_media_type"),
        ("GET", "/auth/me", {}, 401, "unauthorized"),
        ("GET", "/auth/me", {"Authorization": "Bearer nonsense"}, 401, "unauthorized"),
    ],
)
def test_the_gateways_own_answers_are_problem_documents(
    dev: DeployedStage, method: str, path: str, sent: dict[str, str], status: int, code: str
) -> None:
    answer = dev(method, path, headers=sent)

    told = {name: answer.headers[name] for name in TOLD}
    assert (answer.status, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert told == TOLD
    assert answer.json()["requestId"] == answer.headers["x-amzn-requestid"] == answer.headers["X-Request-Id"]
    assert path in answer.json()["instance"]
    assert answer.json()["type"] == f"/dev/problems/{code}"


def test_what_the_gateways_own_answers_mean_can_be_read_where_they_lead_to(
    dev: DeployedStage, cloud: LocalSettings
) -> None:
    host = {"Host": f"{dev.outputs['RestAPIId']}.execute-api.localhost:{cloud.cloud_port}"}
    ask = functools.partial(urllib3.request, "GET", headers=host, retries=False, timeout=120)

    refused = ask(f"{cloud.cloud_url}/dev/nowhere").json()
    told, front = (ask(f"{cloud.cloud_url}{path}").json() for path in (refused["type"], "/dev/"))

    assert (told["code"], told["status"]) == (refused["code"], refused["status"])
    assert {path.split("/")[1] for path in front["links"].values()} == {"dev"}
    assert "accounts" not in front


def test_a_wrong_method_is_told_the_right_ones_and_a_refused_token_what_is_wanted(dev: DeployedStage) -> None:
    wrong, refused = dev("DELETE", "/hello"), dev("GET", "/orders")

    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_browser_may_ask_before_it_sends(dev: DeployedStage) -> None:
    asked = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}

    answer = dev("OPTIONS", "/orders", headers=asked)

    assert (answer.status, answer.data) == (200, b"")
    assert set(answer.headers["Access-Control-Allow-Methods"].split(",")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]


def test_a_head_has_no_body_and_what_is_large_is_compressed(dev: DeployedStage) -> None:
    head = dev("HEAD", "/hello")
    sent = boto3.client("apigateway").get_rest_api(restApiId=dev.outputs["RestAPIId"])

    assert (head.status, head.data, head.headers["Content-Type"]) == (200, b"", "application/json")
    assert sent["minimumCompressionSize"] == 1024


def test_a_packed_body_is_read_and_one_that_is_too_large_or_packed_otherwise_refused(dev: DeployedStage) -> None:
    def send(body: bytes, coding: str) -> tuple[int, str]:
        sent = {"Content-Type": "application/json", "Content-Encoding": coding}
        answer = dev("POST", "/auth/login", body=body, headers=sent)
        return answer.status, answer.json()["code"]

    nobody = b'{"email": "nobody@example.com", "password": "correct horse battery"}'

    assert send(gzip.compress(nobody), "gzip") == (401, "bad_credentials")
    assert send(gzip.compress(b" " * 1_100_000), "gzip") == (413, "payload_too_large")
    assert send(nobody, "br") == (415, "unsupported_media_type")


def test_a_slash_at_the_end_makes_no_other_address(dev: DeployedStage) -> None:
    assert dev("GET", "/hello/").json() == dev("GET", "/hello").json()


@pytest.fixture
def narrow(dev: DeployedStage) -> Iterator[None]:
    """The stage's throttle, so low that the second request is too many."""
    api, name = boto3.client("apigateway"), {"restApiId": dev.outputs["RestAPIId"], "stageName": "dev"}
    limits = ("throttling/rateLimit", "throttlingRateLimit"), ("throttling/burstLimit", "throttlingBurstLimit")
    before = api.get_stage(**name)["methodSettings"]["*/*"]

    def limit(values: list[Any]) -> None:
        changes = [{"op": "replace", "path": f"/*/*/{path}", "value": str(value)}
                   for (path, _), value in zip(limits, values, strict=True)]  # fmt: skip
        api.update_stage(**name, patchOperations=changes)

    limit([0.001, 1])
    yield
    limit([before[name] for _, name in limits])


def test_too_many_requests_are_told_to_come_again(dev: DeployedStage, narrow: None) -> None:
    answers = [dev("GET", "/nowhere") for _ in range(2)] + [dev("GET", "/hello") for _ in range(2)]

    late = answers[-1]
    assert (late.status, late.json()["code"], late.headers["Retry-After"]) == (429, "too_many_requests", "1")


def test_the_stages_throttle_is_that_of_its_settings(dev: DeployedStage) -> None:
    found = boto3.client("apigateway").get_stage(restApiId=dev.outputs["RestAPIId"], stageName="dev")

    limits = found["methodSettings"]["*/*"]
    asked = (dev.stage.requests_per_second, dev.stage.burst)
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == asked
    assert found["tracingEnabled"] is True


def test_the_signing_key_is_rotated_by_its_function_as_soon_as_it_is_deployed(dev: DeployedStage) -> None:
    vault = boto3.client("secretsmanager")
    wait_until(lambda: "LastRotatedDate" in vault.describe_secret(SecretId=SIGNING_KEY))

    found = vault.describe_secret(SecretId=SIGNING_KEY)
    keys = [
        json.loads(vault.get_secret_value(SecretId=SIGNING_KEY, VersionStage=label)["SecretString"])
        for label in ("AWSCURRENT", "AWSPREVIOUS")
    ]

    assert (found["RotationEnabled"], found["RotationRules"]) == (True, {"AutomaticallyAfterDays": 30})
    assert resource("RotateJwtSecret") in found["RotationLambdaARN"]
    assert keys[0]["kid"] != keys[1]["kid"] == "initial"


def test_every_scheduled_function_has_a_rule_that_calls_it_and_nothing_else(dev: DeployedStage) -> None:
    events = boto3.client("events")
    rules = [rule for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression")]
    called = {rule["ScheduleExpression"] + target["Arn"] for rule in rules
              for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]}  # fmt: skip

    for logical_id, expression in SCHEDULED.items():
        function = f"function:{resource(logical_id)}"
        (found,) = [each for each in called if function in each]
        assert found.startswith(expression.removesuffix(")"))
    assert {rule["State"] for rule in rules} == {"ENABLED"}
    assert len([each for each in called if ":function:ecommerce-dev-" in each]) == len(SCHEDULED)


def test_the_streams_trigger_reports_halves_retries_and_gives_up_into_the_queue(dev: DeployedStage) -> None:
    (trigger,) = boto3.client("lambda").list_event_source_mappings(FunctionName=resource("HandleTableStream"))[
        "EventSourceMappings"
    ]
    queue = boto3.client("sqs")
    letters = queue.get_queue_url(QueueName="ecommerce-dev-dead-letters")["QueueUrl"]
    queue_arn = queue.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    table = boto3.client("dynamodb").describe_table(TableName="ecommerce-dev")["Table"]

    assert trigger["EventSourceArn"] == table["LatestStreamArn"]
    assert trigger["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (trigger["BisectBatchOnFunctionError"], trigger["MaximumRetryAttempts"]) == (True, 50)
    assert trigger["DestinationConfig"]["OnFailure"]["Destination"] == queue_arn
    assert len(trigger["FilterCriteria"]["Filters"]) == 2


def test_a_second_deployment_changes_the_functions_and_leaves_the_address(
    cloud: LocalSettings, dev: DeployedStage, packaged: Path
) -> None:
    before = dev("GET", "/health").status
    changed = deployed.deploy_package(dev.stage, packaged, {"LOW_STOCK_THRESHOLD": "7"})
    variables = deployed.functions_environment(dev.stage)
    after = dev("GET", "/health").status
    again = deployed.deploy_package(dev.stage, packaged)

    assert (before, after) == (200, 200)
    assert variables["LOW_STOCK_THRESHOLD"] == "7"
    assert changed["RestAPIId"] == again["RestAPIId"] == dev.outputs["RestAPIId"]
    assert deployed.functions_environment(dev.stage)["LOW_STOCK_THRESHOLD"] == "5"
