"""The payment simulator as a process beside the launcher, with its books in the state directory."""

import json
from contextlib import AbstractContextManager
from typing import Any

import boto3

from tools.local import processes
from tools.local.processes import Running, Service
from tools.local.settings import LocalSettings
from tools.payments.calls import IDENTITY
from tools.refusal import Refusal

WEBHOOK = "/payments/webhook"


def service(settings: LocalSettings, secret: str = "", webhook_url: str = "") -> Service:
    """How the payment service of these settings is found and, with the secret of its webhooks, started.

    They go to the shop that `make run` serves, or to `webhook_url`.
    """
    return Service(
        name="payment service",
        port=settings.payment_port,
        port_variable="PAYMENT_PORT",
        identity=IDENTITY,
        state=settings.state,
        log=settings.payment_log,
        command=("tools.payments.simulator", "--port", str(settings.payment_port), "--until-eof"),
        environment={
            "STATE_DIR": str(settings.state),
            "WEBHOOK_URL": webhook_url or settings.api_url + WEBHOOK,
            "WEBHOOK_SECRET": secret,
        },
    )


def running(settings: LocalSettings, secret_name: str, webhook_url: str = "") -> AbstractContextManager[Running]:
    """The payment service for these settings: the one that runs already, or a new one."""
    return processes.running(service(settings, webhook_secret(secret_name), webhook_url))


def environment(settings: LocalSettings) -> dict[str, str]:
    """The variables by which the app finds the service."""
    return {"PAYMENT_PROVIDER": "simulator-http", "PAYMENT_URL": settings.payment_url}


def webhook_secret(name: str) -> str:
    """What the shop takes a webhook's signature for good by; of several secrets the first."""
    content: dict[str, Any] = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    secrets = content.get("webhookSecret") or ""
    first = str(secrets if isinstance(secrets, str) else secrets[0])
    if not first:
        raise Refusal(f"The secret {name} of the local AWS has no webhookSecret; `make clean` makes a new one.")
    return first
