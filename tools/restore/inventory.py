"""What a deployed stage has, by its kind: as its stack lists it, by Terraform's names, or Chalice's file."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from tools.local.settings import PROJECT
from tools.refusal import Refusal
from tools.stages import Stage

RULE, TRIGGER = "AWS::Events::Rule", "AWS::Lambda::EventSourceMapping"
API, FUNCTION = "AWS::ApiGateway::RestApi", "AWS::Lambda::Function"
TAGS = ("Project", "Stage")  # a stage's own tags may have changed since it was deployed
DEPLOYED = PROJECT / ".chalice" / "deployed"
# What Chalice calls each kind, and where it notes the name.
_OF_CHALICE = {
    RULE: (("cloudwatch_event", "scheduled_event"), "rule_name"),
    TRIGGER: (("dynamodb_event",), "event_uuid"),
    API: (("rest_api",), "rest_api_id"),
    FUNCTION: (("lambda_function",), "lambda_arn"),
}


def members(stage: Stage, kind: str) -> list[str]:
    """The names of what is deployed of a kind. Raises `Refusal` when nothing is deployed of the stage."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.stack)
    try:
        found = [each for page in pages for each in page["StackResourceSummaries"]]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return _of_terraform(stage, kind) if _has_terraform(stage) else _of_chalice(stage, kind)
    return [each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind]


def require_api(stage: Stage) -> str:
    """The stage's API. Raises `Refusal` when there is none."""
    found = members(stage, API)
    if not found:
        raise Refusal(f"The stage {stage.name} has no API.")
    return found[0]


def _has_terraform(stage: Stage) -> bool:
    functions = boto3.client("lambda")
    try:
        functions.get_function_configuration(FunctionName=f"{stage.stack}-APIHandler")
    except functions.exceptions.ResourceNotFoundException:
        return False
    return True


def _of_terraform(stage: Stage, kind: str) -> list[str]:
    """By names and tags, which are the stage's own."""
    if kind == API:
        pages = boto3.client("apigateway").get_paginator("get_rest_apis").paginate()
        found = [each for page in pages for each in page["items"]]
        own = {name: stage.tags[name] for name in TAGS}
        return [each["id"] for each in found if own.items() <= each.get("tags", {}).items()]
    if kind == RULE:
        listed = boto3.client("events").list_rules(NamePrefix=f"{stage.stack}-")["Rules"]
        return [each["Name"] for each in listed]
    functions = boto3.client("lambda")
    if kind == FUNCTION:
        pages = functions.get_paginator("list_functions").paginate()
        names = [each["FunctionName"] for page in pages for each in page["Functions"]]
        return [name for name in names if name.startswith(f"{stage.stack}-")]
    trigger = f"{stage.stack}-HandleTableStream:live"
    return [each["UUID"] for each in functions.list_event_source_mappings(FunctionName=trigger)["EventSourceMappings"]]


def _of_chalice(stage: Stage, kind: str) -> list[str]:
    file: Path = DEPLOYED / f"{stage.name}.json"
    if not file.is_file():
        raise Refusal(f"There is no stack {stage.stack} in this account and region, nor .chalice/deployed/{file.name}.")
    types, name = _OF_CHALICE[kind]
    resources = json.loads(file.read_text(encoding="utf-8")).get("resources", [])
    return [str(each[name]) for each in resources if each["resource_type"] in types]
