"""A second deployment: new versions for other code alone, which the alias and so all callers move to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest

from tests.deployed.conftest import DeployedStage
from tools import stages
from tools.local import deployed
from tools.package import artifacts, finishing
from tools.refusal import Refusal

STAGE = stages.read("dev")


@pytest.fixture
def changed(packaged: Path, tmp_path: Path) -> Iterator[Path]:
    """The same package with another line of code. Afterwards the stage is deployed as it was."""
    copy = shutil.copytree(packaged, tmp_path / "out")
    with ZipFile(copy / artifacts.CODE, "a") as archive:
        archive.writestr("chalicelib/changed.py", "CHANGED = True\n")
    yield copy
    deployed.deploy_package(STAGE, packaged)


def serving(dev: DeployedStage) -> dict[str, Any]:
    """The function and version that answer."""
    answer = dev("GET", "/health")
    assert answer.status == 200, answer.data
    return dict(answer.json()["function"])


def aliased(outputs: dict[str, str]) -> str:
    alias = boto3.client("lambda").get_alias(FunctionName=outputs["APIHandlerName"], Name=finishing.ALIAS)
    return str(alias["FunctionVersion"])


def test_other_code_makes_a_new_version_that_answers_and_the_same_code_makes_none(
    dev: DeployedStage, packaged: Path, changed: Path
) -> None:
    first = deployed.deploy_package(STAGE, packaged)
    assert deployed.deploy_package(STAGE, packaged) == first
    assert serving(dev)["version"] == first["APIHandlerVersion"] == aliased(first)

    second = deployed.deploy_package(STAGE, changed)

    versions = [name for name in second if name.endswith("Version")]
    assert len(versions) == 11
    assert all(int(second[name]) == int(first[name]) + 1 for name in versions)
    assert serving(dev) == {"name": second["APIHandlerName"], "version": second["APIHandlerVersion"]}
    assert aliased(second) == second["APIHandlerVersion"]
    assert second.keys() == first.keys()
    assert all(second[name] == first[name] for name in first if name not in versions)


@pytest.mark.usefixtures("cloud")
def test_what_lies_in_the_bucket_is_not_sent_again(packaged: Path) -> None:
    one = artifacts.put("dev", packaged)
    store = boto3.client("s3")

    other = artifacts.put("dev", packaged)

    assert one == other
    kept = store.list_object_versions(Bucket=one.bucket, Prefix=one.key)["Versions"]
    assert [version["VersionId"] for version in kept] == [one.version]
    assert json.loads(store.get_object(Bucket=one.bucket, Key=one.key)["Body"].read())["Resources"]


@pytest.mark.usefixtures("cloud")
def test_the_bucket_is_private_versioned_and_encrypted(packaged: Path) -> None:
    bucket = artifacts.put("dev", packaged).bucket
    store = boto3.client("s3")

    assert bucket == "ecommerce-artifacts-000000000000-us-east-1"
    assert store.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(store.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert "aws:SecureTransport" in store.get_bucket_policy(Bucket=bucket)["Policy"]
    assert store.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]


def test_a_folder_without_a_package_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="make package STAGE=dev first"):
        artifacts.put("dev", tmp_path)
