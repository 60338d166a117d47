"""Letters about mail events that were given up, and what a redrive makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.aws import clients
from chalicelib.core import settings
from chalicelib.users import service, store
from tests.support.mail_events import Event, bounced
from tests.support.stream import raw_messages
from tools import redrive
from tools.testing.shop import Shop

QUEUE = "ecommerce-test-dead-letters"
ADA = "ada@example.com"


def by_the_bus(event: Event) -> dict[str, Any]:
    """EventBridge could not call the function."""
    return event


def by_lambda(event: Event) -> dict[str, Any]:
    """The function failed each time."""
    return {
        "version": "1.0",
        "requestContext": {"functionArn": "arn:aws:lambda:us-east-1:123456789012:function:x:live"},
        "requestPayload": event,
        "responsePayload": {"errorType": "Unavailable"},
    }


def put(letter: dict[str, Any]) -> None:
    clients.sqs().send_message(QueueUrl=settings.current().dead_letter_queue_url, MessageBody=json.dumps(letter))


@pytest.mark.parametrize("written", [by_the_bus, by_lambda])
def test_a_bounce_that_could_not_be_noted_is_noted(ada: Shop, written: Any) -> None:
    put(written(bounced(ADA)))

    assert redrive.redrive() == 0

    user = store.get_by_email(ADA)
    assert user
    assert user.email_status == "bounced"
    assert raw_messages(QUEUE) == []


@pytest.mark.parametrize("event", [{"source": "aws.ses"}, {"source": "aws.ses", "time": "now", "detail": {}}])
def test_a_letter_that_says_too_little_stays(ada: Shop, event: Event, capsys: pytest.CaptureFixture[str]) -> None:
    put(event)

    assert redrive.redrive() == 1

    assert "it does not say what was told, or when" in capsys.readouterr().err
    assert len(raw_messages(QUEUE)) == 1


def test_one_that_fails_again_stays(ada: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(service, "mark_email", broken)
    put(bounced(ADA))

    assert redrive.redrive() == 1
    assert len(raw_messages(QUEUE)) == 1
