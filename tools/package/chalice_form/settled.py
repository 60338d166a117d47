"""What no call of Chalice's can say, said afterwards: how long logs are kept, how much the API takes, rotation, tags.

Each step compares with what is there, or may be repeated.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError
from chalice.config import Config

from tools.package.chalice_form import found
from tools.stages import Stage

ROTATION = "rotation"
TRIGGER, API, ROTATOR = "handle_table_stream-dynamodb-event-source", "rest_api", "rotate_jwt_secret"
EVERY_METHOD = "/*/*"  # of an API's stage, as UpdateStage writes it


def settle(config: Config, stage: Stage, *, secret: str, rules: Mapping[str, Any]) -> None:
    """Bring everything of a stage that Chalice has just deployed to what its settings say."""
    deployed = config.deployed_resources(stage.name)
    keep_logs(found.function_names(config, stage.name), stage.log_days)
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


def keep_logs(functions: Iterable[str], days: int) -> None:
    """Keep the logs of each function for so many days; by themselves they are kept for ever."""
    logs = boto3.client("logs")
    for function in functions:
        group = log_group(function)
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)


def log_group(function: str) -> str:
    """Where the Lambda service writes what a function says."""
    return f"/aws/lambda/{function}"


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
    """Let so many requests through as the stage's settings say, trace them, and write none of them down."""
    values = {
        f"{EVERY_METHOD}/throttling/rateLimit": stage.requests_per_second,
        f"{EVERY_METHOD}/throttling/burstLimit": stage.burst,
        f"{EVERY_METHOD}/logging/dataTrace": False,
        "/tracingEnabled": True,
    }
    operations = [{"op": "replace", "path": path, "value": str(value).lower()} for path, value in values.items()]
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
