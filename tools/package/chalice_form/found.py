"""What of a stage is in the account, in the form in which Chalice remembers it.

Chalice believes `.chalice/deployed/<stage>.json`, which it writes at the very end: what a broken run has made, or what
was deployed from another machine, it would make once more. All names are known, so the file is written anew from the
account before each run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from chalice.config import Config
from chalice.deploy import models
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder

from tools.refusal import Refusal

TAG = "aws-chalice"  # Chalice puts it on each function, with its version, the stage and the app
Record = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """What the account has under the names of a stage."""

    functions: Mapping[str, str]  # names and ARNs
    rules: frozenset[str]


def remember(config: Config, stage: str) -> None:
    """Write what is in the account to where Chalice reads it. Raises `Refusal` when it is not clear which API it is."""
    account = look(config, stage)
    resources = [*_strays(config, stage, account), *_records(config, stage, account)]
    file = memory(config, stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    values = {"resources": resources, "schema_version": "2.0", "backend": "api"}
    file.write_text(f"{json.dumps(values, indent=2)}\n")


def memory(config: Config, stage: str) -> Path:
    """The file in which Chalice remembers a stage."""
    return Path(config.project_dir) / ".chalice" / "deployed" / f"{stage}.json"


def look(config: Config, stage: str) -> Account:
    """Find the stage's functions and rules by their names."""
    name = f"{config.app_name}-{stage}"
    pages = boto3.client("lambda").get_paginator("list_functions").paginate()
    functions = {each["FunctionName"]: each["FunctionArn"] for page in pages for each in page["Functions"]}
    rules = boto3.client("events").get_paginator("list_rules").paginate(NamePrefix=f"{name}-")
    return Account(
        functions={each: arn for each, arn in functions.items() if each == name or each.startswith(f"{name}-")},
        rules=frozenset(each["Name"] for page in rules for each in page["Rules"]),
    )


def asked_for(config: Config, stage: str) -> Sequence[Any]:
    """What Chalice would deploy: functions, roles, rules, the trigger and the API, in its order."""
    app = ApplicationGraphBuilder().build(config, stage)
    return [each for each in DependencyBuilder().build_dependencies(app) if isinstance(each, models.ManagedModel)]


def function_names(config: Config, stage: str) -> list[str]:
    """The names of the functions that the app asks for."""
    return [each.function_name for each in asked_for(config, stage) if isinstance(each, models.LambdaFunction)]


def api_of(config: Config, stage: str) -> str | None:
    """The API of the stage; None without one. Raises `Refusal` when there are two, for one has the shop's address."""
    serving, begun = apis(config, stage)
    if len(serving) > 1:
        both = " and ".join(serving)
        raise Refusal(f"Two APIs serve the stage {stage}, {both}: delete the one whose address nobody uses.")
    return next(iter([*serving, *begun]), None)


def apis(config: Config, stage: str) -> tuple[list[str], list[str]]:
    """The APIs that serve the stage, and those that a broken run has imported and no more.

    Plain Chalice names an API after the app alone.
    """
    client = boto3.client("apigateway")
    serving, begun = [], []
    for page in client.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] in (f"{config.app_name}-{stage}", config.app_name):
                stages = [each["stageName"] for each in client.get_stages(restApiId=api["id"])["item"]]
                if config.api_gateway_stage in stages:
                    serving.append(api["id"])
                elif not stages and api["name"] != config.app_name:
                    begun.append(api["id"])
    return sorted(serving), sorted(begun)


def triggers(function: str) -> list[Record]:
    """The triggers of a function that are not about to go, the same one first each time."""
    pages = boto3.client("lambda").get_paginator("list_event_source_mappings").paginate(FunctionName=function)
    found = [each for page in pages for each in page["EventSourceMappings"] if each["State"] != "Deleting"]
    return sorted(found, key=lambda each: (each["State"] != "Enabled", each["UUID"]))


def _strays(config: Config, stage: str, account: Account) -> list[Record]:
    """Functions of the stage that the app no longer has, each with its rule and its role."""
    asked, records = function_names(config, stage), list[Record]()
    for name in sorted(set(account.functions) - set(asked)):
        tags = boto3.client("lambda").list_tags(Resource=account.functions[name])["Tags"]
        if tags.get(TAG, "").endswith(f":stage={stage}:app={config.app_name}"):
            record = (
                _role(f"{name}_role", name),
                _function(name, name, account),
                _rule(name, f"{name}-event", account),
            )
            records += [each for each in record if each]
    return records


def _records(config: Config, stage: str, account: Account) -> list[Record]:
    """What the app asks for and the account has."""
    found = (_record(config, stage, each, account) for each in asked_for(config, stage))
    return [record for record in found if record]


def _record(config: Config, stage: str, model: Any, account: Account) -> Record | None:
    name = model.resource_name
    match model:
        case models.ManagedIAMRole():
            return _role(name, model.role_name)
        case models.LambdaFunction():
            return _function(name, model.function_name, account)
        case models.ScheduledEvent() | models.CloudWatchEvent():
            return _rule(name, model.rule_name, account)
        case models.DynamoDBEventSource():
            return _trigger(name, model, account)
        case models.RestAPI():
            api = api_of(config, stage)
            return {"name": name, "resource_type": "rest_api", "rest_api_id": api} if api else None
        case models.LambdaLayer():
            return None  # a stage that asks for one is not deployed by Chalice
    message = f"Chalice would deploy {model}, of which nobody here knows how it is found again."
    raise NotImplementedError(message)


def _role(name: str, role: str) -> Record | None:
    client = boto3.client("iam")
    try:
        arn = client.get_role(RoleName=role)["Role"]["Arn"]
    except client.exceptions.NoSuchEntityException:
        return None
    return {"name": name, "resource_type": "iam_role", "role_arn": arn, "role_name": role}


def _function(name: str, function: str, account: Account) -> Record | None:
    arn = account.functions.get(function)
    return {"name": name, "resource_type": "lambda_function", "lambda_arn": arn} if arn else None


def _rule(name: str, rule: str, account: Account) -> Record | None:
    is_there = rule in account.rules
    return {"name": name, "resource_type": "cloudwatch_event", "rule_name": rule} if is_there else None


def _trigger(name: str, model: models.DynamoDBEventSource, account: Account) -> Record | None:
    """The trigger on the stream that the table has now; one on a former stream is no longer the stage's."""
    function = model.lambda_function.function_name
    for each in triggers(function) if function in account.functions else ():
        if each["EventSourceArn"] == model.stream_arn:
            return {
                "name": name,
                "resource_type": "dynamodb_event",
                "stream_arn": model.stream_arn,
                "event_uuid": each["UUID"],
                "lambda_arn": each["FunctionArn"],
            }
    return None
