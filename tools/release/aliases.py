"""Which version of each function serves: the aliases of a stage's stack, and moving them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.package.finishing import ALIAS
from tools.refusal import Refusal
from tools.stages.settings import Stage

KEPT_VERSIONS = 10  # of each function, for going back


@dataclass(frozen=True)
class Served:
    """A function and the version of it that serves."""

    function: str
    version: str


def live(stage: Stage) -> dict[str, Served]:
    """What serves now, by the alias' logical id."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.stack)
    aliases = [
        resource
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Alias"
    ]
    return {each["LogicalResourceId"]: serving(str(each["PhysicalResourceId"]).split(":")[6]) for each in aliases}


def require(served: Mapping[str, Served], *, table: str) -> None:
    """Refuse unless all these versions are there to go to, can start, and write to the table that the stage uses."""
    for each in served.values():
        try:
            found = boto3.client("lambda").get_function_configuration(
                FunctionName=each.function, Qualifier=each.version
            )
        except ClientError as error:
            raise Refusal(f"Version {each.version} of {each.function} is not there any more: {error}") from error
        environment = found.get("Environment", {})
        if unreadable := environment.get("Error"):
            raise Refusal(
                f"Nothing was moved: nobody can read the environment of version {each.version} of {each.function} "
                f"({unreadable.get('Message')}). Is its key disabled or to be deleted? Enable it, and begin again."
            )
        written = environment.get("Variables", {}).get("TABLE_NAME", table)
        if written != table:
            raise Refusal(
                f"Nothing was moved: version {each.version} of {each.function} works on the table {written}, and the "
                f"stage uses {table} since a restore. Mend what is wrong, and release that."
            )


def move(before: Mapping[str, Served], to: Mapping[str, Served]) -> None:
    """Move every alias to its version: all of them, or none. Safe to repeat after an interruption."""
    client, moved = boto3.client("lambda"), []
    try:
        for name, each in to.items():
            _point(client, each)
            moved.append(name)
    except ClientError as error:
        for name in moved:
            _point(client, before[name])
        raise Refusal(f"Nothing was moved, for one alias would not move: {error}") from error


def forget_old(live: Iterable[Served], kept: Mapping[str, set[str]]) -> int:
    """Delete versions but the latest ten of each function, what serves, and those to keep by function; how many."""
    client, deleted = boto3.client("lambda"), 0
    for each in live:
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=each.function)
        found = [version["Version"] for page in pages for version in page["Versions"]]
        numbers = sorted((number for number in found if number.isdigit()), key=int)
        needed = {each.version, *numbers[-KEPT_VERSIONS:], *kept.get(each.function, ())}
        for number in numbers:
            if number not in needed:
                client.delete_function(FunctionName=each.function, Qualifier=number)
                deleted += 1
    return deleted


def serving(function: str) -> Served:
    """Which version of a function its alias leads to."""
    alias = boto3.client("lambda").get_alias(FunctionName=function, Name=ALIAS)
    return Served(function, str(alias["FunctionVersion"]))


def _point(client: Any, to: Served) -> None:
    client.update_alias(
        FunctionName=to.function,
        Name=ALIAS,
        FunctionVersion=to.version,
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
