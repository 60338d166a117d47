"""The packages of releases in the account's bucket, to go back to."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from tools.package import artifacts
from tools.package.canary import EPOCH
from tools.package.terraform import packaging
from tools.release.terraform.program import BACKEND, LOCAL, PLAN

ROOT = ("*.tf", "*.tfvars", "*.zip", "*.example", "README.md")
NOT_PACKAGED = {BACKEND, LOCAL, PLAN}


def keep(stage: str, folder: Path) -> str:
    """Put the package that lies in a folder into the bucket, unless it is there; its key."""
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "terraform.zip"
        with zipfile.ZipFile(file, "w") as archive:
            for each in _files(folder):
                content = each.read_bytes()
                archive.writestr(zipfile.ZipInfo(str(each.relative_to(folder)), EPOCH), content)
        return artifacts.upload(stage, file).key


def unpack(bucket: str, key: str, folder: Path) -> None:
    """Let a kept package lie in a folder in place of the one that does; files of the operator's own stay."""
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    packaging.forget(folder)
    for each in _files(folder):
        each.unlink()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(folder)  # what we have put there ourselves


def _files(folder: Path) -> list[Path]:
    at_root = {each for pattern in ROOT for each in folder.glob(pattern) if each.name not in NOT_PACKAGED}
    return sorted(at_root | {each for each in (folder / "modules").rglob("*") if each.is_file()})
