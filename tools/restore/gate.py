"""Whether the shop is open: its API takes requests, and its schedule and its trigger run.

Closed, API Gateway lets nothing through (429 with Retry-After, also to the payment provider, which sends its messages
again), no rule of the schedule calls a function, and the stream waits. What is told of mail that came back is still
heard, for nobody would tell it again. All of that is said by calls to AWS and takes effect in seconds; nothing is
deployed. A request that is under way ends by itself, within 29 seconds. Whoever comes when it is open again is told
nothing that a cache has kept from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.restore.inventory import FUNCTION, RULE, TRIGGER, members, require_api
from tools.restore.progress import say, wait
from tools.stages import Stage

_ALL = "*/*"  # the methods that have no settings of their own


def close(stage: Stage) -> None:
    """Let nothing in, and let nothing run by itself, until `open_again`."""
    _throttle(stage, rate=0, burst=0)
    say(f"  {stage.stack}: no request is let through.")
    _run(stage, enabled=False)
    say("  The schedule and the stream's trigger stand still.")


def open_again(stage: Stage) -> None:
    """Let the schedule and the trigger run, and then everybody in."""
    _run(stage, enabled=True)
    say("  The schedule and the stream's trigger run.")
    _forget_answers(stage)
    _throttle(stage, rate=stage.requests_per_second, burst=stage.burst)
    say(f"  {stage.stack}: requests are let through.")


def is_closed(stage: Stage) -> bool:
    """Is no request let through?"""
    return lets_nobody_in(require_api(stage), stage.name)


def lets_nobody_in(api_id: str, name: str) -> bool:
    """Is no request let through to that stage of an API?"""
    settings = _stage(api_id, name).get("methodSettings", {}).get(_ALL, {})
    return bool(settings.get("throttlingRateLimit") == 0 and settings.get("throttlingBurstLimit") == 0)


def throttled(keys: Iterable[str], *, rate: int, burst: int) -> list[dict[str, str]]:
    """What lets so many requests through: all methods that have settings of their own, such as cached ones, and others.

    Their keys are as API Gateway spells them in a stage's settings.
    """
    limits = {"rateLimit": rate, "burstLimit": burst}
    return [
        {"op": "replace", "path": f"/{key}/throttling/{name}", "value": str(value)}
        for key in sorted({_ALL, *keys})
        for name, value in limits.items()
    ]


def _throttle(stage: Stage, *, rate: int, burst: int) -> None:
    api_id = require_api(stage)
    changes = throttled(_stage(api_id, stage.name).get("methodSettings", {}), rate=rate, burst=burst)
    boto3.client("apigateway").update_stage(restApiId=api_id, stageName=stage.name, patchOperations=changes)


def _forget_answers(stage: Stage) -> None:
    """Empty the API's cache if it has one: what it keeps may be from before a restore, or a failure's."""
    api_id = require_api(stage)
    if _stage(api_id, stage.name).get("cacheClusterStatus") == "AVAILABLE":  # not while it is being made or emptied
        boto3.client("apigateway").flush_stage_cache(restApiId=api_id, stageName=stage.name)
        say("  The cache of products is empty.")


def _stage(api_id: str, name: str) -> Any:
    return boto3.client("apigateway").get_stage(restApiId=api_id, stageName=name)


def _run(stage: Stage, *, enabled: bool) -> None:
    events = boto3.client("events")
    for rule in map(_rule, members(stage, RULE)):
        if enabled:
            events.enable_rule(**rule)
        elif "ScheduleExpression" in events.describe_rule(**rule):  # an event would be lost that no rule waits for
            events.disable_rule(**rule)
    for trigger in members(stage, TRIGGER):
        _set_trigger(trigger, enabled=enabled)


def _rule(physical_id: str) -> dict[str, str]:
    """A rule by its name, which comes behind its bus' where that is another than the default one."""
    bus, _, name = physical_id.rpartition("|")
    return {"Name": name, **({"EventBusName": bus} if bus else {})}


def _set_trigger(uuid: str, *, enabled: bool) -> None:
    functions, wanted = boto3.client("lambda"), "Enabled" if enabled else "Disabled"

    def settled() -> bool | None:
        state = functions.get_event_source_mapping(UUID=uuid)["State"]
        if state != wanted and state in ("Enabled", "Disabled"):
            state = functions.update_event_source_mapping(UUID=uuid, Enabled=enabled)["State"]
        return True if state == wanted else None

    wait("the stream's trigger is being changed", settled)


def positions(stage: Stage) -> Iterator[tuple[str, str]]:
    """Which table each function uses, and the stream of which table each trigger reads."""
    functions = boto3.client("lambda")
    for name in members(stage, FUNCTION):
        variables = _configuration(functions, name).get("Environment", {}).get("Variables", {})
        if "TABLE_NAME" in variables:
            yield name, variables["TABLE_NAME"]
    for uuid in members(stage, TRIGGER):
        arn = functions.get_event_source_mapping(UUID=uuid)["EventSourceArn"]
        yield "the stream's trigger", arn.partition(":table/")[2].partition("/")[0]


def _configuration(functions: Any, name: str) -> Any:
    """What the version behind the alias `live` is told; the function itself where it has no alias."""
    try:
        return functions.get_function_configuration(FunctionName=name, Qualifier="live")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return functions.get_function_configuration(FunctionName=name)
