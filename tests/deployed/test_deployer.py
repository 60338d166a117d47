"""What the tools and the smoke test have asked of AWS in the tests before, held to their roles, both ways.

The tests of this file come last, in a process of their own. Whether every allowance is used can be said only after all
the others have run, in whatever processes; `make test-deployed` names a folder that these share.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.deployed.conftest import RAN, SHARED, DeployedStage
from tests.support import deployer
from tests.support.deployer import Statement
from tests.support.hearing import heard as hearing
from tests.support.hearing import terraform as by_terraform
from tests.support.hearing import unheard
from tests.support.hearing.heard import Asked

Poorer = Callable[[list[Statement]], Iterator[tuple[str, list[Statement]]]]
BY_TERRAFORM = ("ForTerraformData", "ForTerraformApp")
SMOKE = {"lambda:InvokeFunction", "codedeploy:PutLifecycleEventHookExecutionStatus", "logs:FilterLogEvents"}
# What tests name as no stage would: table and secret of a stage that is made up.
MADE_UP = ("table/restored", "secret:new-a1B2c3")


@pytest.fixture
def by_tools(heard: Path) -> set[Asked]:
    return {each for each in hearing.by_tools(heard) if not each.resource.endswith(MADE_UP)}


@pytest.fixture
def is_whole(shared: Path) -> None:
    """Have tests of all other files of this folder been run, by processes that share theirs with this one?"""
    if SHARED not in os.environ:
        pytest.skip("it looks back on all other tests of this folder: make test-deployed")
    others = {each.name for each in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).name}
    if missing := sorted(others - {each.name for each in (shared / RAN).glob("*")}):
        pytest.skip(
            f"it looks back on all other tests of this folder, and here nothing was run of {', '.join(missing)}"
        )


def test_what_the_tools_ask_for_is_allowed_to_who_deploys(dev: DeployedStage, by_tools: set[Asked]) -> None:
    granted = deployer.statements(*deployer.TOOLS)

    assert dev.stage.name == "dev"
    assert deployer.refused(granted, by_tools | unheard.by_tools()) == set()


@pytest.mark.usefixtures("is_whole")
@pytest.mark.parametrize("poorer_by_one", [deployer.without_one_action, deployer.without_one_resource])
def test_without_any_one_of_what_it_allows_the_tools_are_refused_something(
    by_tools: set[Asked], poorer_by_one: Poorer
) -> None:
    """Each action, and each resource, of each statement: nothing is allowed twice, or for nothing."""
    asked, granted = by_tools | unheard.by_tools(), deployer.statements(*deployer.TOOLS)

    missed = [taken for taken, rest in poorer_by_one(granted) if not deployer.refused(rest, asked)]

    assert missed == []


def test_terraform_may_do_what_it_does_and_nothing_else(terraform_log: Path) -> None:
    """From the first plan to the end of a stage, in test_terraform.py."""
    asked = by_terraform.actions(terraform_log)
    if not asked:
        pytest.skip("Terraform has not worked before: tests/deployed/test_terraform.py")

    granted = deployer.actions(each for policy in BY_TERRAFORM for each in deployer.statements(policy))

    assert sorted(asked - granted) == []
    assert sorted(granted - asked - by_terraform.UNHEARD) == []
    assert sorted(by_terraform.UNHEARD & asked - by_terraform.SOMETIMES) == []


@pytest.mark.usefixtures("is_whole")
def test_what_is_heard_is_not_taken_on_trust(heard: Path) -> None:
    said = {(service, operation) for service, operation, _ in unheard.CALLS}

    assert said & hearing.operations(heard) - unheard.SOMETIMES == set()


@pytest.mark.usefixtures("is_whole")
def test_the_smoke_test_does_all_that_it_may_and_nothing_else(heard: Path) -> None:
    assert hearing.actions(hearing.by_functions(heard)) == SMOKE


def test_every_type_of_the_apps_stack_is_known_to_the_role(dev: DeployedStage) -> None:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=dev.stage.stack)
    types = {each["ResourceType"] for page in pages for each in page["StackResourceSummaries"]}

    assert types <= {f"AWS::{each}" for each in deployer.APP}
