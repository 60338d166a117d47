"""A watch over what must stay secret: what tests send and the app makes, against all that the app says elsewhere."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends
from msgspec.structs import fields

from chalicelib.auth import accounts, tokens
from chalicelib.core import ids, log, schema
from chalicelib.users.schemas import Address
from chalicelib.webhooks import signatures
from tests.support import stream
from tests.support.table import everything

# Members of a request's body that are secret, wherever in the body they stand.
SECRET_FIELDS = {"password", "oldPassword", "newPassword", "refreshToken"}
# Those that are personal: a mail to the person may say them, and nothing else. Of an address it is every part.
PERSONAL_FIELDS = {"phone", "note", "firstName", "lastName"}
ADDRESS_FIELDS = {field.encode_name for field in fields(Address)} - {"country"}
SHORTEST = 8  # shorter ones would be found by chance


class Watch:
    """Collects secrets and log lines for the length of one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.secrets: set[str] = set()
        self.one_time: set[str] = set()
        self.personal: set[str] = set()
        self.lines: list[str] = []
        self._listen(monkeypatch, ids, "secret", self.secrets)
        self._listen(monkeypatch, tokens, "issue", self.secrets)
        self._listen(monkeypatch, tokens, "new_refresh_token", self.secrets)
        self._listen(monkeypatch, tokens, "successor", self.secrets)
        self._listen(monkeypatch, signatures, "new_secret", self.secrets)
        self._listen(monkeypatch, accounts, "reset_token", self.one_time)
        self._listen(monkeypatch, accounts, "verify_token", self.one_time)
        self._read_bodies(monkeypatch)
        self._read_log(monkeypatch)

    def know(self, other: Watch) -> None:
        """Watch over what another watch heard of, too: of a world that was made in its time."""
        self.secrets.update(other.secrets)
        self.one_time.update(other.one_time)
        self.personal.update(other.personal)

    def check(self) -> None:
        """Fail for a secret in a log line, a history entry or an event, or one that no mail should carry in a mail."""
        said = {"the log": self.lines, "the history": history(), "an event": events(), "a mail": mails()}
        for place, texts in said.items():
            secrets = self.secrets if place == "a mail" else self.secrets | self.one_time | self.personal
            found = {secret for secret in secrets if len(secret) >= SHORTEST and any(secret in t for t in texts)}
            assert not found, f"{place} contains {found}"

    def _listen(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, into: set[str]) -> None:
        original = getattr(module, name)

        def overheard(*arguments: Any, **named: Any) -> Any:
            made = original(*arguments, **named)
            into.add(made)
            return made

        monkeypatch.setattr(module, name, overheard)

    def _read_bodies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = schema.decode

        def overheard(body: Any, shape: Any) -> Any:
            with contextlib.suppress(TypeError, ValueError, RecursionError):
                self._collect(json.loads(body))
            return original(body, shape)

        monkeypatch.setattr(schema, "decode", overheard)

    def _read_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = log._emit

        def overheard(line: dict[str, Any]) -> None:
            self.lines.append(json.dumps(line, default=str))
            original(line)

        monkeypatch.setattr(log, "_emit", overheard)

    def _collect(self, value: Any, name: str = "", *, is_address: bool = False) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                self._collect(each, key, is_address="street" in value)
        elif isinstance(value, list):
            for each in value:
                self._collect(each, name)
        elif isinstance(value, str) and name in SECRET_FIELDS:
            self.secrets.add(value)
        elif isinstance(value, str) and name in (PERSONAL_FIELDS | ADDRESS_FIELDS if is_address else PERSONAL_FIELDS):
            self.personal |= {value, value.strip()}


def history() -> list[str]:
    """Every history entry in the emulated table, as text."""
    return [json.dumps(item, default=str) for key, item in everything().items() if key.pk.startswith("AUDIT#")]


def events() -> list[str]:
    """Every event on the emulated bus, and every delivery to a webhook, as text."""
    queued = [item for key, item in everything().items() if key.sk.startswith("DELIVERY#")]
    return [json.dumps(told, default=str, ensure_ascii=False) for told in [*stream.messages("heard"), *queued]]


def mails() -> list[str]:
    """Every mail sent in the emulated AWS, as text."""
    sent = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages
    return [f"{message.subject} {message.body}" for message in sent]
