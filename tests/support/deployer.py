"""The role of who deploys, as infra/deployer.yaml has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from tests.support.hearing.heard import Asked

Statement = dict[str, Any]
INFRA = Path(__file__).parents[2] / "infra"
WORDS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "000000000000"}
# The policies of the role, in their order.
ATTACHED = ("ForTools", "ForApiKeys", "ForResources", "ForApp", "ForFoundation", "ForEdge", "ForTerraformData",
            "ForTerraformApp")  # fmt: skip
TOOLS = ATTACHED[:2]  # what the tools ask for by themselves
# Statements whose actions IAM judges without a resource, or on a resource that nobody here names.
WITHOUT_A_NAME = {"OfTheAccount", "OfTheTrigger", "OfTheQueries", "OfTransforms", "OfImports", "OfScalingsRole",
                  "OfFirewalls", "OfFirewallsRole"}  # fmt: skip

# Of the stack ecommerce-<stage>, after SAM has written it out; a test of what is deployed holds the list.
APP = (
    "Lambda::Function", "Lambda::Version", "Lambda::Alias", "Lambda::Permission", "Lambda::EventSourceMapping",
    "Lambda::EventInvokeConfig", "IAM::Role", "Logs::LogGroup", "Events::Rule", "ApiGateway::RestApi",
    "ApiGateway::Deployment", "ApiGateway::Stage", "CloudWatch::Alarm", "CloudWatch::Dashboard",
    "Logs::QueryDefinition", "CodeDeploy::Application", "CodeDeploy::DeploymentGroup",
    "SecretsManager::RotationSchedule",
)  # fmt: skip


def template(file: str) -> dict[str, Any]:
    """A template of infra/, with CloudFormation's short forms written out."""
    return dict(cfn_yaml.load(str(INFRA / file)))


def document(policy: str) -> dict[str, Any]:
    """One of the role's policies, by its logical id."""
    return dict(template("deployer.yaml")["Resources"][policy]["Properties"]["PolicyDocument"])


def statements(*policies: str, effect: str = "Allow") -> list[Statement]:
    """What they allow in one account and region, each statement with a list of resources."""
    found = [each for policy in policies for each in document(policy)["Statement"]]
    return [_resolved(each) for each in found if each["Effect"] == effect]


def written(policy: str, partition: str, region: str) -> str:
    """A policy as IAM gets it there, without spaces."""
    words = {**WORDS, "AWS::Partition": partition, "AWS::Region": region}
    return json.dumps(_filled(document(policy), words), separators=(",", ":"))


def actions(granted: Iterable[Statement]) -> set[str]:
    """All that they allow."""
    return {action for each in granted for action in each["Action"]}


def allows(statement: Statement, action: str, resource: str) -> bool:
    """Does the statement allow it? Conditions are about how a role or a key is used, and are met by our own."""
    return action in statement["Action"] and any(fnmatchcase(resource, each) for each in statement["Resource"])


def refused(granted: list[Statement], asked: Iterable[Asked]) -> set[Asked]:
    """What no statement allows."""
    return {each for each in asked if not any(allows(one, each.action, each.resource) for one in granted)}


def without_one_action(granted: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The statements without each of their actions in turn, and which that is."""
    for at, statement in enumerate(granted):
        for action in statement["Action"]:
            rest = [each for each in statement["Action"] if each != action]
            yield f"{statement['Sid']}: {action}", [*granted[:at], {**statement, "Action": rest}, *granted[at + 1 :]]


def without_one_resource(granted: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The statements without each of their resources in turn, and which that is."""
    for at, statement in enumerate(granted):
        for name in statement["Resource"]:
            rest = [each for each in statement["Resource"] if each != name]
            yield f"{statement['Sid']}: {name}", [*granted[:at], {**statement, "Resource": rest}, *granted[at + 1 :]]


def _resolved(statement: Statement) -> Statement:
    resources = statement["Resource"]
    listed = resources if isinstance(resources, list) else [resources]
    return {**statement, "Resource": [_text(each) for each in listed]}


def _text(resource: str | dict[str, str]) -> str:
    return str(_filled(resource, WORDS))


def _filled(value: Any, words: dict[str, str]) -> Any:
    """The value with each `Fn::Sub` done."""
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return re.sub(r"\$\{(.+?)\}", lambda found: words[found[1]], value["Fn::Sub"])
        return {key: _filled(each, words) for key, each in value.items()}
    return [_filled(each, words) for each in value] if isinstance(value, list) else value
