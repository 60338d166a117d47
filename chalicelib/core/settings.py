"""The only reader of the environment: what differs between stages, typed and named once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from chalicelib.core import money, quotas
from chalicelib.core.errors import Misconfigured
from chalicelib.core.quotas import Quota

LOCAL = "local"  # the stage under `chalice local`
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_NOT_BY_ITSELF = (
    "Nothing was deployed: Chalice by itself knows neither the table's stream nor the bucket, the topic and the queue"
    " of the account; run `make chalice-deploy STAGE={stage}`, which looks them up and runs `chalice deploy` with them."
)
_UNDEPLOYED_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/ecommerce/stream/undeployed"


@dataclass(frozen=True, slots=True)
class Settings:
    """One stage's settings; the names in the environment are the same in capitals."""

    stage: str
    table_name: str
    jwt_secret_name: str
    mail_from: str
    event_bus_name: str
    operator_email: str | None
    alert_topic_arn: str | None
    payment_provider: str
    default_currency: str
    shipping_policy: str
    tax_rates: str
    shop_time_zone: str
    payment_secret_name: str
    payment_url: str
    cors_origin: str
    log_level: str
    index_shards: int
    password_rounds: int
    low_stock_threshold: int
    refresh_grace_seconds: int
    complete_after_days: int
    rate_limits: Mapping[str, Quota]

    @property
    def is_local(self) -> bool:
        """Does the app run under `chalice local` rather than behind API Gateway?"""
        return self.stage == LOCAL

    @property
    def has_near_receivers(self) -> bool:
        """May webhooks go to this very machine? In prod never, whatever is set."""
        return self.is_local or (self.stage != "prod" and os.environ.get("WEBHOOK_RECEIVERS") == "near")

    @property
    def bucket_name(self) -> str:
        """The bucket of images and reports; the rest works without."""
        return _text("BUCKET_NAME")

    @property
    def dead_letter_queue_url(self) -> str:
        """The queue of what was given up."""
        return _text("DEAD_LETTER_QUEUE_URL")

    @property
    def image_base_url(self) -> str:
        """Where shoppers find what is in the bucket, without a slash at the end."""
        return _text("IMAGE_BASE_URL").rstrip("/")


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read once.

    Raises `Misconfigured` with the name of the first variable that is missing or malformed.
    """
    return Settings(
        stage=_text("STAGE"),
        table_name=_text("TABLE_NAME"),
        jwt_secret_name=_text("JWT_SECRET_NAME"),
        mail_from=_text("MAIL_FROM"),
        event_bus_name=_text("EVENT_BUS_NAME"),
        operator_email=os.environ.get("OPERATOR_EMAIL") or None,
        alert_topic_arn=os.environ.get("ALERT_TOPIC_ARN") or None,
        payment_provider=_text("PAYMENT_PROVIDER"),
        default_currency=_currency("DEFAULT_CURRENCY", "USD"),
        shipping_policy=_text("SHIPPING_POLICY", "free"),
        tax_rates=_text("TAX_RATES", "*=0"),
        shop_time_zone=_text("SHOP_TIME_ZONE", "UTC"),
        payment_secret_name=_text("PAYMENT_SECRET_NAME"),
        payment_url=_text("PAYMENT_URL", ""),
        cors_origin=cors_origin(),
        log_level=_level(),
        index_shards=_number("INDEX_SHARDS", 1),
        password_rounds=_number("PASSWORD_ROUNDS", 12),
        low_stock_threshold=_number("LOW_STOCK_THRESHOLD", 5),
        refresh_grace_seconds=_number("REFRESH_GRACE_SECONDS", 10, least=0),
        complete_after_days=_number("COMPLETE_AFTER_DAYS", 14), rate_limits=_quotas("RATE_LIMITS"),
    )  # fmt: skip


def stage() -> str:
    """The stage's name for lines of the log, which are written without one, too."""
    return os.environ.get("STAGE") or "unknown"


def log_level() -> str:
    """From which level on lines are written, whatever else is missing; what is no level is told by `current`."""
    return os.environ.get("LOG_LEVEL") or "INFO"


def cors_origin() -> str:
    """The origin that browsers may call from; read while routes are declared, before the rest exists."""
    return os.environ.get("CORS_ORIGIN", "*")


def mail_configuration_set() -> str:
    """What mail is sent by, and is told of as; its events are asked for while functions are declared."""
    return f"ecommerce-{stage()}"


def users_by_iam() -> bool:
    """Are the user-management routes for services that sign with SigV4, rather than for admins with a token?"""
    return os.environ.get("USER_MANAGEMENT_AUTH", "jwt") == "iam"


def is_cached_by_gateway() -> bool:
    """Does API Gateway keep what the routes of products answer, and give it to whoever asks next?"""
    return os.environ.get("CACHED_BY_GATEWAY") == "true"


def client_address_header() -> str:
    """The header in which the distribution before the API tells who is calling; "" where nothing stands before it."""
    return os.environ.get("CLIENT_ADDRESS_HEADER", "")


def storefront_url() -> str:
    """Where customers shop, "" where that is nowhere yet."""
    return os.environ.get("STOREFRONT_URL", "")


def console_url() -> str:
    """Where the shop is run, "" where that is nowhere yet."""
    return os.environ.get("CONSOLE_URL", "")


def demo() -> str:
    """What `make run` lets the front page show beside all else, in JSON; nothing in other stages, whatever is set."""
    return os.environ.get("DEMO", "") if stage() == LOCAL else ""


def table_stream_arn() -> str:
    """The stream that the deployed trigger listens to; a placeholder until a stage has a table.

    Ends `chalice deploy` when that runs by itself: the app is loaded before anything is touched, and what it would
    leave behind is half a shop (adr/0046).
    """
    if "AWS_CHALICE_CLI_MODE" in os.environ and "deploy" in sys.argv:
        raise SystemExit(_NOT_BY_ITSELF.format(stage=os.environ.get("STAGE", "dev")))
    return os.environ.get("TABLE_STREAM_ARN", _UNDEPLOYED_STREAM)


def trace_header() -> str:
    """What X-Ray knows this invocation by and whether it is sampled; empty outside of Lambda."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


def trace_daemon() -> str | None:
    """Where Lambda says that X-Ray's daemon listens."""
    return os.environ.get("AWS_XRAY_DAEMON_ADDRESS") or None


def region() -> str:
    """The AWS region the process runs in."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1")


def _text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name) or default
    if value is None:
        message = f"The environment variable {name} is not set; see the stages in .chalice/config.json."
        raise Misconfigured(message)
    return value


def _currency(name: str, default: str) -> str:
    text = _text(name, default)
    if not money.is_currency(text):
        message = f"The environment variable {name} is {text!r}; a currency of ISO 4217 in use is needed, such as USD."
        raise Misconfigured(message)
    return text


def _quotas(name: str) -> dict[str, Quota]:
    try:
        return quotas.parse(_text(name, ""))
    except ValueError as error:
        message = f"The environment variable {name} cannot be meant: {error}."
        raise Misconfigured(message) from None


def _level() -> str:
    text = log_level()
    if text not in LOG_LEVELS:
        message = f"The environment variable LOG_LEVEL is {text!r}; one of {', '.join(LOG_LEVELS)} is needed."
        raise Misconfigured(message)
    return text


def _number(name: str, default: int, *, least: int = 1) -> int:
    text = _text(name, str(default))
    if not text.isdecimal() or int(text) < least:
        message = f"The environment variable {name} is {text!r}; a whole number of at least {least} is needed."
        raise Misconfigured(message)
    return int(text)
