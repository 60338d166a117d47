"""Domain events on their way to the bus, where every other system of the shop can listen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients, transport
from chalicelib.core import clock, log, settings
from chalicelib.core.events import Event

SOURCE = "ecommerce"
BATCH_SIZE = 10  # entries of one request
_ATTEMPTS = 3


def publish(events: Sequence[Event]) -> list[Event]:
    """Put at most ten events on the bus; gives those that it did not take after a few tries.

    An event whose answer was lost may be there twice, under the same id.
    """
    left = list(events)
    for attempt in range(_ATTEMPTS):
        if attempt:
            transport.pause(attempt)
        left = _put(left)
        if not left:
            break
    return left


def _put(events: list[Event]) -> list[Event]:
    try:
        answer = clients.events().put_events(Entries=[_entry(event) for event in events])
    except (BotoCoreError, ClientError) as error:
        log.warning("BUS_UNAVAILABLE", error=type(error).__name__)
        return events
    outcomes = zip(events, answer["Entries"], strict=True)
    refused = [(event, entry["ErrorCode"]) for event, entry in outcomes if "ErrorCode" in entry]
    for event, code in refused:
        log.warning("EVENT_REFUSED", eventId=event.id, code=code)
    return [event for event, _ in refused]


def _entry(event: Event) -> Any:
    return {
        "EventBusName": settings.current().event_bus_name,
        "Source": SOURCE,
        "DetailType": event.type,
        "Detail": event.body().decode(),
        "Time": clock.parse(event.timestamp),
    }
