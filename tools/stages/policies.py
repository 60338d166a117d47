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
from tools.stages.settings import Stage

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "policies"
MAIN = "api_handler"  # whose file carries the stage's name alone
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
    """The function's policy in that stage. Raises `Refusal` for one without a description, or that cannot be read."""
    file = folder / f"{function}.json"
    if not file.is_file():
        raise Refusal(f"{function} is no function, for there is no infra/policies/{file.name}.")
    try:
        text = Template(file.read_text(encoding="utf-8")).substitute(_words(stage))
        document: dict[str, Any] = json.loads(text)
    except (KeyError, ValueError) as error:
        raise Refusal(f"infra/policies/{file.name} cannot be read: {error}.") from error
    if stage.payment_provider != "simulator":
        _drop_ledger(document)
    document["Statement"] += _of_foundation(stage)
    return document


def _of_foundation(stage: Stage) -> list[dict[str, Any]]:
    """What the Lambda service does in a function's name for the stage's options; the code may not do it.

    Every function has the rights to interfaces as long as there is a network: versions that serve, or that a rollback
    needs, may be in it still when the function is named no more.
    """
    if stage.foundation.private_network is None:
        return []
    return [
        {
            "Sid": "BeInTheNetwork",
            "Effect": "Allow",
            "Action": list(OF_INTERFACES),
            "Resource": "*",
            "Condition": {"Null": {"lambda:SourceFunctionArn": "true"}},
        }
    ]


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
