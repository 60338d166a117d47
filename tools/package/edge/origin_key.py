"""The keys that the distribution and the firewall share, by which the firewall knows what came through.

Each is a secret of its own, so that one can take the place of another without a moment in which nothing is known.
"""

from __future__ import annotations

from typing import Any

from tools.package.edge import definition
from tools.stages import Stage

LOGICAL_ID = "OriginKey"


def resources(stage: Stage) -> dict[str, Any]:
    """The secrets, by their logical ids."""
    return {_logical_id(number): _secret(stage, number) for number in stage.edge.origin_keys}


def value(number: int) -> dict[str, str]:
    """What a secret holds, which CloudFormation asks for while it works."""
    return {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{_logical_id(number)}}}}}}}"}


def _logical_id(number: int) -> str:
    return LOGICAL_ID if number == 1 else f"{LOGICAL_ID}{number}"


def _secret(stage: Stage, number: int) -> dict[str, Any]:
    name = f"ecommerce/{stage.name}/edge/origin-key"
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Name": name if number == 1 else f"{name}-{number}",
            "Description": "By it the firewall knows what came through the distribution.",
            "GenerateSecretString": {"PasswordLength": 48, "ExcludePunctuation": True},
            "Tags": definition.tags(stage.tags),
        },
    }
