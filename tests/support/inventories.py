"""What an account has of a stage, told so that two accounts, or two ways to deploy, can be compared.

Functions are named by their handlers, and nothing is told that only says when or under which number it was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3

Facts = dict[str, Any]
OF_AN_ALARM = (
    "AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "MetricName", "Namespace", "Statistic",
    "ExtendedStatistic", "Dimensions", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold",
    "ComparisonOperator", "TreatMissingData", "Metrics",
)  # fmt: skip
OF_A_FUNCTION = ("Handler", "MemorySize", "Timeout", "Runtime", "Architectures")
OF_A_TRIGGER = (
    "EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "StartingPosition", "FunctionResponseTypes",
    "BisectBatchOnFunctionError", "MaximumRetryAttempts", "FilterCriteria", "DestinationConfig",
)  # fmt: skip


def inventory(secret: str) -> Facts:
    """All that the account has of functions and APIs, and how the secret is rotated."""
    functions = {each["Handler"]: each for each in _pages("lambda", "list_functions", "Functions")}
    handlers = {each["FunctionName"]: handler for handler, each in functions.items()}
    return {
        "functions": {handler: _function(each) for handler, each in functions.items()},
        "number of functions": len(_pages("lambda", "list_functions", "Functions")),
        "roles": len(_pages("iam", "list_roles", "Roles")),
        "triggers": sorted(
            map(_trigger, _pages("lambda", "list_event_source_mappings", "EventSourceMappings")), key=str
        ),
        "schedules": _schedules(handlers),
        "APIs": sorted(map(_api, _pages("apigateway", "get_rest_apis", "items")), key=str),
        "logs": len(_pages("logs", "describe_log_groups", "logGroups")),
        "rotation": _rotation(secret, handlers),
    }


def _function(function: Facts) -> Facts:
    name, service = function["FunctionName"], boto3.client("lambda")
    return {
        **{key: function.get(key) for key in OF_A_FUNCTION},
        "environment": function.get("Environment", {}).get("Variables", {}),
        "failures": _failures(service, name),
        "aliases": [each["Name"] for each in service.list_aliases(FunctionName=name)["Aliases"]],
        "logs are kept for days": _log_days(function),
        "traced": function.get("TracingConfig", {}).get("Mode"),
        "may": sorted(_statements(function["Role"].rpartition("/")[2]), key=str),
        "asked by": sorted(_callers(service, name)),
        "tags": {key: value for key, value in service.list_tags(Resource=function["FunctionArn"])["Tags"].items()
                 if key in ("Project", "Stage")},
    }  # fmt: skip


def _failures(service: Any, name: str) -> Facts:
    """What becomes of asynchronous calls that fail, of the function or of the alias that is called."""
    kept = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    found = service.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    return {key: each.get(key) for each in found for key in kept}


def _log_days(function: Facts) -> int | None:
    group = function.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function['FunctionName']}"
    found = boto3.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return next((each.get("retentionInDays") for each in found if each["logGroupName"] == group), None)


def _statements(role: str) -> Iterator[Facts]:
    client = boto3.client("iam")
    for name in client.list_role_policies(RoleName=role)["PolicyNames"]:
        document = client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        yield from ({key: each[key] for key in sorted(each) if key != "Sid"} for each in document["Statement"])
    yield from (
        {"managed": each["PolicyArn"]} for each in client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    )


def _callers(service: Any, name: str) -> set[str]:
    """The services that may call a function, or an alias of it."""
    aliases = [{"Qualifier": each["Name"]} for each in service.list_aliases(FunctionName=name)["Aliases"]]
    found = set()
    for qualifier in ({}, *aliases):
        with suppress(service.exceptions.ResourceNotFoundException):
            policy = json.loads(service.get_policy(FunctionName=name, **qualifier)["Policy"])
            found |= {str(each["Principal"].get("Service", each["Principal"])) for each in policy["Statement"]}
    return found


def _trigger(trigger: Facts) -> Facts:
    return {key: trigger.get(key) for key in OF_A_TRIGGER}


def _schedules(handlers: dict[str, str]) -> list[Facts]:
    client = boto3.client("events")
    return sorted(
        (
            {
                "when": rule.get("ScheduleExpression"),
                "state": rule["State"],
                "calls": [
                    (_called(target["Arn"], handlers), target.get("RetryPolicy"), target.get("DeadLetterConfig"))
                    for target in client.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                ],
            }
            for rule in _pages("events", "list_rules", "Rules")
        ),
        key=str,
    )


def _api(api: Facts) -> Facts:
    client, api_id = boto3.client("apigateway"), api["id"]
    resources = _pages("apigateway", "get_resources", "items", restApiId=api_id, embed=["methods"])
    responses = client.get_gateway_responses(restApiId=api_id)["items"]
    return {
        "name": api["name"],
        "routes": {each["path"]: _methods(each) for each in resources if each.get("resourceMethods")},
        "answers": {
            each["responseType"]: {
                key: each.get(key) for key in ("statusCode", "responseParameters", "responseTemplates")
            }
            for each in responses
            if not each.get("defaultResponse")
        },
        "compresses from": str(api.get("minimumCompressionSize")),
        "endpoint": next(iter(api.get("endpointConfiguration", {}).values()), None),
        "stages": {
            each["stageName"]: {key: each.get(key) for key in ("methodSettings", "tracingEnabled", "accessLogSettings")}
            for each in client.get_stages(restApiId=api_id)["item"]
        },
    }


def _methods(resource: Facts) -> Facts:
    return {
        name: (method.get("authorizationType"), method.get("methodIntegration", {}).get("type"))
        for name, method in resource["resourceMethods"].items()
    }


def _rotation(secret: str, handlers: dict[str, str]) -> Facts:
    known = boto3.client("secretsmanager").describe_secret(SecretId=secret)
    return {
        "on": known.get("RotationEnabled", False),
        "by": _called(known.get("RotationLambdaARN", ""), handlers),
        "rules": known.get("RotationRules"),
        "versions": len(known["VersionIdsToStages"]),
    }


def _called(arn: str, handlers: dict[str, str]) -> str | None:
    """The handler of the function that an ARN names, by an alias or not."""
    return handlers.get(arn.partition(":function:")[2].partition(":")[0])


def _pages(service: str, operation: str, key: str, **parameters: Any) -> list[Facts]:
    pages = boto3.client(service).get_paginator(operation).paginate(**parameters)
    return [each for page in pages for each in page.get(key, [])]


def everything(secret: str) -> Facts:
    """The inventory, with what watches the stage besides."""
    found = inventory(secret) | {"alarms": _alarms(), "dashboards": _dashboards(), "saved queries": _saved_queries()}
    found["triggers"] = _in_order(found["triggers"])
    text = _by_handler(json.dumps(found, default=str))
    for chance in (r"(?<=http://)(localhost|127\.0\.0\.1):\d+", r"(?<=:deploymentgroup:)[\w-]+"):
        text = re.sub(chance, "…", text)
    return dict(json.loads(text))


def _by_handler(text: str) -> str:
    """The text with handlers for the names of functions, which SAM makes up."""
    for each in boto3.client("lambda").list_functions()["Functions"]:
        text = re.sub(rf"{re.escape(each['FunctionName'])}(?![\w-])", each["Handler"], text)
    return text


def _alarms() -> dict[str, Any]:
    found = boto3.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    told = [{name: each.get(name) for name in OF_AN_ALARM} for each in found]
    return {each["AlarmName"]: each for each in _in_order(told)}


def _in_order(value: Any) -> Any:
    """The value with each list in an order that does not hang on who made it."""
    if isinstance(value, dict):
        return {name: _in_order(each) for name, each in sorted(value.items())}
    return sorted((_in_order(each) for each in value), key=str) if isinstance(value, list) else value


def _dashboards() -> dict[str, Any]:
    client = boto3.client("cloudwatch")
    names = [each["DashboardName"] for each in client.list_dashboards()["DashboardEntries"]]
    return {name: json.loads(client.get_dashboard(DashboardName=name)["DashboardBody"]) for name in names}


def _saved_queries() -> dict[str, Any]:
    found = boto3.client("logs").describe_query_definitions()["queryDefinitions"]
    return {each["name"]: (each["queryString"], sorted(each["logGroupNames"])) for each in found}


def in_any_account(facts: Facts) -> Facts:
    """Without what an account gives by chance: ports, names of distributions, times of streams."""
    text = json.dumps(facts, default=str)
    for chance in (r"(?<=localhost:)\d+", r"(?<=https://)\w+(?=\.cloudfront\.net)", r'(?<=/stream/)[^"\\]+'):
        text = re.sub(chance, "…", text)
    return dict(json.loads(text))


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Where two inventories differ, each with both values."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        one, other = dict(enumerate(one)), dict(enumerate(other))
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{path}/{key}".lstrip("/"))
    elif one != other:
        yield path, (one, other)
