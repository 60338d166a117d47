"""The packages that a stage goes back to that Terraform deployed."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest

from tools.package import artifacts
from tools.release.terraform import packages

pytestmark = pytest.mark.usefixtures("aws")


def test_a_package_that_is_gone_back_to_leaves_files_of_the_operators_own(tmp_path: Path) -> None:
    own = ["backend.tf", "extra.tf", "mine.auto.tfvars", "release.tfplan", "modules/mine/main.tf"]
    packaged = ["main.tf", "deployment.zip", "modules/application/lambda.tf"]
    fill(tmp_path / "now", own + packaged, "old")
    bucket, store = artifacts.bucket(), boto3.client("s3")
    store.create_bucket(Bucket=bucket)
    store.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    key = packages.keep("dev", tmp_path / "now")
    fill(tmp_path / "now", [*own, *packaged, "layer-deployment.zip", "modules/application/new.tf"], "new")

    packages.unpack(bucket, key, tmp_path / "now")

    assert contents(tmp_path / "now") == dict.fromkeys(own, "new") | dict.fromkeys(packaged, "old")
    body = store.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert sorted(ZipFile(io.BytesIO(body)).namelist()) == sorted(packaged)


def fill(folder: Path, names: list[str], text: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}
