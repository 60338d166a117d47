"""What was heard, in the words of IAM: which actions on which resources a call needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = "us-east-1:000000000000"
VERBS = {"Get": "GET", "Import": "POST", "Create": "POST", "Tag": "PUT", "Put": "PUT", "Update": "PATCH",
         "Delete": "DELETE", "Flush": "DELETE"}  # fmt: skip
FREE = {"sts:GetCallerIdentity"}  # of whatever rights
PREFIXES = {"sesv2": "ses"}
RENAMED = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "lambda:Invoke": "lambda:InvokeFunction",
}
WITHOUT_A_NAME = {
    "cloudformation:ListExports", "lambda:ListFunctions", "lambda:GetAccountSettings", "lambda:ListEventSourceMappings",
    "lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "events:ListRules", "logs:DescribeLogGroups", "ses:GetAccount",
    "codedeploy:GetDeploymentTarget", "codedeploy:ListDeploymentTargets", "codedeploy:StopDeployment",
}  # fmt: skip

OF_MANY = "ecommerce-dev"  # whose parameters were too long to keep, or name a deployment by its number
NAMES = {
    "cloudformation": ("StackName",), "lambda": ("FunctionName",), "dynamodb": ("TargetTableName", "TableName"),
    "s3": ("Bucket",), "logs": ("logGroupName",), "events": ("Rule", "Name"), "iam": ("RoleName",),
    "secretsmanager": ("SecretId",), "sesv2": ("EmailIdentity",), "codedeploy": ("applicationName",),
    "cloudwatch": ("AlarmName",),
}  # fmt: skip
FORMS = {
    "cloudwatch": "arn:aws:cloudwatch:{here}:alarm:{name}",
    "cloudformation": "arn:aws:cloudformation:{here}:stack/{name}/1",
    "lambda": "arn:aws:lambda:{here}:function:{name}",
    "dynamodb": "arn:aws:dynamodb:{here}:table/{name}",
    "s3": "arn:aws:s3:::{name}{key}",
    "logs": "arn:aws:logs:{here}:log-group:{name}:log-stream:1",
    "events": "arn:aws:events:{here}:rule/{name}",
    "iam": "arn:aws:iam::000000000000:role/{name}",
    "secretsmanager": "arn:aws:secretsmanager:{here}:secret:{name}-a1B2c3",
    "sesv2": "arn:aws:ses:{here}:identity/{name}",
    "codedeploy": "arn:aws:codedeploy:{here}:deploymentgroup:{name}/group",
}
OF_APPLICATIONS = "arn:aws:codedeploy:{here}:application:{name}"


@dataclass(frozen=True)
class Asked:
    """One thing that IAM is asked about."""

    action: str
    resource: str


def by_tools(file: Path) -> set[Asked]:
    """What operators' tools asked for, and what such calls need besides."""
    return set(_asked(file, of_functions=False))


def by_functions(file: Path) -> set[Asked]:
    """What functions asked for."""
    return set(_asked(file, of_functions=True))


def operations(file: Path) -> set[tuple[str, str]]:
    """The calls of the tools' clients, by service and operation."""
    return {(service, operation) for service, operation, _ in _calls(file, of_functions=False)}


def _asked(file: Path, *, of_functions: bool) -> Iterator[Asked]:
    for call in _calls(file, of_functions=of_functions):
        yield from asked(*call)


def _calls(file: Path, *, of_functions: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        who, service, operation, parameters = json.loads(line)
        if bool(who) is of_functions:
            yield service, operation, parameters


def asked(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[Asked]:
    """What IAM is asked about for one call of a client."""
    if service == "apigateway":
        yield _of_the_gateway(operation, parameters)
        return
    wanted = action(service, operation)
    if wanted in FREE:
        return
    resource = "*" if wanted in WITHOUT_A_NAME else _resource(service, operation, parameters)
    yield Asked(wanted, resource)
    yield from _besides(wanted, parameters)


def action(service: str, operation: str) -> str:
    """The word that IAM has for a call of a client."""
    if service == "apigateway":
        return f"apigateway:{_verb(operation)}"
    plain = f"{PREFIXES.get(service, service)}:{operation}"
    return RENAMED.get(plain, plain)


def _verb(operation: str) -> str:
    """API Gateway's actions are HTTP's methods."""
    return next((method for word, method in VERBS.items() if operation.startswith(word)), operation)


def _of_the_gateway(operation: str, parameters: dict[str, Any]) -> Asked:
    api = parameters.get("restApiId")
    path = "/account" if operation == "GetAccount" else f"/restapis/{api}/stages/dev" if api else "/restapis"
    if operation == "TagResource":
        path = "/tags/arn%3Aaws%3Aapigateway"
    if "ApiKey" in operation or "UsagePlan" in operation:
        path = _of_keys(operation, parameters)
    return Asked(action("apigateway", operation), f"arn:aws:apigateway:us-east-1::{path}")


def _of_keys(operation: str, parameters: dict[str, Any]) -> str:
    """The path of API keys and the plans they are in."""
    if "UsagePlan" not in operation:
        return "/apikeys" + (f"/{parameters['apiKey']}" if "apiKey" in parameters else "")
    plan = parameters.get("usagePlanId")
    keys = "/keys" if "UsagePlanKey" in operation else ""
    return "/usageplans" + (f"/{plan}{keys}" if plan else "")


def _resource(service: str, operation: str, parameters: dict[str, Any]) -> str:
    """The ARN of what a call is about."""
    for name in ("ResourceArn", "Resource", "TopicArn", "SubscriptionArn", "ExportArn", "ImportArn", "TableArn"):
        if str(parameters.get(name, "")).startswith("arn:"):
            return str(parameters[name])
    words = {name: str(value) for name, value in parameters.items() if isinstance(value, str)}
    named = next((words[name] for name in NAMES[service] if name in words), OF_MANY)
    if named.startswith("arn:") and service != "lambda":
        return named
    key = f"/{words['Key']}" if "Key" in words else ""
    form = OF_APPLICATIONS if operation == "ListDeploymentGroups" else FORMS[service]
    return form.format(here=HERE, name=named.rpartition("function:")[2], key=key)


def _besides(action: str, parameters: dict[str, Any]) -> Iterator[Asked]:
    """What AWS asks IAM about as well, by its documents: in the caller's name, and without a call of the caller's."""
    if action == "lambda:CreateFunction" and "Role" in parameters:
        yield Asked("iam:PassRole", str(parameters["Role"]))
    if action == "s3:GetObject":  # else what is not there is told as forbidden
        yield Asked("s3:ListBucket", f"arn:aws:s3:::{parameters['Bucket']}")
    if action == "cloudformation:CreateChangeSet":
        yield Asked(action, "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31")
    if action == "dynamodb:ExportTableToPointInTime":
        for each in ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"):
            yield Asked(each, f"arn:aws:s3:::{parameters['S3Bucket']}/export")
    if action == "dynamodb:RestoreTableToPointInTime":
        for each in ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"):
            yield Asked(f"dynamodb:{each}", f"arn:aws:dynamodb:{HERE}:table/{parameters['TargetTableName']}")
    if action == "dynamodb:ImportTable":
        bucket = "arn:aws:s3:::ecommerce-dev"
        yield from (Asked("s3:GetObject", f"{bucket}/export"), Asked("s3:ListBucket", bucket))
        yield Asked("logs:DescribeLogGroups", "*")
        for each in ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents", "PutRetentionPolicy"):
            yield Asked(f"logs:{each}", f"arn:aws:logs:{HERE}:log-group:/aws-dynamodb/imports:log-stream:1")


def actions(asked: Iterable[Asked]) -> set[str]:
    """The actions alone."""
    return {each.action for each in asked}
