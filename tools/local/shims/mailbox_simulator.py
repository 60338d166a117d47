"""ministack tells nobody what became of a mail; SES tells the event destinations of the mail's configuration set.

Only what the mailbox simulator's addresses stand for can be told here: mail to bounce@simulator.amazonses.com comes
back, complaint@simulator.amazonses.com complains.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, ses_v2

OK = 200
SENT = "/outbound-emails"


def apply() -> None:
    """Tell the bus of mail to the simulator, where a configuration set asks for that."""
    handle = ses_v2.handle_request

    async def handle_and_tell(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        if method == "POST" and path.endswith(SENT) and answer[0] == OK:
            _tell(json.loads(body), json.loads(answer[2])["MessageId"])
        return answer

    ses_v2.handle_request = handle_and_tell


def _tell(asked: Mapping[str, Any], message_id: str) -> None:
    name, now = asked.get("ConfigurationSetName", ""), datetime.now(UTC).isoformat(timespec="milliseconds")
    tags = {each["Name"]: [each["Value"]] for each in asked.get("EmailTags", [])}
    destination = asked.get("Destination", {}).get("ToAddresses", [])
    mail = {
        "timestamp": now,
        "messageId": message_id,
        "source": asked.get("FromEmailAddress"),
        "destination": destination,
        "tags": {**tags, "ses:configuration-set": [name]},
    }
    for address in destination:
        kind, detail_type, told = _what_becomes_of(address, now)
        if kind and _is_wanted(name, kind):
            detail = json.dumps({"eventType": kind.capitalize(), "mail": mail, **told})
            entry = {"Source": "aws.ses", "DetailType": detail_type, "Detail": detail}
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001


def _what_becomes_of(address: str, now: str) -> tuple[str, str, dict[str, Any]]:
    """The kind of event, its name on the bus, and what it tells; nothing of mail to anybody else."""
    recipients = [{"emailAddress": address}]
    match address:
        case "bounce@simulator.amazonses.com":
            bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": recipients}
            return "BOUNCE", "Email Bounced", {"bounce": {**bounce, "timestamp": now}}
        case "complaint@simulator.amazonses.com":
            complaint = {"complainedRecipients": recipients, "complaintFeedbackType": "abuse", "timestamp": now}
            return "COMPLAINT", "Email Complaint Received", {"complaint": complaint}
    return "", "", {}


def _is_wanted(name: str, kind: str) -> bool:
    """Does the set tell the bus of such events?"""
    destinations = ses_v2._config_sets.get(name, {}).get("EventDestinations", {})  # noqa: SLF001
    return any(
        each.get("Enabled") and kind in each.get("MatchingEventTypes", []) and "EventBridgeDestination" in each
        for each in destinations.values()
    )
