"""A stage's settings as a value, and what each of them may be."""

from __future__ import annotations

import re
from dataclasses import fields

import msgspec

from chalicelib.core import quotas
from chalicelib.core.quotas import Quota
from chalicelib.core.settings import Settings
from tools.refusal import Refusal
from tools.stages import edge, foundation

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
PROVIDERS = ("stripe", "simulator", "simulator-http")
NOT_DEPLOYED = ("local", "test")
# No hyphen: ecommerce-<stage>-authorize could be another stage's. 20 characters: a bucket's name has an account, too.
NAME = re.compile(r"[a-z][a-z0-9]{1,19}")
ADDRESS = r"[^@\s]+@[^@\s]+"
# What a text has to look like, and how to say so.
TEXTS = {
    "account": (r"(\d{12})?", "has 12 digits, or is empty"),
    "region": (r"([a-z]+-[a-z-]+-\d)?", "is a region such as eu-central-1, or empty"),
    "python": (r"3\.1[123]", "is one of 3.11, 3.12, 3.13"),
    "deployment_preference": (
        r"AllAtOnce|Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1Minute|(2|3|10)Minutes)",
        "is a configuration of CodeDeploy, such as AllAtOnce or Canary10Percent5Minutes",
    ),
    "mail_from": (ADDRESS, "is an address of mail"),
    "alert_email": (rf"({ADDRESS})?", "is an address of mail, or empty"),
    "cors_origin": (
        r"\*|https?://[^/\s]+",
        'is an origin such as https://shop.example.com, without a slash at the end, or "*"',
    ),
    "table_name": (r"[A-Za-z0-9_.-]{3,255}", "is a name that DynamoDB takes"),
    "jwt_secret_name": (r"[A-Za-z0-9/_+=.@-]{1,500}", "is a name that Secrets Manager takes"),
    "payment_secret_name": (r"[A-Za-z0-9/_+=.@-]{1,500}", "is a name that Secrets Manager takes"),
}
# What the app is told that stands elsewhere in the file, or that only the account knows.
_FROM_ELSEWHERE = {
    "STAGE", "TABLE_NAME", "JWT_SECRET_NAME", "PAYMENT_SECRET_NAME", "EVENT_BUS_NAME", "MAIL_FROM", "CORS_ORIGIN",
    "ALERT_TOPIC_ARN", "RATE_LIMITS",
}  # fmt: skip
_OF_THE_APP = {each.name.upper() for each in fields(Settings)} | {
    "USER_MANAGEMENT_AUTH", "WEBHOOK_RECEIVERS", "STOREFRONT_URL", "CONSOLE_URL",
}  # fmt: skip


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often something may be done, instead of what the app says by itself."""

    most: int
    seconds: int

    @property
    def quota(self) -> Quota:
        """The same, to the app."""
        return Quota(self.most, self.seconds)


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs between this stage and others; all else follows from its name."""

    name: str
    account: str
    region: str
    python: str
    deployment_preference: str
    mail_from: str
    mail_identity: str
    owns_mail_identity: bool
    alert_email: str
    cors_origin: str
    is_protected: bool
    log_days: int
    requests_per_second: int
    burst: int
    table_name: str
    jwt_secret_name: str
    payment_secret_name: str
    app_settings: dict[str, str | int] = msgspec.field(name="environment")
    reserved_concurrency: dict[str, int]
    own_tags: dict[str, str] = msgspec.field(name="tags")
    rate_limits: dict[str, RateLimit] = {}
    foundation: foundation.Foundation = foundation.Foundation()
    edge: edge.Edge = edge.Edge()

    @property
    def stack(self) -> str:
        """The stack of the functions and the API."""
        return f"ecommerce-{self.name}"

    @property
    def resources_stack(self) -> str:
        """The stack of what must never be lost."""
        return f"ecommerce-{self.name}-resources"

    @property
    def signs_mail(self) -> bool:
        """Is SES told of a whole domain, whose mail it then signs?"""
        return "@" not in self.mail_identity

    @property
    def payment_provider(self) -> str:
        """Who takes the money."""
        return str(self.app_settings.get("PAYMENT_PROVIDER"))

    @property
    def quotas(self) -> dict[str, Quota]:
        """The limits that the stage changes, by name."""
        return {name: limit.quota for name, limit in sorted(self.rate_limits.items())}

    @property
    def tags(self) -> dict[str, str]:
        """The tags of all that the stage has."""
        return {**self.own_tags, "Project": "ecommerce", "Stage": self.name}

    @property
    def environment(self) -> dict[str, str]:
        """The app's variables, but for those that only the account knows."""
        return {
            "STAGE": self.name,
            "TABLE_NAME": self.table_name,
            "JWT_SECRET_NAME": self.jwt_secret_name,
            "PAYMENT_SECRET_NAME": self.payment_secret_name,
            "EVENT_BUS_NAME": f"ecommerce-{self.name}",
            "MAIL_FROM": self.mail_from,
            "CORS_ORIGIN": self.cors_origin,
            **({"RATE_LIMITS": quotas.spell(self.quotas)} if self.rate_limits else {}),
            **{name: str(value) for name, value in self.app_settings.items()},
        }


def require_sound(stage: Stage) -> None:
    """Refuse a stage with a value that cannot be meant, in a sentence that begins with its key."""
    faults = [sentence for is_sound, sentence in _judgements(stage) if not is_sound]
    if faults:
        raise Refusal(faults[0])


def _judgements(stage: Stage) -> list[tuple[bool, str]]:
    return [
        *((re.fullmatch(like, getattr(stage, key)) is not None, f"{key} {so}.") for key, (like, so) in TEXTS.items()),
        (
            stage.mail_identity in (stage.mail_from, stage.mail_from.rpartition("@")[2]),
            "mail_identity is the address that mail_from says, or its domain.",
        ),
        (stage.log_days in LOG_DAYS, f"log_days is one of {', '.join(map(str, LOG_DAYS))}."),
        (stage.requests_per_second > 0, "requests_per_second is more than 0."),
        (stage.burst > 0, "burst is more than 0."),
        (all(each > 0 for each in stage.reserved_concurrency.values()), "reserved_concurrency is more than 0 each."),
        *_judgements_of_settings(stage),
        *_judgements_of_limits(stage),
        *foundation.judgements(stage.foundation, stage.reserved_concurrency, stage.payment_provider),
        *edge.judgements(stage.edge),
    ]


def _judgements_of_settings(stage: Stage) -> list[tuple[bool, str]]:
    given, provider = set(stage.app_settings), stage.payment_provider
    elsewhere, unknown = _FROM_ELSEWHERE & given, given - _OF_THE_APP - _FROM_ELSEWHERE
    return [
        (provider in PROVIDERS, f"environment.PAYMENT_PROVIDER is one of {', '.join(PROVIDERS)}."),
        (stage.name != "prod" or provider == "stripe", "environment.PAYMENT_PROVIDER of prod is stripe."),
        (not elsewhere, f"environment says {min(elsewhere, default='')}, which follows from the rest of the file."),
        (not unknown, f"environment says {min(unknown, default='')}, which is no setting of the app."),
    ]


def _judgements_of_limits(stage: Stage) -> list[tuple[bool, str]]:
    faults = [quotas.fault_of(name, quota) for name, quota in stage.quotas.items()]
    return [(not fault, f"rate_limits.{fault}.") for fault in faults]
