"""CodeDeploy's hook before traffic: a Lambda function that tries the new versions as a customer."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import boto3

from tools.release.smoke.journey import Journey
from tools.release.smoke.ways import Failed, NewVersions

TOKENS = {"stripe": "pm_card_visa"}  # what the provider's test mode takes; the simulators take another
MAIL_OF_ORDER = "mail-order_confirmed"
_PASSED: set[tuple[str, str]] = set()


def handle(event: dict[str, str], context: object) -> dict[str, str]:  # noqa: ARG001 - Lambda's signature
    """CodeDeploy's hook before traffic: try the new versions, and say whether customers may meet them.

    The aliases of API and authorizer move by a deployment each, and one try is for both.
    """
    status, tried = "Failed", (os.environ["NEW_API"], os.environ["NEW_AUTHORIZER"])
    try:
        if tried not in _PASSED:
            _try(*tried)
            _PASSED.add(tried)
        status = "Succeeded"
    except Failed as failed:
        print(json.dumps({"event": "SMOKE_FAILED", "message": str(failed)}))
    finally:
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )
    return {"status": status}


def _try(api: str, authorizer: str) -> None:
    provider, logs = os.environ["PAYMENT_PROVIDER"], os.environ["STREAM_LOGS"]
    journey = Journey(
        NewVersions(boto3.client("lambda"), api, authorizer),
        TOKENS.get(provider, "tok_success"),
        mail_log(boto3.client("logs"), logs),
        takes_real_money=provider in TOKENS,
    )
    journey.go()
    print(json.dumps({"event": "SMOKE_PASSED", "steps": journey.steps, "notes": journey.notes}))


def mail_log(client: Any, group: str) -> Callable[[str], bool]:
    """Has the stream's function noted, in that log group, that the mail of the run's order went out?"""
    started = int(time.time() * 1000) - 60_000

    def has_mailed(run_id: str) -> bool:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=started, filterPattern=f'"{run_id}"'
        )
        lines = [each["message"] for page in pages for each in page["events"]]
        return any("EFFECT_DONE" in line and MAIL_OF_ORDER in line for line in lines)

    return has_mailed
