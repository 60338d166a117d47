"""What would change in a stack of CloudFormation: a change set, made to be looked at before it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tools.refusal import Refusal, is_confirmed

NAME = "make-resources"
ABSENT = (None, "REVIEW_IN_PROGRESS")  # a stack that never got further than a change set is none
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
MAX_SECONDS = 3600
POLL_SECONDS = 2.0
QUICKLY = {"Delay": 2, "MaxAttempts": 150}


@dataclass(frozen=True)
class ResourceChange:
    """One thing that would be made, changed or taken away."""

    action: str
    name: str
    kind: str
    replacement: str

    def __str__(self) -> str:
        note = f", {self.by}" if self.by else ""
        return f"{self.action:<7} {self.name} ({self.kind}){note}"

    @property
    def by(self) -> str:
        """Whether another one takes its place."""
        return {"True": "by a new one", "Conditional": "perhaps by a new one"}.get(self.replacement, "")

    @property
    def loses_it(self) -> bool:
        """Would the stack be without what it has now?"""
        return self.action == "Remove" or self.replacement == "True"


@dataclass(frozen=True)
class ChangeSet:
    """The changes that bring a stack up to a template and its parameters."""

    stack: str
    is_new: bool
    changes: tuple[ResourceChange, ...]
    name: str = NAME


def propose(
    stack: str, template: str, parameters: Mapping[str, str], tags: Mapping[str, str], *, name: str = NAME
) -> ChangeSet:
    """Make the change set, in place of an earlier one that nobody carried out; the template may be its address.

    Raises `Refusal` for a stack that cannot be changed now, and when CloudFormation does not take the template.
    """
    cloudformation, found = boto3.client("cloudformation"), status(stack)
    _require_changeable(stack, found)
    if found is not None:
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="CREATE" if found in ABSENT else "UPDATE",
        **_source(template),
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return ChangeSet(stack, found in ABSENT, _changes(cloudformation, stack, name), name)


def settle(proposed: ChangeSet) -> None:
    """Show what would change, and do it after a yes. Raises `Refusal` after a no."""
    if not proposed.changes:
        withdraw(proposed)
        print(f"Nothing would change in {proposed.stack}.")
        return
    print(f"In the stack {proposed.stack}:")
    for change in proposed.changes:
        print(f"  {change}")
    if not is_confirmed("Do it?"):
        withdraw(proposed)
        raise Refusal("Nothing was changed: say YES=1 to do it.")
    carry_out(proposed, print)


def withdraw(proposed: ChangeSet) -> None:
    """Leave everything as it is."""
    cloudformation = boto3.client("cloudformation")
    if proposed.is_new:
        cloudformation.delete_stack(StackName=proposed.stack)
    else:
        cloudformation.delete_change_set(StackName=proposed.stack, ChangeSetName=proposed.name)


def carry_out(proposed: ChangeSet, say: Callable[[str], object]) -> None:
    """Change the stack, and wait until it is done, telling of each resource that is.

    Raises `Refusal` with the first reason of CloudFormation's when it fails. Interrupted, CloudFormation goes on.
    """
    cloudformation = boto3.client("cloudformation")
    seen = {event["EventId"] for event in _events(cloudformation, proposed.stack)}
    cloudformation.execute_change_set(StackName=proposed.stack, ChangeSetName=proposed.name)
    failures: list[str] = []
    deadline = Deadline(MAX_SECONDS)
    while not _is_over(cloudformation, proposed.stack, seen, failures, say):
        deadline.require()
        clock.pause(POLL_SECONDS)
    if (found := status(proposed.stack)) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise Refusal(f"The stack {proposed.stack} is {found}: {failures[0] if failures else 'see its events'}")


def status(stack: str) -> str | None:
    """The stack's status; None when there is no stack."""
    found = describe(stack)
    return str(found["StackStatus"]) if found else None


def describe(stack: str) -> dict[str, Any] | None:
    """The stack as CloudFormation describes it; None when there is none."""
    try:
        return dict(boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0])
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def outputs_of(found: Mapping[str, Any]) -> dict[str, str]:
    """What a described stack tells."""
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _source(template: str) -> dict[str, str]:
    """A template by its address, or as it is."""
    return {"TemplateURL" if template.startswith(("http://", "https://")) else "TemplateBody": template}


def _require_changeable(stack: str, found: str | None) -> None:
    if found in ABSENT:
        return
    if found in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"):
        raise Refusal(
            f"The stack {stack} could not be made ({found}): read its events, mend the cause, delete it with "
            f"`aws cloudformation delete-stack --stack-name {stack}`, and try again."
        )
    if str(found).endswith("_IN_PROGRESS") or str(found).endswith("_FAILED"):
        raise Refusal(f"The stack {stack} is {found}: try again when that is over.")


def _changes(cloudformation: Any, stack: str, name: str) -> tuple[ResourceChange, ...]:
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=stack, ChangeSetName=name, WaiterConfig=QUICKLY
        )
    except WaiterError as error:
        reason = str(error.last_response.get("StatusReason", error))
        if any(each in reason for each in NO_CHANGE):
            return ()
        raise Refusal(f"CloudFormation does not take the template for {stack}: {reason}") from error
    pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=name)
    return tuple(_change(each["ResourceChange"]) for page in pages for each in page["Changes"])


def _change(change: Mapping[str, Any]) -> ResourceChange:
    return ResourceChange(
        change["Action"], change["LogicalResourceId"], change["ResourceType"], change.get("Replacement", "False")
    )


def _is_over(
    cloudformation: Any, stack: str, seen: set[str], failures: list[str], say: Callable[[str], object]
) -> bool:
    """Tell what has happened since; has the whole stack come to rest?"""
    for event in reversed(_events(cloudformation, stack)):
        if event["EventId"] in seen:
            continue
        seen.add(event["EventId"])
        name, state = event["LogicalResourceId"], event["ResourceStatus"]
        if state.endswith("_FAILED"):
            failures.append(f"{name}: {event.get('ResourceStatusReason', state)}")
        if not state.endswith("_IN_PROGRESS"):
            say(f"  {name} {state}")
    return not str(status(stack)).endswith("_IN_PROGRESS")


def _events(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    return list(cloudformation.describe_stack_events(StackName=stack)["StackEvents"])
