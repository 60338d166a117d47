"""The smoke test of a stage over HTTP, as an operator runs it."""

from __future__ import annotations

import json
import os
from datetime import datetime
from http import HTTPStatus

import boto3

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tools.refusal import Refusal
from tools.release.following import Say
from tools.release.smoke.hook import TOKENS, mail_log
from tools.release.smoke.journey import Journey
from tools.release.smoke.ways import Failed, OverHttp
from tools.restore import gate
from tools.stages import api_keys, changes
from tools.stages.settings import Stage

STREAM_LOGS = "HandleTableStreamLogs"
KEY = "smoke"
KEY_SECONDS = 180
POLL_SECONDS = 2.0


def over_http(stage: Stage, say: Say = print) -> None:
    """Try the shop as a customer. Raises `Refusal` with the step that failed, or if the shop is closed."""
    if gate.is_closed(stage):
        raise Refusal(f"{stage.name} is closed, and lets nobody in: make open STAGE={stage.name} opens it.")
    logs = boto3.client("cloudformation").describe_stack_resource(StackName=stage.stack, LogicalResourceId=STREAM_LOGS)
    buy(stage, address(stage), logs["StackResourceDetail"]["PhysicalResourceId"], say)


def buy(stage: Stage, url: str, group: str, say: Say = print, *, form: str = "") -> None:
    """Try the shop at an address, whose mail is noted in that log group, with what a rollback has to say of the form.

    Raises `Refusal` with the step that failed.
    """
    provider = stage.payment_provider
    journey = Journey(
        _customer(stage, url),
        TOKENS.get(provider, "tok_success"),
        mail_log(boto3.client("logs"), group),
        takes_real_money=provider in TOKENS,
    )
    try:
        journey.go()
    except Failed as failed:
        raise Refusal(
            f"The smoke test failed: {failed} To go back: make rollback STAGE={stage.name}{form}."
        ) from failed
    say(f"  {len(journey.steps)} steps of a customer went well.")
    for note in journey.notes:
        say(f"  {note}")


def _customer(stage: Stage, url: str) -> OverHttp:
    """The shop as a customer meets it, who has a key where the stage asks for one; a new one needs a while to count."""
    if not stage.edge.usage_plans:
        return OverHttp(url)
    api = OverHttp(url, api_key=api_keys.keep(stage, "free", KEY))
    deadline = Deadline(KEY_SECONDS)
    while api("GET", "/hello").status == HTTPStatus.FORBIDDEN:
        if deadline.is_over:
            raise Refusal(f"The smoke test's API key, {KEY}, lets nobody in.")
        clock.pause(POLL_SECONDS)
    return api


def last_failure(stage: Stage, since: datetime) -> str:
    """What the hook's smoke test said went wrong since then; nothing if it did not fail."""
    pages = (
        boto3.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=f"/aws/lambda/{stage.stack}-smoke",
            startTime=int(since.timestamp() * 1000),
            filterPattern='"SMOKE_FAILED"',
        )
    )
    said = [json.loads(each["message"])["message"] for page in pages for each in page["events"]]
    return f"The smoke test of the new version failed: {said[-1]}" if said else ""


def address(stage: Stage) -> str:
    """Where the stage's API answers, on the local AWS where that is."""
    found = changes.describe(stage.stack)
    if found is None:
        raise Refusal(f"There is no stack {stage.stack}: make release STAGE={stage.name} makes it.")
    outputs = changes.outputs_of(found)
    return address_of(stage, outputs["RestAPIId"], outputs["HealthURL"])


def address_of(stage: Stage, api_id: str, health_url: str) -> str:
    """Where an API answers, by the address of its health, or by its id on the local AWS."""
    if local := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{local}/restapis/{api_id}/{stage.name}/_user_request_"
    return health_url.removesuffix("/health")
