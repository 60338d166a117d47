"""The only maker of AWS clients: each made on first use and kept for the life of the process."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

from chalicelib.core import settings
from chalicelib.core.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# Short enough that a stuck call leaves time for another within API Gateway's 29 seconds. DynamoDB's calls are
# retried in `transport` only.
_CONNECTION = {"connect_timeout": 2, "read_timeout": 4, "max_pool_connections": 50, "parameter_validation": False}
# A mail or an alert that was taken, but answered late, must not leave again by itself.
_ATTEMPTS = {"dynamodb": 1, "sesv2": 1, "sns": 1}
# A form must lead to the bucket's own address in its region: elsewhere S3 redirects, which browsers do not follow to
# another origin. For an address that is a number, as the local AWS has, botocore puts the bucket into the path.
_OWN: dict[str, dict[str, Any]] = {
    "sesv2": {"read_timeout": 10},
    "s3": {"signature_version": "s3v4", "s3": {"addressing_style": "virtual"}},
}
_making = threading.Lock()


def dynamodb() -> DynamoDBClient:
    """The table's client."""
    return cast("DynamoDBClient", _made("dynamodb"))


def events() -> EventBridgeClient:
    """The client of the event bus."""
    return cast("EventBridgeClient", _made("events"))


def s3() -> S3Client:
    """The bucket's client."""
    return cast("S3Client", _made("s3"))


def secretsmanager() -> SecretsManagerClient:
    """The client that reads secrets."""
    return cast("SecretsManagerClient", _made("secretsmanager"))


def ses() -> SESV2Client:
    """The client that sends mail."""
    return cast("SESV2Client", _made("sesv2"))


def sns() -> SNSClient:
    """The client that alerts the shop's people."""
    return cast("SNSClient", _made("sns"))


def sqs() -> SQSClient:
    """The client of the dead-letter queue."""
    return cast("SQSClient", _made("sqs"))


def unanswered() -> Unavailable:
    """The error of a call that AWS did not answer: whether it had its effect is not known."""
    if settings.current().is_local:
        return Unavailable("The local AWS does not answer. Start it with `make run`, or alone with `make cloud`.")
    return Unavailable("AWS did not answer in time. Try again, with the same Idempotency-Key if you sent one.")


def _made(service: str) -> Any:
    with _making:  # boto3's default session is not safe to share while it makes a client
        return _client(service)


@lru_cache(maxsize=16)
def _client(service: str) -> Any:
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS.get(service, 3)}
    config = Config(**{**_CONNECTION, **_OWN.get(service, {})}, retries=retries)
    return boto3.client(service, region_name=settings.region(), config=config)


def forget() -> None:
    """Drop every client, for tests that change what they talk to."""
    _client.cache_clear()
