"""What each function of a stage may do to AWS: one description a function, `infra/policies/<function>.json`.

A description names what differs between stages as CloudFormation's Sub would: `${Stage}`, `${TableName}`,
`${MailIdentity}`, `${JwtSecretName}`, `${PaymentSecretName}`. The ledger of the payment simulator is in it, and falls
out for a stage that is paid otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

from chalicelib.aws import keys
from tools.refusal import Refusal
from tools.stages.foundation import PrivateNetwork
from tools.stages.settings import Stage

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "policies"
MAIN = "api_handler"  # whose file carries the stage's name alone
NO_NETWORK = PrivateNetwork(functions=())
# Of an interface before it is there nothing can be named; calls of the function's own code say from whom they come.
OF_INTERFACES = (
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
)  # fmt: skip


def functions(folder: Path = FOLDER) -> list[str]:
    """The functions that have a description."""
    return sorted(file.stem for file in folder.glob("*.json"))


def file_of(stage: Stage, function: str) -> str:
    """The name of the file in `.chalice/` that Chalice reads the function's policy from."""
    return f"policy-{stage.name}.json" if function == MAIN else f"policy-{stage.name}-{function}.json"


def policy(stage: Stage, function: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The function's policy in that stage. Raises `Refusal` for a description that names what no stage has."""
    file = folder / f"{function}.json"
    try:
        text = Template(file.read_text(encoding="utf-8")).substitute(_words(stage))
        document: dict[str, Any] = json.loads(text)
    except (KeyError, ValueError) as error:
        raise Refusal(f"infra/policies/{file.name} cannot be read: {error}.") from error
    if stage.payment_provider != "simulator":
        _drop_ledger(document)
    document["Statement"] += _of_foundation(stage, function)
    return document


def _of_foundation(stage: Stage, function: str) -> list[dict[str, Any]]:
    """What the Lambda service does in the function's name for the stage's options; the code may not do it."""
    name = stage.stack if function == MAIN else f"{stage.stack}-{function}"
    found: list[dict[str, Any]] = []
    if stage.foundation.own_keys:
        condition = {
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{stage.stack}"},
            "StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": f"arn:aws:lambda:*:*:function:{name}*"},
        }
        found.append(_statement("ReadItsEnvironment", ["kms:Decrypt"], "arn:aws:kms:*:*:key/*", condition))
    if function in (stage.foundation.private_network or NO_NETWORK).functions:
        by_the_service = {"Null": {"lambda:SourceFunctionArn": "true"}}
        found.append(_statement("BeInTheNetwork", list(OF_INTERFACES), "*", by_the_service))
    return found


def _statement(sid: str, actions: list[str], resource: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition}


def _words(stage: Stage) -> dict[str, str]:
    return {
        "Stage": stage.name,
        "TableName": stage.table_name,
        "MailIdentity": stage.mail_identity,
        "JwtSecretName": stage.jwt_secret_name,
        "PaymentSecretName": stage.payment_secret_name,
    }


def _drop_ledger(document: dict[str, Any]) -> None:
    """Take the simulator's ledger out of the keys, and with it a statement that has no others."""
    kept = []
    for statement in document["Statement"]:
        patterns = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        if patterns:
            patterns[:] = [each for each in patterns if each != keys.simulated_charge("*").pk]
        if patterns != []:
            kept.append(statement)
    document["Statement"] = kept
