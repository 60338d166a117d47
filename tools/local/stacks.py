"""Stacks of CloudFormation in the local AWS: made or brought up to date, and waited for."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from tools.refusal import Refusal

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
MAX_BODY_BYTES = 51_200  # of a template that goes with the call; a longer one has to lie in a bucket
TEMPLATES = "ecommerce-templates"
QUICKLY = {"Delay": 1, "MaxAttempts": 120}
ASKED_FOR = "User Initiated"  # the first event of each change
UNUSABLE = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}


def deploy(name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Bring the stack up to the template, keeping its data; its outputs.

    Raises `Refusal` with what CloudFormation said of the first resource that failed.
    """
    cloudformation = boto3.client("cloudformation")
    status = _status(cloudformation, name)
    if status in UNUSABLE:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=QUICKLY)
        status = None
    change, done = ("update_stack", "stack_update_complete") if status else ("create_stack", "stack_create_complete")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    try:
        getattr(cloudformation, change)(
            StackName=name, Parameters=given, Capabilities=CAPABILITIES, **_body(name, template)
        )
        cloudformation.get_waiter(done).wait(StackName=name, WaiterConfig=QUICKLY)
    except (ClientError, WaiterError) as error:
        if "No updates are to be performed" not in str(error):
            raise Refusal(
                f"The local AWS did not take the stack {name}: {_reason(cloudformation, name, error)}"
            ) from error
    return outputs(name)


def outputs(name: str) -> dict[str, str]:
    """What a stack that is there tells."""
    stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _body(name: str, template: str) -> dict[str, str]:
    if len(template.encode()) <= MAX_BODY_BYTES:
        return {"TemplateBody": template}
    store, key = boto3.client("s3"), f"{name}.json"
    store.create_bucket(Bucket=TEMPLATES)
    store.put_object(Bucket=TEMPLATES, Key=key, Body=template.encode())
    return {"TemplateURL": f"{store.meta.endpoint_url}/{TEMPLATES}/{key}"}


def _status(cloudformation: Any, name: str) -> str | None:
    """The stack's status; None when there is no stack."""
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _reason(cloudformation: Any, name: str, error: Exception) -> str:
    """What the events say went wrong first; else what the call was answered."""
    if isinstance(error, ClientError):
        return str(error)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]  # newest first
    of_this_change = takewhile(lambda event: event.get("ResourceStatusReason") != ASKED_FOR, events)
    failed = [event for event in of_this_change if event["ResourceStatus"].endswith("_FAILED")]
    return (
        " ".join(str(failed[-1].get(key)) for key in ("LogicalResourceId", "ResourceStatusReason"))
        if failed
        else str(error)
    )
