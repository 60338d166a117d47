"""A stage with every option below the API, deployed: the shop works, and has what the local AWS knows of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest
import urllib3
from msgspec.structs import replace

from tests.infra.packaging import copied, run
from tests.support.options import written
from tools import stages
from tools.local import deployed, stacks
from tools.local.settings import LocalSettings
from tools.package import artifacts, finishing, runtime
from tools.stages import Stage
from tools.stages.foundation import Foundation
from tools.templates import options


def options_here() -> Foundation:
    """All but the way out of the network, which the local AWS has not."""
    network = options.FOUNDATION.private_network
    assert network
    return replace(options.FOUNDATION, private_network=replace(network, nat=False))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one more stage, which has all of them."""
    made = copied(tmp_path_factory.mktemp("project"))
    text = (made / "stages" / "dev.toml").read_text().replace("owns_mail_identity = true", "owns_mail_identity = false")
    (made / "stages" / "based.toml").write_text(text + written("foundation", options_here()))
    run(made, "-m", "tools.stages")
    run(made, "-m", "tools.package", "based", "out", "--python", runtime.own())
    return made


@pytest.fixture(scope="module")
def outputs(cloud: LocalSettings, project: Path) -> Iterator[dict[str, str]]:
    """What its two stacks tell."""
    stage = stages.read("based", project / "stages")
    yield {**deployed.deploy_resources(stage), **deployed.deploy_package(stage, project / "out")}
    cloudformation = boto3.client("cloudformation")
    for stack in (stage.stack, stage.resources_stack):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=stacks.QUICKLY)


@pytest.fixture(scope="module")
def stage(project: Path, outputs: dict[str, str]) -> Stage:
    return stages.read("based", project / "stages")


def test_the_shop_serves_from_a_layer(cloud: LocalSettings, stage: Stage, outputs: dict[str, str]) -> None:
    url = deployed.api_url(cloud, stage.name, outputs)

    answers = [urllib3.request("GET", url + path, timeout=120, retries=False) for path in ("/health", "/auth/me")]

    assert [answer.status for answer in answers] == [200, 401]
    (layer,) = boto3.client("lambda").get_function_configuration(FunctionName=outputs["AuthorizeName"])["Layers"]
    assert ":layer:ecommerce-based-managed-layer:1" in layer["Arn"]


def test_the_libraries_lie_in_the_layer_alone_and_both_archives_have_bytecode(project: Path) -> None:
    code, layer = (ZipFile(project / "out" / name).namelist() for name in (artifacts.CODE, artifacts.LAYER))

    assert "app.py" in code
    assert [sum(name.endswith("/urllib3/__init__.py") for name in names) for names in (code, layer)] == [0, 1]
    assert without_bytecode(code) == set()
    assert {name for name in without_bytecode(layer) if "/stripe/" not in name} == set()  # of which most is not loaded


def without_bytecode(names: list[str]) -> set[str]:
    """The sources beside which there is none."""
    sources, compiled = ({name for name in names if name.endswith(ending)} for ending in (".py", ".pyc"))
    return sources - {re.sub(r"__pycache__/(.+)\.cpython-\d+\.pyc$", r"\1.py", name) for name in compiled}


def test_the_table_has_the_least_of_its_capacity_and_so_has_each_index(stage: Stage, outputs: dict[str, str]) -> None:
    table = boto3.client("dynamodb").describe_table(TableName=stage.table_name)["Table"]

    asked = stage.foundation.provisioned
    assert asked
    assert outputs["TableName"] == stage.table_name
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    for each in (table, *table["GlobalSecondaryIndexes"]):
        units = each["ProvisionedThroughput"]
        assert (int(units["ReadCapacityUnits"]), int(units["WriteCapacityUnits"])) == (
            asked.least_reads,
            asked.least_writes,
        )


def test_functions_are_kept_warm_behind_their_alias(outputs: dict[str, str]) -> None:
    found = boto3.client("lambda").get_provisioned_concurrency_config(
        FunctionName=outputs["AuthorizeName"], Qualifier=finishing.ALIAS
    )

    assert found["RequestedProvisionedConcurrentExecutions"] == options.FOUNDATION.provisioned_concurrency["authorize"]


def test_every_log_of_the_stage_has_its_key_and_the_key_is_rotated(stage: Stage, outputs: dict[str, str]) -> None:
    logs, kms = boto3.client("logs"), boto3.client("kms")
    key = kms.describe_key(KeyId=f"alias/{stage.stack}")["KeyMetadata"]

    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stage.stack}")["logGroups"]

    assert outputs["HealthURL"]
    assert len(groups) == len(finishing.canary.SHIFTED) + 9
    assert {group.get("kmsKeyId") for group in groups} == {key["Arn"]}
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
