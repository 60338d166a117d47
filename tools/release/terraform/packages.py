"""The packages of releases in the account's bucket, to go back to."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from tools.package import artifacts, canary, sam
from tools.package.canary import EPOCH
from tools.package.terraform import code, packaging


def place_code(stage: str, folder: Path) -> None:
    """Put the archives of a package into the bucket, unless they are there, and let the package take them there."""
    artifacts.create()
    for each in (*sam.archives(folder), folder / canary.ARCHIVE):
        artifacts.upload(stage, each)
    code.say_bucket(folder, artifacts.bucket())


def keep(stage: str, folder: Path) -> str:
    """Put the package that lies in a folder into the bucket, unless it is there; its key."""
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "terraform.zip"
        with zipfile.ZipFile(file, "w") as archive:
            for each in packaging.packaged_files(folder):
                content = each.read_bytes()
                archive.writestr(zipfile.ZipInfo(str(each.relative_to(folder)), EPOCH), content)
        return artifacts.upload(stage, file).key


def unpack(bucket: str, key: str, folder: Path) -> None:
    """Let a kept package lie in a folder in place of the one that does; files of the operator's own stay."""
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    for each in packaging.packaged_files(folder):
        each.unlink()
    packaging.forget(folder)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(folder)  # what we have put there ourselves
