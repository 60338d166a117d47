"""The roles of a stage that is deployed by SAM, as IAM tells them: each as its description says, and no role more."""

from __future__ import annotations

import boto3
import pytest

from tests.deployed.conftest import DeployedStage
from tests.support import roles
from tests.support.roles import BY_LAMBDA, Role
from tools.package import canary
from tools.package.chalice_form.additions import logical_id
from tools.stages import policies

SMOKE, CODE_DEPLOY = "SmokeTestRole", "CodeDeployServiceRole"
AWS_MANAGED = "arn:aws:iam::aws:policy/service-role"


@pytest.fixture(scope="module")
def found(dev: DeployedStage) -> dict[str, Role]:
    """Every role of the app's stack by its logical id."""
    return roles.of_stack(dev.stage.stack)


def listed(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action


def logical(function: str) -> str:
    return "APIHandler" if function == policies.MAIN else logical_id(function)


@pytest.mark.parametrize("function", policies.functions())
def test_a_function_may_what_its_description_says_and_nothing_else(dev: DeployedStage, function: str) -> None:
    name = dev.outputs[f"{logical(function)}Name"]

    role = roles.of_function(name)

    assert list(role.statements) == roles.statements(policies.policy(dev.stage, function))
    assert (role.trust, role.managed, role.boundary) == (BY_LAMBDA, (), None)


def test_no_role_is_of_two_functions_and_none_is_of_nobody(dev: DeployedStage, found: dict[str, Role]) -> None:
    resources = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=dev.stage.stack)
    functions = [
        each["PhysicalResourceId"]
        for page in resources
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::Lambda::Function"
    ]

    used = [roles.of_function(each).name for each in functions]

    assert len(used) == len(set(used)) == len(policies.functions()) + 1
    assert {each.name for each in found.values()} - set(used) == {found[CODE_DEPLOY].name}


def test_the_smoke_test_calls_two_functions_reports_and_reads_one_log(
    dev: DeployedStage, found: dict[str, Role]
) -> None:
    here, stack = "us-east-1:000000000000", dev.stage.stack
    called = [f"arn:aws:lambda:{here}:function:{dev.outputs[f'{name}Name']}:*" for name in canary.SHIFTED]
    application = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="ServerlessDeploymentApplication"
    )["StackResourceDetail"]["PhysicalResourceId"]

    role = found[SMOKE]

    granted = {action: each["Resource"] for each in role.statements for action in listed(each["Action"])}
    own_log = f"arn:aws:logs:{here}:log-group:/aws/lambda/{stack}-smoke:*"
    assert granted == {
        "lambda:InvokeFunction": called,
        "codedeploy:PutLifecycleEventHookExecutionStatus": f"arn:aws:codedeploy:{here}:deploymentgroup:{application}/*",
        "logs:FilterLogEvents": f"arn:aws:logs:{here}:log-group:/aws/lambda/{stack}-handle_table_stream:*",
        "logs:CreateLogStream": own_log,
        "logs:PutLogEvents": own_log,
        "xray:PutTraceSegments": "*",
        "xray:PutTelemetryRecords": "*",
    }
    assert (role.trust, role.managed, role.boundary) == (BY_LAMBDA, (), None)


def test_code_deploy_works_by_the_policy_that_aws_keeps_for_it(found: dict[str, Role]) -> None:
    """It moves aliases, asks the alarms, and calls hooks: functions named CodeDeployHook_… and no others."""
    role = found[CODE_DEPLOY]

    (trusted,) = role.trust
    assert trusted["Principal"] == {"Service": ["codedeploy.amazonaws.com"]}
    assert (role.statements, role.managed, role.boundary) == ((), (f"{AWS_MANAGED}/AWSCodeDeployRoleForLambda",), None)
