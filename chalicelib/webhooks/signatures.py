"""Secrets of endpoints and what is signed by them, after the Standard Webhooks specification.

So receivers can verify with the libraries that exist for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from chalicelib.core import clock
from chalicelib.core.errors import Conflict

_PREFIX = "whsec_"
_BYTES = 32
_OVERLAP = timedelta(hours=24)  # in which a secret that was replaced still signs
_MAX_SECRETS = 5


class TooManySecrets(Conflict):
    """So many secrets are being replaced at once that the next one would have to end one before its time."""

    code = "too_many_secrets"


class Secret(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A secret of an endpoint, and until when it signs if it was replaced."""

    value: str
    until: str | None = None

    def __repr__(self) -> str:
        return "Secret(…)"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The secrets of an endpoint, newest first; `version` counts the rotations."""

    secrets: tuple[Secret, ...]
    version: int

    @classmethod
    def create(cls) -> Secrets:
        """The first secret of an endpoint."""
        return cls(secrets=(Secret(value=new_secret()),), version=1)

    @property
    def newest(self) -> str:
        """The secret to be shown, once."""
        return self.secrets[0].value

    @property
    def signing(self) -> tuple[str, ...]:
        """Those that sign at present."""
        return tuple(secret.value for secret in self._live())

    def rotated(self) -> Secrets:
        """With a fresh secret, beside which the others sign for another day. Raises `TooManySecrets`."""
        live = self._live()
        if len(live) >= _MAX_SECRETS:
            raise TooManySecrets("This secret was replaced too often; wait until the first of the old ones has ended.")
        until = clock.timestamp(clock.now() + _OVERLAP)
        old = tuple(msgspec.structs.replace(secret, until=secret.until or until) for secret in live)
        return Secrets(secrets=(Secret(value=new_secret()), *old), version=self.version + 1)

    def _live(self) -> tuple[Secret, ...]:
        now = clock.timestamp()
        return tuple(secret for secret in self.secrets if secret.until is None or secret.until > now)


def new_secret() -> str:
    """A fresh secret in the form that receivers know: `whsec_` and 256 random bits in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(message_id: str, body: bytes, *, at: int, by: Iterable[str]) -> dict[str, str]:
    """What goes with a body sent at that epoch second, signed by each of these secrets."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = " ".join(f"v1,{_signature(signed, secret)}" for secret in by)
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signatures}


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
