"""Where scheduled runs go that could not be called or failed: kept by what is deployed, and allowed to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.packaging import exported, network, properties
from tools.local.schedule import Timetable
from tools.package import schedules

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

NAMES = sorted(schedules.FUNCTIONS)
BY_EVENTS = "HandleMailEvents"
SCHEDULED = [name for name in NAMES if name != BY_EVENTS]


def event_of(template: dict[str, Any], name: str) -> dict[str, Any]:
    (event,) = properties(template, name)["Events"].values()
    assert event["Type"] == ("EventBridgeRule" if name == BY_EVENTS else "Schedule")
    return dict(event["Properties"])


@network
def test_every_scheduled_function_is_known(template: dict[str, Any]) -> None:
    functions = (n for n, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function")
    events = {name: properties(template, name).get("Events", {}).values() for name in functions}

    assert sorted(n for n, all_of in events.items() if any(e["Type"] == "Schedule" for e in all_of)) == SCHEDULED


@network
@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_given_up_is_kept_by_lambda_and_by_the_rule(template: dict[str, Any], name: str) -> None:
    asked, event = properties(template, name)["EventInvokeConfig"], event_of(template, name)

    destination = asked["DestinationConfig"]["OnFailure"]
    assert (destination["Type"], destination["Destination"]) == ("SQS", exported("DeadLetterQueueArn"))
    assert event["DeadLetterConfig"] == {"Arn": exported("DeadLetterQueueArn")}
    assert event["Pattern" if name == BY_EVENTS else "Schedule"]


@network
def test_a_stage_hears_of_its_own_mail_alone(template: dict[str, Any]) -> None:
    assert event_of(template, BY_EVENTS)["Pattern"] == {
        "source": ["aws.ses"],
        "detail-type": ["Email Bounced", "Email Complaint Received", "Email Rejected"],
        "detail": {"mail": {"tags": {"ses:configuration-set": ["ecommerce-prod"]}}},
    }


@network
@pytest.mark.parametrize("name", SCHEDULED)
def test_no_run_is_tried_again_for_longer_than_until_the_next_one(template: dict[str, Any], name: str) -> None:
    asked, event = properties(template, name)["EventInvokeConfig"], event_of(template, name)
    seconds = Timetable.of(event["Schedule"]).step.total_seconds()

    assert asked["MaximumEventAgeInSeconds"] <= seconds
    assert event["RetryPolicy"]["MaximumEventAgeInSeconds"] <= seconds
    assert (asked["MaximumRetryAttempts"] > 0) is (seconds > 60)


@network
@pytest.mark.parametrize("name", NAMES)
def test_its_role_may_put_it_there_and_into_no_other_queue(template: dict[str, Any], name: str) -> None:
    role = properties(template, properties(template, name)["Role"]["Fn::GetAtt"][0])

    granted = [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if any(action.startswith("sqs:") for action in statement["Action"])
    ]

    assert [each["Action"] for each in granted] == [["sqs:SendMessage"]]
    assert json.dumps(granted).count("ecommerce-prod-dead-letters") == 1
