"""`python -m tools.stages.removal STAGE`: take a stage away, but for what holds data.

Deletes its two stacks after a yes, and names what outlives them. Safe to repeat. Exit codes: 0 both are gone, 2 they
are not.
"""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import WaiterError

from tools import stages
from tools.refusal import Refusal, complain, is_confirmed
from tools.stages import changes, command, place, resources
from tools.stages.settings import Stage

PATIENTLY = {"Delay": 2, "MaxAttempts": 1800}  # CloudFront gives a distribution up within minutes, or an hour


def remove(stage: Stage) -> None:
    """Delete the stage's stacks, the app's first, since it goes by what the other exports."""
    place.require(stage)
    if stage.is_protected:
        raise Refusal(
            f"{stage.name} is protected: say is_protected = false in stages/{stage.name}.toml, and run "
            f"`make resources STAGE={stage.name}`, if you mean it."
        )
    there = [each for each in (stage.stack, stage.resources_stack) if changes.status(each) not in changes.ABSENT]
    if not there:
        print(f"There is no stack of {stage.name}.")
        return
    if stage.resources_stack in there and _is_locked(stage):
        raise Refusal(f"{stage.resources_stack} is protected: run `make resources STAGE={stage.name}` first.")
    _refuse_what_chalice_deployed(stage)
    kept = _kept(stage) if stage.resources_stack in there else []
    if not is_confirmed(f"Delete {' and '.join(there)}?"):
        raise Refusal("Nothing was deleted: say YES=1 to do it.")
    for stack in there:
        _delete(stack)
    for each in kept:
        print(f"  stays: {each}")


def _is_locked(stage: Stage) -> bool:
    """Does CloudFormation refuse to delete the resources, whatever the file says by now?"""
    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stage.resources_stack)["Stacks"]
    return bool(found.get("EnableTerminationProtection"))


def _refuse_what_chalice_deployed(stage: Stage) -> None:
    """An app that no stack knows would go on without what it works on."""
    functions = boto3.client("lambda")
    try:
        functions.get_function(FunctionName=f"ecommerce-{stage.name}-handle_table_stream")
    except functions.exceptions.ResourceNotFoundException:
        return
    raise Refusal(f"Chalice deployed the app of {stage.name}: run `make chalice-delete STAGE={stage.name}` first.")


def _kept(stage: Stage) -> list[str]:
    """What outlives its stack, by type and name."""
    paginator = boto3.client("cloudformation").get_paginator("list_stack_resources")
    pages = paginator.paginate(StackName=stage.resources_stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    return [
        f"{each['ResourceType']} {each['PhysicalResourceId']}"
        for each in found
        if each["LogicalResourceId"] in resources.OUTLIVES
    ]


def _delete(stack: str) -> None:
    print(f"Deleting {stack}, which takes minutes…", flush=True)
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=PATIENTLY)
    except WaiterError as error:
        why = f"{stack} is {changes.status(stack)}: read its events, mend the cause, and run this again."
        raise Refusal(why) from error


def main(arguments: list[str]) -> int:
    """Take the stage away; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.stages.removal STAGE")
    return command.carry_out(lambda: remove(stages.read(arguments[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
