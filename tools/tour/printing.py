"""A request and its answer in a line each, short, and without what only its owner may know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from tools.testing.shop import ShopAnswer

MAX_TEXT = 40
MAX_LINE_LENGTH = 118
MASK = "•••"
_SECRETS = {
    "accessToken", "cartToken", "newPassword", "oldPassword", "password", "refreshToken", "secret", "token",
    "Authorization", "Simulator-Signature", "X-Cart-Token",
}  # fmt: skip
_PAYMENT_TOKEN = "tok_"  # noqa: S105 - how the simulator's tokens begin, which are words that anybody may know
FORM = "fields"  # of an upload, which whoever has them may do
_TOLD = ("ETag", "Allow", "Retry-After", "Idempotent-Replayed", "X-Cart-Token")


def lines(who: str, method: str, path: str, content: Any, headers: dict[str, str], answer: ShopAnswer) -> Iterator[str]:
    """What was sent, and what came."""
    sent = f"{len(content)} bytes" if isinstance(content, bytes) else brief(content)
    yield _line(f"    {who:<5}", method, path, *_said(headers), sent)
    told = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
    yield _line("      →", str(answer.status), *_said(told), _came(answer))


def _said(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {masked(name, value)}" for name, value in headers.items()]


def _line(*parts: str) -> str:
    """One as long as a terminal is wide, at most."""
    line = " ".join(filter(None, parts))
    return line if len(line) <= MAX_LINE_LENGTH else f"{line[: MAX_LINE_LENGTH - 1]}…"


def _came(answer: ShopAnswer) -> str:
    if not answer.text:
        return ""
    try:
        body = json.loads(answer.text)
    except ValueError:
        return f"{answer.headers.get('Content-Type', '')}, {len(answer.text):,} characters"
    if answer.status >= HTTPStatus.BAD_REQUEST and isinstance(body, dict):
        faults = ", ".join(f"{each.get('field')} {each.get('code')}" for each in body.get("errors", ()))
        return " ".join(filter(None, (str(body.get("code")), faults and f"({faults})", str(body.get("detail")))))
    return brief(body)


def brief(value: Any) -> str:
    """The JSON text of a value, without secrets, long texts and long lists."""
    return "" if value is None else json.dumps(shortened(value), ensure_ascii=False)


def shortened(value: Any, name: str = "") -> Any:
    """The same value with less in it."""
    if isinstance(value, dict):
        return MASK if name == FORM else {key: shortened(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return value if len(value) <= 1 and not any(isinstance(each, dict) for each in value) else f"{len(value)} …"
    if isinstance(value, str):
        return masked(name, value) if len(value) <= MAX_TEXT or name in _SECRETS else f"{value[:MAX_TEXT]}…"
    return value


def masked(name: str, value: str) -> str:
    """A text, unless its name says that it is a secret."""
    return MASK if name in _SECRETS and not value.startswith(_PAYMENT_TOKEN) else value
