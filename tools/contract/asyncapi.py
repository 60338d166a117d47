"""The events that the shop tells, as a document of AsyncAPI 3: on the bus, and to webhooks."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.api import versions
from chalicelib.core.events import type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from tools import events
from tools.contract import webhooks

Json = dict[str, Any]

_WORDS = (
    "What happens in the shop, told in one envelope. An event may come more than once, under the same id; "
    "docs/events.md says in which order events are to be put."
)
_INFO: Json = {
    "title": "ecommerce-api events", "description": _WORDS, "license": {"name": "MIT"}, "tags": [{"name": "shop"}],
}  # fmt: skip
_BUS: Json = {
    "address": "ecommerce-{stage}",
    "description": "A bus of EventBridge: the source is `ecommerce`, the detail-type the type of the event.",
    "parameters": {"stage": {"description": "The stage of the shop, such as prod."}},
}
_WEBHOOKS: Json = {
    "address": None,  # whatever was registered
    "description": "A POST to every address that was registered by `POST /webhooks` for this type.",
}


def document() -> Json:
    """The document."""
    kinds = [type_of(kind) for kind in EVENT_SCHEMAS]
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in kinds}
    return {
        "asyncapi": "3.1.0",
        "info": {**_INFO, "version": versions.API},
        "defaultContentType": "application/json",
        "channels": {"bus": {**_BUS, "messages": messages}, "webhooks": {**_WEBHOOKS, "messages": messages}},
        "operations": {
            "publish": _told("bus", "Told on the bus, once a change is written."),
            "deliver": _told("webhooks", "Sent to whoever registered; again for three days, until it is received."),
        },
        "components": {
            "messages": {type_of(kind): _message(type_of(kind), kind) for kind in EVENT_SCHEMAS},
            "schemas": webhooks.schemas(),
        },
    }


def _told(channel: str, words: str) -> Json:
    return {"action": "send", "description": words, "channel": {"$ref": f"#/channels/{channel}"}}


def _message(name: str, kind: Any) -> Json:
    return {
        "name": name,
        "title": name,
        "summary": events.WHEN[kind],
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/correlationId"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"name": "one", "payload": json.loads(events.example(kind).body())}],
    }
