"""What no call of Chalice's can say, said afterwards: how long logs are kept, how much the API takes, rotation, tags.

Each step compares with what is there, or may be repeated.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError
from chalice.config import Config

from tools.monitoring import access_log
from tools.package import schedules
from tools.package.chalice_form import additions, found
from tools.stages import Stage

ROTATION = "rotation"
TRIGGER, API, ROTATOR = "handle_table_stream-dynamodb-event-source", "rest_api", "rotate_jwt_secret"
EVERY_METHOD = "/*/*"  # of an API's stage, as UpdateStage writes it


def settle(config: Config, stage: Stage, *, secret: str, rules: Mapping[str, Any], queue: str) -> None:
    """Bring everything of a stage that Chalice has just deployed to what its settings say."""
    deployed = config.deployed_resources(stage.name)
    functions = found.function_names(config, stage.name)
    keep_logs([*map(log_group, functions), access_log_group(stage)], stage.log_days)
    keep_failures(functions, stage, queue)
    trigger = deployed.resource_values(TRIGGER)
    keep_one_trigger(function_of(trigger), trigger["event_uuid"])
    api = deployed.resource_values(API)["rest_api_id"]
    forget_begun_apis(config, stage.name, but=api)
    limit(api, config.api_gateway_stage, stage)
    tag_api(api, stage.tags)
    rotate(secret, deployed.resource_values(ROTATOR)["lambda_arn"], rules)


def function_of(record: Mapping[str, Any]) -> str:
    """The name of the function that a record of Chalice's is about."""
    return str(record["lambda_arn"]).rpartition(":")[2]


def keep_logs(groups: Iterable[str], days: int) -> None:
    """Keep each log for so many days; by themselves they are kept for ever."""
    logs = boto3.client("logs")
    for group in groups:
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)


def log_group(function: str) -> str:
    """Where the Lambda service writes what a function says."""
    return f"/aws/lambda/{function}"


def access_log_group(stage: Stage) -> str:
    """Where API Gateway writes down each request."""
    return f"/aws/apigateway/{stage.stack}"


def keep_failures(functions: Iterable[str], stage: Stage, queue: str) -> None:
    """Send a scheduled run that is given up to the stage's queue, after as many tries as with SAM."""
    service = boto3.client("lambda")
    for function in functions:
        handler = function.removeprefix(f"{stage.stack}-")
        if patience := schedules.FUNCTIONS.get(additions.logical_id(handler)):
            service.put_function_event_invoke_config(
                FunctionName=function,
                MaximumRetryAttempts=patience.retries,
                MaximumEventAgeInSeconds=patience.seconds,
                DestinationConfig={"OnFailure": {"Destination": queue}},
            )


def keep_one_trigger(function: str, uuid: str) -> None:
    """Remove all triggers of the function but this one: those that were made twice, or listen to a former stream."""
    for trigger in found.triggers(function):
        if trigger["UUID"] != uuid:
            boto3.client("lambda").delete_event_source_mapping(UUID=trigger["UUID"])


def forget_begun_apis(config: Config, stage: str, *, but: str | None = None) -> None:
    """Remove what broken runs have imported: APIs of the stage's name that never served anybody."""
    _, begun = found.apis(config, stage)
    for api in begun:
        if api != but:
            boto3.client("apigateway").delete_rest_api(restApiId=api)


def limit(api: str, api_stage: str, stage: Stage) -> None:
    """Let so many requests through as the stage's settings say, trace them, and write them down as with SAM."""
    named = boto3.client("logs").describe_log_groups(logGroupNamePrefix=access_log_group(stage))["logGroups"]
    (arn,) = (each["arn"] for each in named if each["logGroupName"] == access_log_group(stage))
    values = {
        f"{EVERY_METHOD}/throttling/rateLimit": stage.requests_per_second,
        f"{EVERY_METHOD}/throttling/burstLimit": stage.burst,
        f"{EVERY_METHOD}/logging/dataTrace": "false",
        "/tracingEnabled": "true",
        "/accessLogSettings/destinationArn": arn.removesuffix(":*"),
        "/accessLogSettings/format": access_log.setting()["Format"],
    }
    operations = [{"op": "replace", "path": path, "value": str(value)} for path, value in values.items()]
    boto3.client("apigateway").update_stage(restApiId=api, stageName=api_stage, patchOperations=operations)


def tag_api(api: str, tags: Mapping[str, str]) -> None:
    """Put the stage's tags on its API."""
    client = boto3.client("apigateway")
    client.tag_resource(resourceArn=f"arn:aws:apigateway:{client.meta.region_name}::/restapis/{api}", tags=dict(tags))


def rotate(secret: str, function: str, rules: Mapping[str, Any]) -> None:
    """Have the function rotate the secret by these rules. What is so already is left alone: to say it again rotates."""
    _allow_rotation(function, secret)
    secrets = boto3.client("secretsmanager")
    known = secrets.describe_secret(SecretId=secret)
    if (known.get("RotationEnabled"), known.get("RotationLambdaARN")) != (True, function):
        secrets.rotate_secret(SecretId=secret, RotationLambdaARN=function, RotationRules=rules)
    elif known.get("RotationRules") != rules:
        secrets.rotate_secret(SecretId=secret, RotationRules=rules, RotateImmediately=False)


def _allow_rotation(function: str, secret: str) -> None:
    account = boto3.client("sts").get_caller_identity()["Account"]
    try:
        boto3.client("lambda").add_permission(
            FunctionName=function,
            StatementId=ROTATION,
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=account,
            SourceArn=secret,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceConflictException":
            raise
