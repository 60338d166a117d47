"""Letters about scheduled runs that were given up, and what a redrive makes of them."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws import clients, db, keys
from chalicelib.cart import abandoned
from chalicelib.core import clock, settings
from tests.support.stream import raw_messages
from tools import redrive
from tools.testing.shop import Shop

QUEUE = "ecommerce-test-dead-letters"
# The functions' names as a template's, in the names that CloudFormation makes of them.
LOGICAL = {
    "run_scheduled_work": "RunScheduledWork",
    "deliver_webhooks": "DeliverWebhooks",
    "check_store": "CheckStore",
    "remind_of_carts": "RemindOfCarts",
    "summarise_sales": "SummariseSales",
}


def event(job: str, *, hours_ago: float = 1, name: str | None = None) -> dict[str, Any]:
    """What the rule of a function sends, which EventBridge writes as it is when it cannot call."""
    rule = name or f"ecommerce-prod-{LOGICAL[job]}{LOGICAL[job]}Event-1AB2CD3EF4"
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": (clock.now() - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:123456789012:rule/{rule}"],
        "detail": {},
    }


def given_up(job: str, **more: Any) -> dict[str, Any]:
    """What the Lambda service writes of a call that failed each time."""
    function = f"ecommerce-prod-{LOGICAL[job]}-Zx9Yw8Vu7:live"
    return {
        "version": "1.0",
        "timestamp": clock.timestamp(),
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event(job, **more),
        "responseContext": {"statusCode": 200, "executedVersion": "4", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no", "errorType": "KeyError", "stackTrace": []},
    }


def put(*letters: dict[str, Any]) -> None:
    for letter in letters:
        clients.sqs().send_message(QueueUrl=settings.current().dead_letter_queue_url, MessageBody=json.dumps(letter))


def reports() -> int:
    return len(db.query(db.TABLE, keys.store_report("").pk, limit=10).items)


def broken(*_: object, **__: object) -> None:
    raise KeyError


@pytest.mark.parametrize("written_by", [event, given_up])
def test_a_summary_of_sales_that_was_given_up_is_written(ada: Shop, mug: str, written_by: Any) -> None:
    with clock.fixed(clock.now() - timedelta(days=1)):
        ada.login().order((mug, 1)).expect(201)
    yesterday = clock.timestamp(clock.now() - timedelta(days=1))[:10]
    put(written_by("summarise_sales"))

    assert redrive.redrive() == 0

    assert raw_messages(QUEUE) == []
    assert db.get(keys.sales_report(yesterday))


@pytest.mark.usefixtures("aws")
def test_reminders_are_made_up_for_the_instant_that_they_were_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def remind(*, at: str, **_: float) -> dict[str, int]:
        asked.append(at)
        return {}

    monkeypatch.setattr(abandoned, "remind", remind)
    letter = event("remind_of_carts", hours_ago=5)
    put(letter)

    assert redrive.redrive() == 0

    assert asked == [letter["time"]]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("job", ["run_scheduled_work", "deliver_webhooks"])
def test_the_work_of_a_minute_is_left_to_the_next(monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    monkeypatch.setattr("chalicelib.orders.sweep.run", broken)
    monkeypatch.setattr("chalicelib.webhooks.service.deliver", broken)
    put(event(job), given_up(job))

    assert redrive.redrive() == 0

    assert raw_messages(QUEUE) == []


@pytest.mark.usefixtures("aws")
def test_an_audit_is_made_up_for_unless_there_was_one_since() -> None:
    put(given_up("check_store"), event("check_store", hours_ago=2))
    assert redrive.redrive() == 0
    assert reports() == 1

    put(given_up("check_store", hours_ago=1))
    assert redrive.redrive() == 0
    assert reports() == 1


@pytest.mark.usefixtures("aws")
def test_a_run_that_fails_again_stays_and_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chalicelib.reports.sales.run", broken)
    put(event("summarise_sales"))

    assert redrive.redrive() == 1

    said = capsys.readouterr()
    assert "summarise_sales failed again; the log above says why." in said.err
    assert '"FUNCTION_FAILED"' in said.out
    assert "0 letters handled, 1 failed again and stay in the queue." in said.out


@pytest.mark.usefixtures("aws")
def test_a_run_that_leaves_something_undone_stays_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.reports.sales.run", lambda **_: {"written": 0, "failed": 1})

    why = redrive._why_it_stays(json.dumps(event("summarise_sales")))

    assert why == "summarise_sales could not do all; the log above says why."


@pytest.mark.usefixtures("aws")
def test_a_rule_of_a_plain_deployment_is_understood_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.orders.sweep.run", broken)

    assert redrive._why_it_stays(json.dumps(event("check_store", name="ecommerce-dev-check_store-event"))) is None


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("requestPayload", None), ("requestPayload", {}), ("requestPayload.time", "soon"),
        ("requestPayload.time", "2026-11-21T09:30:00"), ("requestPayload.resources", "all"), ("requestContext", []),
        ("requestContext.functionArn", 1),
    ],
)  # fmt: skip
def test_a_letter_that_does_not_say_which_run_stays_and_is_one_sentence(path: str, value: Any) -> None:
    letter = copy.deepcopy(given_up("check_store"))
    *way, last = path.split(".")
    inner = letter
    for step in way:
        inner = inner[step]
    inner[last] = value

    why = redrive._why_it_stays(json.dumps(letter))

    assert why
    assert why.startswith("This is not a letter that the shop understands: it ")
    assert reports() == 0


@pytest.mark.usefixtures("aws")
def test_a_rule_that_is_none_of_the_shops_stays() -> None:
    why = redrive._why_it_stays(json.dumps(event("check_store", name="somebody-elses")))

    assert why
    assert "it names no scheduled function" in why
