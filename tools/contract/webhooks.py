"""The webhooks that the shop sends, from the shapes of its events."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.core.events import Event, type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from tools import events

Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_HEADERS = {
    "webhook-id": "The id of the event; it may come more than once.",
    "webhook-timestamp": "When this was sent, in seconds since 1970.",
    "webhook-signature": "Signatures after Standard Webhooks, one for each secret that is in use.",
}


def schemas() -> Json:
    """The schema of each type of event in one piece, which generators of clients read better, and their parts."""
    parts = {name: _referred(each) for name, each in events.schema()["$defs"].items()}
    envelope = parts.pop(Event.__name__)
    return {name: _in_one_piece(each, envelope) if "allOf" in each else each for name, each in parts.items()}


def _in_one_piece(part: Json, envelope: Json) -> Json:
    """An event's schema, which was the envelope's and what it says itself."""
    own = part["allOf"][1]
    told = {"title": part["title"], "properties": {**envelope["properties"], **own["properties"]}}
    return {**envelope, **told}


def operations() -> Json:
    """What the shop sends to those who registered for it, by the type of event."""
    return {type_of(kind): {"post": _operation(type_of(kind), events.WHEN[kind], kind)} for kind in EVENT_SCHEMAS}


def _operation(name: str, when: str, kind: Any) -> Json:
    body = {"schema": {"$ref": _SCHEMAS + name}, "example": _example(kind)}
    return {
        "operationId": f"on.{name}",
        "tags": ["Webhooks"],
        "summary": name,
        "description": when,
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for header, words in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body["schema"], "example": body["example"]}},
        },
        "responses": {"2XX": {"description": "Received; anything else is sent again for three days."}},
        "security": [],
    }


def _example(kind: Any) -> Any:
    return json.loads(events.example(kind).body())


def _referred(part: Any) -> Any:
    """The part with references as they are in a document of OpenAPI."""
    if isinstance(part, list):
        return [_referred(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    made = {name: _referred(inner) for name, inner in part.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/$defs/", _SCHEMAS)
    return made
