"""The parameters of a stage's two stacks, from its settings and, for what only the account knows, from AWS."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.refusal import Refusal
from tools.stages import policies
from tools.stages.foundation import ZONES, Capacity, PrivateNetwork
from tools.stages.settings import Stage

# What has no way into a private network but an endpoint that costs by the hour.
ENDPOINTS = {
    "NeedsAlerts": "sns",
    "NeedsEvents": "events",
    "NeedsLetters": "sqs",
    "NeedsMail": "ses",
    "NeedsSecrets": "secretsmanager",
}
# For all others the Lambda service writes what they give up, and is in no network of ours.
WRITES_LETTERS = "handle_table_stream"


def of_resources(stage: Stage, table: str | None = None) -> dict[str, str]:
    """What infra/template.yaml asks for.

    `table` is the one that the stack has already: another name would make CloudFormation replace it by an empty one,
    while the stage may well use a restored one that is in no stack.
    """
    return {
        "Stage": stage.name,
        "TableName": table or stage.table_name,
        "IsProtected": str(stage.is_protected).lower(),
        "JwtSecretName": stage.jwt_secret_name,
        "PaymentSecretName": stage.payment_secret_name,
        "MailFrom": stage.mail_from,
        "SesIdentity": stage.mail_identity,
        "OwnsMailIdentity": str(stage.owns_mail_identity).lower(),
        "SesIdentityIsDomain": str(stage.signs_mail).lower(),
        "AlertEmail": stage.alert_email,
        "CorsOrigin": stage.cors_origin,
        **_of_capacity(stage.foundation.provisioned),
        "MonthlyBudget": str(stage.foundation.monthly_budget),
        **_of_network(stage),
    }


def _of_capacity(capacity: Capacity | None) -> dict[str, str]:
    """How the table is paid; the numbers say nothing when it is paid by use."""
    least = capacity or Capacity(least_reads=1, most_reads=1, least_writes=1, most_writes=1)
    return {
        "HasCapacity": str(capacity is not None).lower(),
        "LeastReads": str(least.least_reads),
        "MostReads": str(least.most_reads),
        "LeastWrites": str(least.least_writes),
        "MostWrites": str(least.most_writes),
        "Utilisation": str(least.utilisation),
    }


def _of_network(stage: Stage) -> dict[str, str]:
    """Whether there is a private network, and which services the functions in it reach through endpoints."""
    network = stage.foundation.private_network or PrivateNetwork(functions=())
    reached = {service for function in network.functions for service in _called(stage, function)}
    answers = {
        "HasNetwork": stage.foundation.private_network is not None,
        "HasThirdZone": network.zones > min(ZONES),
        "HasWayOut": network.nat,
        **{parameter: service in reached for parameter, service in ENDPOINTS.items()},
    }
    return {name: str(answer).lower() for name, answer in answers.items()}


def _called(stage: Stage, function: str) -> set[str]:
    """The services that the function's own code calls."""
    statements = policies.policy(stage, function)["Statement"]
    called = {action.partition(":")[0] for statement in statements for action in statement["Action"]}
    return called if function == WRITES_LETTERS else called - {"sqs"}


def of_app(stage: Stage) -> dict[str, str]:
    """What the packaged template asks for. Raises `Refusal` when the stage's table is not there, or has no stream."""
    return {"Stage": stage.name, "TableStreamArn": table_stream_arn(stage)}


def table_stream_arn(stage: Stage) -> str:
    """The stream of the table that the stage uses."""
    try:
        table: dict[str, Any] = boto3.client("dynamodb").describe_table(TableName=stage.table_name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise Refusal(
            f"There is no table {stage.table_name} in this account and region: run `make resources STAGE={stage.name}`."
        ) from error
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        raise Refusal(f"The table {stage.table_name} has no stream: switch it on, with new and old images.")
    return str(table["LatestStreamArn"])
