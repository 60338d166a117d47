"""The roles of an account as IAM tells them: who may take one, and what it may do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3

Statement = dict[str, Any]
BY_LAMBDA = ({"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]},)


@dataclass(frozen=True)
class Role:
    """A role with all that IAM judges it by."""

    name: str
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...]
    managed: tuple[str, ...]
    boundary: str | None


def of_function(function: str) -> Role:
    """The role that a function works by."""
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=function)
    return read(configuration["Role"].rpartition("/")[2])


def of_stack(stack: str) -> dict[str, Role]:
    """Every role of a stack by its logical id."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    roles = [each for each in found if each["ResourceType"] == "AWS::IAM::Role"]
    return {each["LogicalResourceId"]: read(each["PhysicalResourceId"]) for each in roles}


def read(name: str) -> Role:
    """The role of that name. Sids are left out, which grant nothing."""
    iam = boto3.client("iam")
    found = iam.get_role(RoleName=name)["Role"]
    inline = [
        iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return Role(
        name,
        tuple(_listed(each) for each in statements(found["AssumeRolePolicyDocument"])),
        tuple(each for document in inline for each in statements(document)),
        tuple(sorted(each["PolicyArn"] for each in attached)),
        found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    )


def statements(document: dict[str, Any]) -> list[Statement]:
    """What a policy says, without names of statements."""
    return [{key: value for key, value in each.items() if key != "Sid"} for each in document["Statement"]]


def _listed(statement: Statement) -> Statement:
    """The trust, with lists where IAM takes a word as well."""
    principal = {kind: [each] if isinstance(each, str) else each for kind, each in statement["Principal"].items()}
    action = statement["Action"]
    return {**statement, "Principal": principal, "Action": [action] if isinstance(action, str) else action}
