"""What IAM would say of calls and statements, by its documented rules, and what is granted for nothing.

A statement is one of a function's policy as infra/policies has them: actions by name, one resource, and the conditions
on partition keys and prefixes. Nothing here asks AWS.
"""

from __future__ import annotations

import copy
import fnmatch
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools import stages
from tools.package import schedules
from tools.package.chalice_form.additions import logical_id
from tools.package.deploy import trigger_settings

Statement = dict[str, Any]
STREAM_READER = "handle_table_stream"
EVERY_KEY = "*"  # of a statement that says nothing about keys
OF_THE_LOG = ("CreateLogGroup", "CreateLogStream", "PutLogEvents")
OF_THE_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
OF_A_TRACE = ("PutTraceSegments", "PutTelemetryRecords")
OF_A_CLOSED_TOPIC = ("Decrypt", "GenerateDataKey")


fnmatchcase = functools.cache(fnmatch.fnmatchcase)
settings_of = functools.cache(stages.read)  # each call is asked of each stage


@dataclass(frozen=True)
class AwsCall:
    """One thing that IAM is asked about; the resource names its stage by the variable that holds the name."""

    action: str
    resource: str
    leading_keys: tuple[str, ...] = ()

    def on(self, stage: str) -> AwsCall:
        """The call as that stage makes it."""
        resources = {"BUCKET_NAME": f"ecommerce-{stage}-123456789012", "ALERT_TOPIC": f"ecommerce-{stage}-alerts",
                     "DEAD_LETTERS": f"ecommerce-{stage}-dead-letters"}  # fmt: skip
        settings = settings_of(stage)
        names = settings.environment | resources | {"MAIL_IDENTITY": settings.mail_identity}
        return AwsCall(self.action, self.resource.format(**names), self.leading_keys)


def by_the_service(function: str, stage: str, made: Iterable[AwsCall]) -> Iterator[AwsCall]:
    """What AWS itself does in the function's name: beside what it makes, nobody hears these calls.

    The Lambda service writes its log (`chalice deploy` makes the group only after the function) and its traces, reads
    the stream, and puts away what is given up. SNS encrypts what it publishes with the topic's key.
    """
    here = "us-east-1:123456789012"
    settings = settings_of(stage)
    name = settings.stack if function == "api_handler" else f"{settings.stack}-{function}"
    for action in OF_THE_LOG:
        yield AwsCall(f"logs:{action}", f"arn:aws:logs:{here}:log-group:/aws/lambda/{name}:log-stream:1")
    for action in OF_A_TRACE:
        yield AwsCall(f"xray:{action}", "*")
    if gives_up(function):
        yield AwsCall("sqs:SendMessage", f"arn:aws:sqs:{here}:{settings.stack}-dead-letters")
    if function == STREAM_READER:
        stream = f"arn:aws:dynamodb:{here}:table/{settings.table_name}/stream/2026-11-28T00:00:00.000"
        for action in OF_THE_STREAM:
            yield AwsCall(f"dynamodb:{action}", stream)
    if any(call.action == "sns:Publish" for call in made):
        for action in OF_A_CLOSED_TOPIC:
            yield AwsCall(f"kms:{action}", f"arn:aws:kms:{here}:key/0b6e4c1e-6f5b-4f0e-9d43-2f0f1c3b7a55")


def gives_up(function: str) -> bool:
    """Does the Lambda service put its failed runs into the dead-letter queue?"""
    reads = function == STREAM_READER and "DestinationConfig" in trigger_settings("queue")
    return reads or logical_id(function) in schedules.FUNCTIONS


def kinds(statement: Statement) -> list[str]:
    """The patterns that partition keys, or prefixes of what is in the bucket, have to fit."""
    condition = statement.get("Condition", {})
    keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [EVERY_KEY])
    return list(condition.get("StringLike", {}).get("s3:prefix", keys))


def allows(statement: Statement, call: AwsCall) -> bool:
    """Does IAM find that this statement allows the call?"""
    return (
        call.action in statement["Action"]
        and fnmatchcase(call.resource, statement["Resource"])
        and all(any(fnmatchcase(key, pattern) for pattern in kinds(statement)) for key in call.leading_keys)
    )


def refused(granted: Iterable[Statement], made: Iterable[AwsCall]) -> list[AwsCall]:
    """The calls that no statement allows."""
    statements = list(granted)
    return [call for call in made if not any(allows(each, call) for each in statements)]


def unused(granted: Iterable[Statement], made: Iterable[AwsCall]) -> list[dict[str, Any]]:
    """The allowances, one action and one kind of key each, by which no call is allowed, and those granted twice."""
    calls, parts = list(made), [part for each in granted for part in _allowances(each)]
    return [part for part in parts if not _is_used(part, calls) or parts.count(part) > 1]


def without_one_action(granted: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The policy without each of its actions in turn, and which that is."""
    for at, statement in enumerate(granted):
        for action in statement["Action"]:
            rest = [each for each in statement["Action"] if each != action]
            yield f"{statement['Sid']}: {action}", [*granted[:at], {**statement, "Action": rest}, *granted[at + 1 :]]


def without_one_key(granted: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The policy without each kind of key, or prefix, in turn, and which that is."""
    for at, statement in enumerate(granted):
        for key in kinds(statement):
            poorer = copy.deepcopy(statement)
            for condition in poorer.get("Condition", {}).values():
                for name, patterns in condition.items():
                    if key in patterns and isinstance(patterns, list):
                        condition[name] = [each for each in patterns if each != key]
            if poorer != statement:
                yield f"{statement['Sid']}: {key}", [*granted[:at], poorer, *granted[at + 1 :]]


def with_one_more(granted: list[Statement], known: Iterable[str]) -> Iterator[tuple[str, list[Statement]]]:
    """The policy with each known action of a statement's service that the statement lacks, in turn, and which."""
    actions = sorted(known)
    for at, statement in enumerate(granted):
        service = statement["Action"][0].partition(":")[0]
        for action in actions:
            if action not in statement["Action"] and action.startswith(f"{service}:"):
                richer = {**statement, "Action": [*statement["Action"], action]}
                yield f"{statement['Sid']}: {action}", [*granted[:at], richer, *granted[at + 1 :]]


def _allowances(statement: Statement) -> Iterator[dict[str, Any]]:
    for action in statement["Action"]:
        for key in kinds(statement):
            yield {"Action": action, "Resource": statement["Resource"], "Key": key}


def _is_used(allowance: dict[str, Any], calls: Iterable[AwsCall]) -> bool:
    """Does some call need it? One with keys needs its kind of key, not a statement about all of them."""
    return any(
        call.action == allowance["Action"]
        and (call.leading_keys == ()) == (allowance["Key"] == EVERY_KEY)
        and fnmatchcase(call.resource, allowance["Resource"])
        and any(fnmatchcase(key, allowance["Key"]) for key in call.leading_keys or (EVERY_KEY,))
        for call in calls
    )
