"""Whether the shop can serve and sell, and what is told of it to anybody and to the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.api import health
from chalicelib.aws import clients
from chalicelib.core import clock
from chalicelib.orders import checkout
from chalicelib.payments import credentials, providers
from tests.support.lines import events
from tests.support.stage import with_settings
from tools.testing.shop import Shop

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _look_anew() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    health.forget()
    checkout.forget()
    credentials.forget()


def keep_secret(value: dict[str, str]) -> None:
    name = "ecommerce/test/payment/api-key"
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))


def test_a_stage_that_can_sell_is_healthy(shop: Shop) -> None:
    answer = shop("GET", "/health")

    assert (answer.status, answer.body["status"], answer.body["checkout"]) == (200, "healthy", "ready")
    assert answer.body["table"]["status"] == "ACTIVE"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_an_unhealthy_table_is_a_503(shop: Shop) -> None:
    clients.dynamodb().delete_table(TableName="ecommerce-test")

    answer = shop("GET", "/health")

    assert (answer.status, answer.body["code"], answer.body["checkout"]) == (503, "unhealthy", "ready")
    assert answer.body["detail"] == "The shop is unhealthy: its table does not answer."


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("PAYMENT_PROVIDER", "paypal", "PAYMENT_PROVIDER"),
        ("PAYMENT_PROVIDER", "stripe", "ecommerce/test/payment/api-key"),
        ("SHIPPING_POLICY", "flat:cheap", "SHIPPING_POLICY"),
        ("TAX_RATES", "UK=20i", "TAX_RATES"),
    ],
)
def test_a_setting_that_fails_every_order_makes_the_stage_unhealthy(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: Output, name: str, value: str, named: str
) -> None:
    with with_settings(monkeypatch, **{name: value}):
        answer = shop("GET", "/health")

    assert (answer.status, answer.body["code"], answer.body["checkout"]) == (503, "unhealthy", "misconfigured")
    assert answer.headers["Cache-Control"] == "no-store"
    assert named not in answer.text
    (line,) = events(capsys.readouterr().out, "CHECKOUT_MISCONFIGURED")
    assert named in line["message"]


def test_a_payment_key_that_nobody_has_put_in_is_found_and_then_not_any_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_secret({"apiKey": "not-set", "webhookSecret": "w"})
    with with_settings(monkeypatch, PAYMENT_PROVIDER="stripe"):
        before = shop("GET", "/health").body["checkout"]
        boto3.client("secretsmanager").put_secret_value(
            SecretId="ecommerce/test/payment/api-key", SecretString='{"apiKey": "a key that is one"}'
        )
        forget()
        after = shop("GET", "/health")

    assert (before, after.body["checkout"], after.status) == ("misconfigured", "ready", 200)
    assert "a key that is one" not in after.text


def test_a_payment_secret_that_cannot_be_had_is_no_mistake_of_the_stage(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = mock.Mock(side_effect=EndpointConnectionError(endpoint_url="https://secretsmanager"))
    monkeypatch.setattr(clients, "secretsmanager", lambda: mock.Mock(get_secret_value=silent))
    with with_settings(monkeypatch, PAYMENT_PROVIDER="stripe"):
        answer = shop("GET", "/health")

    assert (answer.status, answer.body["checkout"]) == (503, "unavailable")


def test_settings_are_looked_at_once_in_five_seconds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = mock.Mock(wraps=providers.current)
    monkeypatch.setattr(providers, "current", looked)

    for seconds in (0, 4, 6):
        with mock.patch.object(clock, "monotonic", return_value=1000.0 + seconds):
            shop("GET", "/health")

    assert looked.call_count == 2
