"""The signing keys: the current and the previous version of one secret, cached for some minutes.

Secrets Manager keeps both versions under the labels AWSCURRENT and AWSPREVIOUS, so a rotation invalidates
nothing that was signed before it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.cached import Cached
from chalicelib.core.errors import Misconfigured, Unavailable

CACHE_SECONDS = 300
_ASK_AGAIN_SECONDS = 10
_MIN_LENGTH = 32
MAC_LENGTH = 32  # hex digits: 128 bits, enough against forging and short enough for an address


class SigningKey(msgspec.Struct, frozen=True, rename="camel"):
    """One version of the secret: its public name, at least 256 bits of key, and when to begin signing with it."""

    kid: str
    secret: str
    active_from: int = 0


def get_keys() -> tuple[SigningKey, ...]:
    """The current key first, then the previous one if there is one.

    When the store does not answer, keys already known stay in use.
    """
    return _keys.get()


def get_key(kid: str) -> SigningKey | None:
    """The key of that name, or None; one that is not known yet may be read now."""
    return _find(lambda key: key.kid == kid)


def get_signing_key() -> SigningKey:
    """The key to sign with: the current one once every process has had time to learn of it, else the previous."""
    both = get_keys()
    fresh = both[0].active_from > clock.epoch() and len(both) > 1
    return both[1] if fresh else both[0]


def seal(text: str, *, purpose: str) -> str:
    """A keyed fingerprint of `text` under the signing key; `purpose` keeps uses apart."""
    return _mac(get_signing_key(), text, purpose)


def is_sealed(text: str, mac: str, *, purpose: str) -> bool:
    """Did this shop seal `text` for that purpose? Accepts the previous key; constant time."""
    return _find(lambda key: hmac.compare_digest(_mac(key, text, purpose).encode(), mac.encode())) is not None


def seal_that(fits: Callable[[str], bool], text: str, *, purpose: str) -> str | None:
    """Our seal of `text` that fits, under whichever key it was made, or None."""
    key = _find(lambda key: fits(_mac(key, text, purpose)))
    return None if key is None else _mac(key, text, purpose)


def _find(fits: Callable[[SigningKey], bool]) -> SigningKey | None:
    """The first key that fits; where none does, the store is asked again, though not often."""
    found = next(filter(fits, get_keys()), None)
    return found or next(filter(fits, _keys.get(max_age=_ASK_AGAIN_SECONDS, keep_stale=False)), None)


def forget() -> None:
    """Drop the cache, so that the next use reads the secret again."""
    _keys.forget()


def new_version(active_from: int, *, kid: str) -> str:
    """A new version of the secret, to be signed with from that second on."""
    return msgspec.json.encode(
        SigningKey(kid=kid, secret=ids.secret() + ids.secret(), active_from=active_from)
    ).decode()


def _mac(key: SigningKey, text: str, purpose: str) -> str:
    return hmac.new(key.secret.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()[:MAC_LENGTH]


def _read() -> tuple[SigningKey, ...]:
    current = _version("AWSCURRENT")
    if current is None:
        message = f"The secret {settings.current().jwt_secret_name} has no current version."
        raise Misconfigured(message)
    previous = _version("AWSPREVIOUS")
    return (current,) if previous is None else (current, previous)


def _version(label: str) -> SigningKey | None:
    name = settings.current().jwt_secret_name
    try:
        answer = clients.secretsmanager().get_secret_value(SecretId=name, VersionStage=label)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return None
        raise clients.unanswered() from error
    except BotoCoreError as error:
        raise clients.unanswered() from error
    return parse(answer["SecretString"])


def parse(secret_string: str) -> SigningKey:
    """A version of the secret, or `Misconfigured` when it is not a key of at least 256 bits."""
    name = settings.current().jwt_secret_name
    try:
        key = msgspec.json.decode(secret_string, type=SigningKey)
    except msgspec.DecodeError as error:
        message = f"The secret {name} is not a signing key."
        raise Misconfigured(message) from error
    if len(key.secret) < _MIN_LENGTH:
        message = f"The secret {name} is shorter than {_MIN_LENGTH} characters."
        raise Misconfigured(message)
    return key


_keys = Cached(
    _read,
    seconds=CACHE_SECONDS,
    keep_stale_on=Unavailable,
    on_stale=lambda: log.warning("KEY_STORE_SILENT"),
)
