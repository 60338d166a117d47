"""What a stack and CodeDeploy are doing, told until both have come to rest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tools.refusal import Refusal
from tools.stages import changes
from tools.stages.settings import Stage

Say = Callable[[str], object]
APPLICATION = "AWS::CodeDeploy::Application"
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
MAX_SECONDS = 3 * 3600.0
LOOK_SECONDS = 1.0
OVER = ("Succeeded", "Failed", "Stopped")


class Follower:
    """Tells what is new since it began to look."""

    def __init__(self, stage: Stage, say: Say) -> None:
        """What has happened already is not told again; a deployment that is under way is."""
        self._stage, self._stack, self._say = stage, stage.stack, say
        self._told = {each["EventId"] for each in _events(self._stack)}
        self._deployments = dict.fromkeys(deployments(stage, *OVER), OVER[0])
        self.failures: list[str] = []

    def wait(self) -> str:
        """Tell until the stack rests; its status then."""
        deadline = Deadline(MAX_SECONDS)
        while True:
            status = str(changes.status(self._stack))
            self._tell_events()
            with suppress(*_gone()):
                self._tell_deployments()
            if not status.endswith("_IN_PROGRESS"):
                return status
            deadline.require()
            clock.pause(LOOK_SECONDS)

    def require_good(self) -> None:
        """Wait, and raise `Refusal` with the first reason unless the stack is as it was asked to be."""
        status = self.wait()
        if status not in GOOD:
            reason = self.failures[0] if self.failures else "its events say why"
            raise Refusal(f"The stack {self._stack} is {status}: {reason}")

    def _tell_events(self) -> None:
        for event in reversed(_events(self._stack)):
            if event["EventId"] in self._told:
                continue
            self._told.add(event["EventId"])
            status, name = event["ResourceStatus"], event["LogicalResourceId"]
            if status.endswith("_FAILED"):
                self.failures.append(f"{name}: {event.get('ResourceStatusReason', status)}")
            if not status.endswith("_IN_PROGRESS") or name == self._stack:
                self._say(f"  {name} {status}")

    def _tell_deployments(self) -> None:
        client = boto3.client("codedeploy")
        for each in deployments(self._stage):
            if self._deployments.get(each) in OVER:
                continue
            words = shown(client, each)
            if self._deployments.get(each) != words:
                self._deployments[each] = words
                self._say(f"  deployment {each}: {words}")
            info = client.get_deployment(deploymentId=each)["deploymentInfo"]
            if info["status"] in OVER:
                self._deployments[each] = info["status"]
                if "errorInformation" in info:
                    self.failures.insert(0, info["errorInformation"]["message"])


def deployments(stage: Stage, *statuses: str) -> list[str]:
    """The ids of the deployments of the stage's application that have one of these statuses, or any."""
    only = {"includeOnlyStatuses": list(statuses)} if statuses else {}
    client = boto3.client("codedeploy")
    found: list[str] = []
    for application in _applications(stage):
        groups = client.list_deployment_groups(applicationName=application)["deploymentGroups"]
        for group in groups:
            listed = client.list_deployments(applicationName=application, deploymentGroupName=group, **only)
            found += listed["deployments"]
    return found


def _applications(stage: Stage) -> list[str]:
    if changes.status(stage.stack) in changes.ABSENT:
        return []
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.stack)
    return [
        str(resource["PhysicalResourceId"])
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == APPLICATION and resource.get("PhysicalResourceId")
    ]


def _gone() -> tuple[type[ClientError], ...]:
    """What is answered for a deployment that a stack's rollback has deleted meanwhile, with its application."""
    known = boto3.client("codedeploy").exceptions
    return (
        known.ApplicationDoesNotExistException,
        known.DeploymentGroupDoesNotExistException,
        known.DeploymentDoesNotExistException,
    )


def shown(client: Any, deployment: str) -> str:
    """The deployment in a few words: which function, between which versions, how far."""
    info = client.get_deployment(deploymentId=deployment)["deploymentInfo"]
    target = client.get_deployment_target(deploymentId=deployment, targetId=_target(client, deployment))
    function = target["deploymentTarget"]["lambdaTarget"]["lambdaFunctionInfo"]
    versions = f"{function['currentVersion']} → {function['targetVersion']}"
    weight = float(function.get("targetVersionWeight", 0))
    return f"{function['functionName']} {versions}, {info['status']}, {weight:.0%} of the requests"


def _target(client: Any, deployment: str) -> str:
    return str(client.list_deployment_targets(deploymentId=deployment)["targetIds"][0])


def _events(stack: str) -> list[dict[str, Any]]:
    if changes.status(stack) in changes.ABSENT:
        return []
    return list(boto3.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"])
