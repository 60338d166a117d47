"""Dead letters: records that were given up, kept whole in a queue until somebody has mended the cause (E2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import clock, log, settings
from chalicelib.core.errors import Unavailable


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A record that was given up: the record itself as it was delivered, why, when, and after how many tries."""

    record: dict[str, Any]
    error: str
    tries: int
    given_up_at: str


def send(record: Mapping[str, Any], error: Exception, *, tries: int) -> None:
    """Put a record into the dead-letter queue, or raise `Unavailable`."""
    why = f"{type(error).__name__}: {error}"[:500]
    letter = DeadLetter(record=dict(record), error=why, tries=tries, given_up_at=clock.timestamp())
    body = msgspec.json.encode(letter).decode()
    try:
        clients.sqs().send_message(QueueUrl=settings.current().dead_letter_queue_url, MessageBody=body)
    except (BotoCoreError, ClientError) as failure:
        raise Unavailable("The dead-letter queue refused or did not answer.") from failure
    log.error("RECORD_GIVEN_UP", eventId=str(record.get("eventID")), error=type(error).__name__, tries=tries)
    log.metric("DeadLetter")
