"""What the local AWS tells of mail to the mailbox simulator."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ministack.services import eventbridge, ses_v2

from tests.support.mended import ministack
from tools.local.shims import mailbox_simulator

DESTINATION = {
    "Enabled": True,
    "MatchingEventTypes": ["BOUNCE"],
    "EventBridgeDestination": {"EventBusArn": "arn:aws:events:us-east-1:000000000000:event-bus/default"},
}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the bus has been told."""
    heard: list[dict[str, Any]] = []

    def put(asked: dict[str, Any], *, allow_aws_source: bool = False) -> None:
        assert allow_aws_source
        heard.extend(asked["Entries"])

    monkeypatch.setattr(eventbridge, "_put_events", put)
    monkeypatch.setattr(ses_v2, "_message_rejection", lambda *_: None)
    return heard


def send(to: str, configuration_set: str = "of-the-test") -> None:
    ses_v2._create_config_set("of-the-test", {})
    ses_v2._config_sets["of-the-test"]["EventDestinations"] = {"bus": DESTINATION}
    mail = {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
        "ConfigurationSetName": configuration_set,
        "EmailTags": [{"Name": "correlationId", "Value": "c1"}],
    }
    asked = ("POST", "/v2/email/outbound-emails", {}, json.dumps(mail).encode(), {})
    status, _, _ = asyncio.run(ses_v2.handle_request(*asked))
    assert status == 200
    ses_v2._config_sets.pop("of-the-test")


def test_ministack_still_tells_nobody(told: list[dict[str, Any]]) -> None:
    with ministack():
        send("bounce@simulator.amazonses.com")

    assert told == []


def test_mail_to_the_simulator_comes_back(told: list[dict[str, Any]]) -> None:
    with ministack(mailbox_simulator):
        send("bounce@simulator.amazonses.com")

    (entry,) = told
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], entry["DetailType"]) == ("aws.ses", "Email Bounced")
    assert detail["bounce"]["bouncedRecipients"] == [{"emailAddress": "bounce@simulator.amazonses.com"}]
    assert detail["mail"]["tags"] == {"ses:configuration-set": ["of-the-test"], "correlationId": ["c1"]}


@pytest.mark.parametrize(
    ("to", "configuration_set"),
    [
        ("ada@example.com", "of-the-test"),
        ("complaint@simulator.amazonses.com", "of-the-test"),
        ("bounce@simulator.amazonses.com", "another"),
    ],
)
def test_nobody_is_told_what_no_set_asks_for(told: list[dict[str, Any]], to: str, configuration_set: str) -> None:
    with ministack(mailbox_simulator):
        send(to, configuration_set)

    assert told == []
