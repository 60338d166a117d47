"""The simulator's webhooks: what they look like, how they are signed, and how they are read (P5)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chalicelib.payments import signatures
from chalicelib.payments.models import ProviderEvent, UnreadableEvent

HEADER = "Simulator-Signature"


def write(event: ProviderEvent) -> bytes:
    """The body of a webhook, the same however often it is sent."""
    return msgspec.json.encode(event)


def signed_headers(body: bytes, secret: str, at: int) -> dict[str, str]:
    """The headers that a webhook sent at epoch second `at` comes with."""
    return {"Content-Type": "application/json", HEADER: signatures.sign(body, secret, at)}


def read(body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent:
    """The message in a webhook. Raises `InvalidSignature`, `UnreadableEvent`."""
    signatures.verify(body, signatures.header(headers, HEADER.lower()), now)
    try:
        return msgspec.json.decode(body, type=ProviderEvent)
    except msgspec.DecodeError as error:
        raise UnreadableEvent("The webhook's body is not a message of the simulator.") from error
