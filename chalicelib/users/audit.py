"""The history of a user, read off the images of their item: no change can miss its entry, no secret gets into one."""

from __future__ import annotations

from typing import Any

from chalicelib.users.languages import DEFAULT_LOCALE
from chalicelib.users.models import AuditEntry

# Values that may be shown; of every other field only the name is, for it is a secret or personal.
_OPEN = ("status", "roles", "emailVerified")
_WATCHED = (*_OPEN, "email", "pendingEmail", "firstName", "lastName", "phone", "addresses",
            "locale", "cartReminders", "passwordHash", "erasureAskedAt", "emailMark")  # fmt: skip
_ERASURE = "erasureAskedAt"
# What goes without saying of an item that was written before there was the field.
_OF_OLD = {"locale": DEFAULT_LOCALE, "cartReminders": True}
_NAMES = {"passwordHash": "password", "erasureAskedAt": "erasure", "emailMark": "emailStatus"}
_ACTIONS = {"status": "user.status_changed", "roles": "user.roles_changed", "passwordHash": "user.password_changed",
            "email": "user.email_changed", "emailVerified": "user.email_verified",
            "emailMark": "user.email_marked"}  # fmt: skip


def entry(before: dict[str, Any] | None, after: dict[str, Any]) -> AuditEntry | None:
    """What a change of a user's item says for the history, or None for one that no reader could see."""
    if before is not None and before.get("version") == after.get("version"):
        return None
    changed = _changed(before, after)
    return AuditEntry(
        user_id=after["userId"],
        at=after["updatedAt"],
        actor=after["updatedBy"],
        action=_action(before, after, changed),
        changes={_NAMES.get(name, name): _change(name, before, after) for name in changed},
        reason=after.get("changeReason"),
        correlation_id=after.get("correlationId"),
    )


def changed_fields(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """The names of the fields that a change of a user's item touched, as history tells them."""
    return [_NAMES.get(name, name) for name in _changed(before, after)]


def _changed(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    was = {} if before is None else {**_OF_OLD, **before}
    return [name for name in _WATCHED if was.get(name) != after.get(name)]


def _action(before: dict[str, Any] | None, after: dict[str, Any], changed: list[str]) -> str:
    if before is None:
        return "user.created"
    if not changed:
        return "user.sessions_ended"
    if changed == [_ERASURE]:
        return "user.erasure_asked_for" if after.get(_ERASURE) else "user.erasure_revoked"
    return next((_ACTIONS[name] for name in _ACTIONS if name in changed), "user.updated")


def _change(name: str, before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    if name not in _OPEN:
        return {}
    return {"from": (before or {}).get(name), "to": after.get(name)}
