"""Counts what requests cost at DynamoDB, and sends them to the engine that is being measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from chalicelib.aws import clients, keyring, rate_limits

_READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
_ASKED = "ReturnConsumedCapacity"
_SIGNING_KEY = json.dumps({"kid": "bench", "secret": "s" * 64})


@dataclass(frozen=True)
class Cost:
    """The operations that one request makes, in order, and the capacity units that they take of table and indexes."""

    calls: tuple[str, ...]
    read: float
    written: float

    @property
    def numbers(self) -> str:
        """Calls, read units and write units."""
        return f"{len(self.calls)} | {self.read:g} | {self.written:g}"

    @property
    def operations(self) -> str:
        """The operations, equal ones together."""
        counted = Counter(self.calls).items()
        return ", ".join(name if number == 1 else f"{number} {name}" for name, number in counted)


class Meter:
    """Stands between the app and DynamoDB, on the hooks of the app's own client."""

    def __init__(self) -> None:
        self.url = ""
        self._calls: list[tuple[str, float]] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Every call to DynamoDB goes to `url`; the signing key is always the same one."""
        _forget()
        on = clients.dynamodb().meta.events.register
        on("before-sign.dynamodb", self._direct)
        on("provide-client-params.dynamodb", self._ask)
        on("after-call.dynamodb", self._note)
        clients.secretsmanager().meta.events.register("before-call.secrets-manager", _give_key)
        try:
            yield
        finally:
            _forget()

    def cost(self, request: Callable[[], object], *, knowing: bool = False) -> Cost:
        """What the request cost, as an instance makes it that knows nothing of its caller's limits, or knows them."""
        if not knowing:
            rate_limits.memory.forget()
        self._calls.clear()
        request()
        read = sum(units for name, units in self._calls if name in _READS)
        written = sum(units for name, units in self._calls if name not in _READS)
        return Cost(tuple(name for name, _ in self._calls), read, written)

    def _direct(self, request: AWSRequest, **_: Any) -> None:
        request.url = f"{self.url}/"

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        return {**params, _ASKED: "TOTAL"} if _ASKED in model.input_shape.members else params

    def _note(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        each = consumed if isinstance(consumed, list) else [consumed]
        self._calls.append((model.name, sum(part["CapacityUnits"] for part in each)))


def _give_key(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse("", 200, {}, None), {"SecretString": _SIGNING_KEY}


def _forget() -> None:
    clients.forget()
    keyring.forget()
