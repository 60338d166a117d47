"""What the payment provider knows this shop by, from one secret that is cached for some minutes.

The secret is `{"apiKey": "…", "webhookSecret": "…" or ["…", "…"]}`; several webhook secrets are all good while one
is being replaced by the next.
"""

from __future__ import annotations

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import log, settings
from chalicelib.core.cached import Cached
from chalicelib.core.errors import Misconfigured, Unavailable

CACHE_SECONDS = 300
ASK_AGAIN_SECONDS = 10
_UNSET = ("", "not-set")  # what infra/template.yaml creates the secret with


class ProviderCredentials(msgspec.Struct, frozen=True, rename="camel"):
    """The provider's API key, and the secrets that its webhooks may be signed with; never to be shown."""

    api_key: str = ""
    webhook_secret: str | list[str] = ""

    @property
    def webhook_secrets(self) -> list[str]:
        """Every secret that a webhook may be signed with now."""
        return [self.webhook_secret] if isinstance(self.webhook_secret, str) else self.webhook_secret

    def __repr__(self) -> str:
        return "ProviderCredentials(…)"


def get(*, max_age: float | None = None) -> ProviderCredentials:
    """The credentials as read some minutes ago at most, or `max_age` seconds.

    When the store does not answer, known ones stay in use. Raises `Misconfigured` when there are none, `Unavailable`
    when the store never answered.
    """
    return _credentials.get(max_age=max_age)


def api_key() -> str:
    """The key to call the provider with. Raises `Misconfigured` while nobody has put it into the secret."""
    key = get().api_key
    if key in _UNSET:
        message = f"The secret {settings.current().payment_secret_name} has no apiKey; put the provider's into it."
        raise Misconfigured(message)
    return key


def forget() -> None:
    """Drop the cache, so that the next use reads the secret again."""
    _credentials.forget()


def _read() -> ProviderCredentials:
    name = settings.current().payment_secret_name
    try:
        answer = clients.secretsmanager().get_secret_value(SecretId=name)
        return msgspec.json.decode(answer["SecretString"], type=ProviderCredentials)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            raise clients.unanswered() from error
        problem = "does not exist"
    except BotoCoreError as error:
        raise clients.unanswered() from error
    except (KeyError, msgspec.DecodeError):
        problem = "is not what a payment secret looks like"
    message = f"The secret {name} {problem}; see docs/deploying.md."
    raise Misconfigured(message)


_credentials = Cached(
    _read,
    seconds=CACHE_SECONDS,
    keep_stale_on=Unavailable,
    on_stale=lambda: log.warning("PAYMENT_SECRET_STORE_SILENT"),
)
