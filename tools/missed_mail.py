"""Letters about what the mail service told, and the shop could not note: it is noted once more.

EventBridge writes one when it could not call the function, the Lambda service when the function failed each time; both
hold the event. An address is marked by what is told of a mail that was sent to it as it is now, so it may be late.
"""

import importlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.notifications import mail_events
from tools.letters import shaped
from tools.local import functions

JOB = "handle_mail_events"


class _Heard(msgspec.Struct, frozen=True, kw_only=True):
    """An event, as far as it can be handed on."""

    time: datetime
    detail: dict[str, Any]


def is_about(letter: Mapping[str, Any]) -> bool:
    """Does it hold an event of the mail service's?"""
    event = letter.get("requestPayload", letter)
    return isinstance(event, dict) and event.get("source") == mail_events.SOURCE


def make_up(letter: Mapping[str, Any]) -> str | None:
    """Note what was told; gives why its letter has to stay, if it has. Raises `Lost` for one that says too little."""
    event = letter.get("requestPayload", letter)
    shaped(event, _Heard, "it does not say what was told, or when")
    app = importlib.import_module("app")
    try:
        functions.call(getattr(app, JOB), event, functions.context(JOB))
    except functions.FunctionFailed:
        return f"{JOB} failed again; the log above says why."
    return None
