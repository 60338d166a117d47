"""Ports, paths and environment of the local shop; the only reader of the caller's environment here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.refusal import Refusal

HOST = "127.0.0.1"
ACCOUNT = "000000000000"
REGION = "us-east-1"
STAGE = "local"
EVENT_QUEUE = "ecommerce-local-events"
IDENTITY = "/_local/identity"
HIGHEST_PORT = 65535
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class LocalSettings:
    """Where this copy of the shop listens and keeps its state."""

    port: int
    cloud_port: int
    state: Path
    payment_port: int = 4580

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def cloud_url(self) -> str:
        """Where the local AWS answers."""
        return f"http://{HOST}:{self.cloud_port}"

    @property
    def payment_url(self) -> str:
        """Where the payment service answers."""
        return f"http://{HOST}:{self.payment_port}"

    @property
    def events_url(self) -> str:
        """Where the events of the last day can be looked at."""
        return self.events_url_of(EVENT_QUEUE)

    def events_url_of(self, queue: str) -> str:
        """The same, of the queue that a stage's events are kept in."""
        return f"{self.cloud_url}/_ministack/sqs/messages?QueueUrl={self.cloud_url}/{ACCOUNT}/{queue}"

    @property
    def payment_log(self) -> Path:
        """What the payment service has to say."""
        return self.state / "payments.log"

    @property
    def cloud_log(self) -> Path:
        """What the local AWS has to say."""
        return self.state / "aws.log"

    @property
    def app_log(self) -> Path:
        """What the app prints: one JSON object a line."""
        return self.state / "app.log"

    @property
    def checkpoint(self) -> Path:
        """The last stream record that was delivered."""
        return self.state / "stream-position.json"


def read(environ: Mapping[str, str] = os.environ) -> LocalSettings:
    """The settings that PORT, CLOUD_PORT, PAYMENT_PORT and STATE_DIR ask for."""
    return LocalSettings(
        port=_port(environ, "PORT", "8000"),
        cloud_port=_port(environ, "CLOUD_PORT", "4566"),
        payment_port=_port(environ, "PAYMENT_PORT", "4580"),
        state=(PROJECT / environ.get("STATE_DIR", ".local")).resolve(),
    )


def _port(environ: Mapping[str, str], name: str, default: str) -> int:
    text = environ.get(name) or default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_PORT):
        raise Refusal(f"{name} must be a port number between 1 and {HIGHEST_PORT}, not {text!r}.")
    return int(text)


def aws_environment(settings: LocalSettings) -> dict[str, str]:
    """Points every AWS client of this process at the local AWS, whatever the user's own settings say."""
    return {
        "AWS_ENDPOINT_URL": settings.cloud_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def use_local_aws(settings: LocalSettings) -> None:
    """Put `aws_environment` into this process, and drop what would overrule it."""
    for name in list(os.environ):
        if name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") or name.startswith("AWS_ENDPOINT_URL_"):
            del os.environ[name]
    os.environ.update(aws_environment(settings))
