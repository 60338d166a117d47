"""What the tools and the smoke test have asked of AWS in the tests before, held to their roles, both ways.

The tests of this file come last. Whether every allowance is used can be said only after all the others have run.
"""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from tests.deployed.conftest import DeployedStage
from tests.support import deployer
from tests.support.hearing import heard as hearing
from tests.support.hearing.heard import Asked

SMOKE = {"lambda:InvokeFunction", "codedeploy:PutLifecycleEventHookExecutionStatus", "logs:FilterLogEvents"}
# What the tools ask for where the local AWS cannot follow, or only in an emergency.
UNHEARD = {
    # a table to S3 and back, which the local AWS has not: tests/infra/test_restore.py
    "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport", "dynamodb:ImportTable", "dynamodb:DescribeImport",
    "dynamodb:ListImports", "s3:PutObjectAcl", "s3:AbortMultipartUpload", "logs:CreateLogStream",
    "logs:DescribeLogStreams", "logs:PutLogEvents",
    # a release that is stopped by make rollback, and a proposal for a new stack that nobody wants
    "codedeploy:StopDeployment", "cloudformation:CancelUpdateStack", "cloudformation:DeleteStack",
    # Chalice, for a function whose tags, concurrency or role's trust is another than before
    "lambda:TagResource", "lambda:UntagResource", "lambda:RemovePermission", "lambda:PutFunctionConcurrency",
    "iam:UpdateAssumeRolePolicy",
}  # fmt: skip

# What tests name as no stage would: table and secret of a stage that is made up.
MADE_UP = ("table/restored", "secret:new-a1B2c3")


@pytest.fixture
def by_tools(heard: Path) -> set[Asked]:
    return {each for each in hearing.by_tools(heard) if not each.resource.endswith(MADE_UP)}


@pytest.fixture
def is_whole(request: pytest.FixtureRequest) -> None:
    """Have all files of this folder been run?"""
    here = Path(__file__).parent
    if {each.path for each in request.session.items if each.path.parent == here} != set(here.glob("test_*.py")):
        pytest.skip("only after all tests of this folder: make test-deployed")


def test_what_the_tools_ask_for_is_allowed_to_who_deploys(dev: DeployedStage, by_tools: set[Asked]) -> None:
    granted = deployer.statements("ForTools")

    refused = {
        each for each in by_tools if not any(deployer.allows(one, each.action, each.resource) for one in granted)
    }

    assert dev.stage.name == "dev"
    assert refused == set()


@pytest.mark.usefixtures("is_whole")
def test_who_deploys_may_nothing_that_the_tools_do_not_ask_for(by_tools: set[Asked]) -> None:
    granted = deployer.actions(deployer.statements("ForTools"))

    assert sorted(granted - hearing.actions(by_tools) - UNHEARD) == []
    assert sorted(UNHEARD - granted) == []


@pytest.mark.usefixtures("is_whole")
def test_the_smoke_test_does_all_that_it_may_and_nothing_else(heard: Path) -> None:
    assert hearing.actions(hearing.by_functions(heard)) == SMOKE


def test_every_type_of_the_apps_stack_is_known_to_the_role(dev: DeployedStage) -> None:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=dev.stage.stack)
    types = {each["ResourceType"] for page in pages for each in page["StackResourceSummaries"]}

    assert types <= {f"AWS::{each}" for each in deployer.APP}
