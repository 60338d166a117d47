"""The deployments that move the API and its authorizer: made here, judged by CodeDeploy, followed to their end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tools.package.canary import PREFIX, SHIFTED
from tools.package.finishing import ALIAS
from tools.refusal import Refusal
from tools.release import following
from tools.release.aliases import Served
from tools.release.following import LOOK_SECONDS, MAX_SECONDS, OVER, Say
from tools.stages.settings import Stage

SUCCEEDED = "Succeeded"


def shift(stage: Stage, before: Mapping[str, Served], to: Mapping[str, Served], say: Say) -> None:
    """Move both from the versions that serve to the new ones. Raises `Refusal` when one of them may not.

    Then the one that failed is back at its version, and the other is stopped, or has moved.
    """
    moving = [f"{stage.stack}-{name}" for name in SHIFTED]
    begun = [_begin(stage, before[each], to[each]) for each in moving if before[each] != to[each]]
    follow(begun, say)


def under_way(stage: Stage) -> list[str]:
    """The deployments of the stage that are not over."""
    client, found = boto3.client("codedeploy"), list[str]()
    unfinished = {"includeOnlyStatuses": ["Created", "Queued", "InProgress", "Ready"]}
    for name in SHIFTED:
        try:
            found += client.list_deployments(**_place(stage, name), **unfinished)["deployments"]
        except (
            client.exceptions.ApplicationDoesNotExistException,
            client.exceptions.DeploymentGroupDoesNotExistException,
        ):
            continue
    return found


def stop(deployments: list[str]) -> None:
    """Tell them to stop, each of which goes back then; one that is over by now is left alone."""
    client = boto3.client("codedeploy")
    for each in deployments:
        try:
            client.stop_deployment(deploymentId=each, autoRollbackEnabled=True)
        except client.exceptions.DeploymentAlreadyCompletedException:
            continue


def follow(deployments: list[str], say: Say) -> None:
    """Tell of them until all are over. When one fails the others are stopped, and `Refusal` says why it did."""
    deadline, told = Deadline(MAX_SECONDS), dict[str, str]()
    states = dict.fromkeys(deployments, "")
    failed = ""
    while not all(state in OVER for state in states.values()):
        for each in [name for name, state in states.items() if state not in OVER]:
            states[each], error = _look(each, told, say)
            if states[each] in OVER and states[each] != SUCCEEDED and not failed:
                failed = error
                stop([other for other, state in states.items() if state not in OVER])
        deadline.require()
        clock.pause(LOOK_SECONDS)
    if failed:
        raise Refusal(f"CodeDeploy took the new version back: {failed}")


def _look(deployment: str, told: dict[str, str], say: Say) -> tuple[str, str]:
    """Its status, said when it is news, and why it failed."""
    client = boto3.client("codedeploy")
    shown = following.shown(client, deployment)
    if told.get(deployment) != shown:
        told[deployment] = shown
        say(f"  deployment {deployment}: {shown}")
    info = client.get_deployment(deploymentId=deployment)["deploymentInfo"]
    status = str(info["status"])
    return status, str(info.get("errorInformation", {}).get("message", f"the deployment is {status}"))


def _begin(stage: Stage, before: Served, to: Served) -> str:
    """Make the deployment of one function; its id."""
    name = to.function.removeprefix(f"{stage.stack}-")
    revision = {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": json.dumps(_appspec(stage, before, to))},
    }
    client = boto3.client("codedeploy")
    try:
        made = client.create_deployment(**_place(stage, name), revision=revision)
    except ClientError as error:
        raise Refusal(f"CodeDeploy does not begin with {to.function}: {error}") from error
    return str(made["deploymentId"])


def _appspec(stage: Stage, before: Served, to: Served) -> dict[str, Any]:
    """From which version to which, and who tries the new one first."""
    function = {
        "Name": to.function,
        "Alias": ALIAS,
        "CurrentVersion": before.version,
        "TargetVersion": to.version,
    }
    return {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": function}}],
        "Hooks": [{"BeforeAllowTraffic": f"{PREFIX}{stage.stack}-smoke"}],
    }


def _place(stage: Stage, name: str) -> dict[str, str]:
    return {
        "applicationName": f"{stage.stack}-ServerlessDeploymentApplication",
        "deploymentGroupName": f"{stage.stack}-{name}DeploymentGroup",
    }


def settle(stage: Stage, say: Say) -> None:
    """Follow to its end whatever moves in the stage, such as the way back of what failed."""
    while deployments := under_way(stage):
        try:
            follow(deployments, say)
        except Refusal as refusal:
            say(f"  {refusal}")
