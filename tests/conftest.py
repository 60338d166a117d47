"""What every test stands on: a stage named test, an emulated AWS with the real template's table, and the app."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

os.environ.update(
    STAGE="test",
    TABLE_NAME="ecommerce-test",
    BUCKET_NAME="ecommerce-test",
    IMAGE_BASE_URL="https://images.example.com",
    JWT_SECRET_NAME="ecommerce/test/jwt/secret",
    PAYMENT_SECRET_NAME="ecommerce/test/payment/api-key",
    EVENT_BUS_NAME="ecommerce-test",
    ALERT_TOPIC_ARN="arn:aws:sns:us-east-1:123456789012:ecommerce-test-alerts",
    DEAD_LETTER_QUEUE_URL="https://sqs.us-east-1.amazonaws.com/123456789012/ecommerce-test-dead-letters",
    OPERATOR_EMAIL="operator@example.com",
    MAIL_FROM="shop@example.com",
    PAYMENT_PROVIDER="simulator",
    PASSWORD_ROUNDS="4",
    # All of a test's requests come from one address, mostly at one instant.
    RATE_LIMITS="login=9999/60,register=9999/60,forgot=9999/60,reset=9999/60,verify=9999/60,coupon=9999/60,"
    "search=9999/60,guest_cart=9999/60,order=9999/60",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_ACCOUNT_ID_ENDPOINT_MODE="disabled",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)

import boto3
import hypothesis
from chalice.test import Client
from hypothesis import HealthCheck
from moto import mock_aws

import app
from chalicelib.aws import clients, keyring, rate_limits
from chalicelib.core import clock, settings
from chalicelib.webhooks import service as webhooks
from tests.support import contract, emulator, kept_clients, leaks, short_way, stream, times, workers
from tools.testing import table
from tools.testing.shop import Shop

ROOT = Path(__file__).parents[1]
gc.set_threshold(50_000, 20, 100)  # the models of AWS are many small things that stay, and were looked at all the time
emulator.quicken()
kept_clients.install()
short_way.install()
times.guard()
contract.install()
# The same examples each time: what is found by chance should be found by `--hypothesis-profile=explore`.
unhurried = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
hypothesis.settings.register_profile("explore", **unhurried)
hypothesis.settings.register_profile("tests", **unhurried, derandomize=True)
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--form", default="local", help="the form in which tests/e2e opens the shop: local, sam, chalice")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.Scheduling | None:
    return workers.Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: workers.place(item.nodeid))


@contextmanager
def _uncounted(item: pytest.Item) -> Iterator[None]:
    """Coverage pauses around the fixtures of a test marked `no_cover`; around the test itself its plugin does that."""
    coverage = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if coverage is None or not item.get_closest_marker("no_cover"):
        yield
        return
    coverage.pause()
    try:
        yield
    finally:
        coverage.resume()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _uncounted(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _uncounted(item):
        return (yield)


@pytest.fixture(autouse=True)
def real_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """The machine's clock, for the tests that are marked to be about real time; it is refused to every other."""
    marked = request.node.get_closest_marker("real_time")
    with clock.read_from(clock.real) if marked else nullcontext():
        yield


@pytest.fixture
def standard_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """The time at which tests live that need one and do not say which."""
    marked = request.node.get_closest_marker("real_time")
    with nullcontext() if marked else times.standard():
        yield


@pytest.fixture
def aws(standard_time: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[leaks.Watch]:
    """An empty AWS in memory, with the table of infra/template.yaml, a signing key and a mail identity.

    At the end of each test, no secret that it used may stand in a log line, a history entry, an event or a mail, and
    nothing personal but in a mail.
    """
    with mock_aws(config=emulator.CONFIG):
        settings.current.cache_clear()  # which a test before may have left as it had set them
        clients.forget()
        keyring.forget()
        webhooks.forget()
        rate_limits.memory.forget()
        emulator.furnish(_furnish)
        watch = leaks.Watch(monkeypatch)
        yield watch
        watch.check()
    clients.forget()
    keyring.forget()


def _furnish() -> None:
    """Make what the shop finds in an account."""
    with times.standard():
        boto3.client("dynamodb").create_table(**table.definition())
        secret = json.dumps({"kid": "initial", "secret": "s" * 64})
        boto3.client("secretsmanager").create_secret(Name="ecommerce/test/jwt/secret", SecretString=secret)
        boto3.client("sns").create_topic(Name="ecommerce-test-alerts")
        boto3.client("sqs").create_queue(QueueName="ecommerce-test-dead-letters")
        stream.listen_to_bus()
        boto3.client("s3").create_bucket(Bucket="ecommerce-test")
        boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")


@pytest.fixture
def shop(aws: None) -> Iterator[Shop]:
    """The whole app, called as API Gateway would call it."""
    with Client(app.app, stage_name="test", project_dir=str(ROOT)) as client:
        yield Shop(client)
