"""Who signed a webhook, and when: `t=<epoch second>,v1=<HMAC-SHA256 in hex>` over `<t>.<raw body>` (P5)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping

from chalicelib.core.errors import Misconfigured
from chalicelib.payments import credentials
from chalicelib.payments.models import InvalidSignature

TOLERANCE_SECONDS = 300
_MAX_LENGTH = 4096  # more than any provider's header has
_DIGITS = 12

Check = Callable[[bytes, str, str], bool]


def sign(body: bytes, secret: str, at: int) -> str:
    """The header of a body signed at epoch second `at`."""
    return f"t={at},v1={_mac(body, secret, str(at))}"


def is_signed_by(body: bytes, header: str, secret: str) -> bool:
    """Does one of the header's signatures fit the secret? In constant time."""
    parts = [part.partition("=") for part in header.split(",")]
    wanted = _mac(body, secret, str(_time(header))).encode()
    return any(hmac.compare_digest(value.encode(), wanted) for name, _, value in parts if name == "v1")


def verify(body: bytes, header: str, now: int, *, check: Check = is_signed_by) -> None:
    """Raise `InvalidSignature` unless the body is signed with one of this stage's webhook secrets.

    Where none fits, they are read again, though not often: one may have been put in since.
    """
    secrets = credentials.get().webhook_secrets
    if not any(secret.strip() for secret in secrets):
        raise Misconfigured("There is no webhookSecret in the payment secret, so no webhook can be trusted.")
    try:
        require_signature(body, header, secrets, now, check=check)
    except InvalidSignature:
        newer = credentials.get(max_age=credentials.ASK_AGAIN_SECONDS).webhook_secrets
        if newer == secrets:
            raise
        require_signature(body, header, newer, now, check=check)


def require_signature(
    body: bytes, header: str, secrets: Iterable[str], now: int, *, check: Check = is_signed_by
) -> None:
    """Raise `InvalidSignature` unless one of the secrets signed the body within five minutes of `now`.

    Several secrets are good while they are being changed; an empty one never is. `check` tells whether one secret
    signed, for a provider whose own library knows that.
    """
    if abs(now - _time(header)) > TOLERANCE_SECONDS:
        raise InvalidSignature("The signature is too old, or from the future.")
    if not any(check(body, header, secret) for secret in secrets if secret.strip()):
        raise InvalidSignature("The signature does not fit.")


def header(headers: Mapping[str, str], name: str) -> str:
    """A header whatever its case, or "" without one."""
    return next((value for each, value in headers.items() if each.lower() == name), "")


def _time(header: str) -> int:
    stamps = [part.removeprefix("t=") for part in header.split(",") if part.startswith("t=")]
    readable = header.isascii() and len(header) <= _MAX_LENGTH and len(stamps) == 1
    if not readable or not stamps[0].isdecimal() or len(stamps[0]) > _DIGITS:
        raise InvalidSignature("There is no readable signature.")
    return int(stamps[0])


def _mac(body: bytes, secret: str, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
