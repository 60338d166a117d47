"""The releases of a stage, the last ten: which version of each function served, and the template that it came with.

It lies in the account's bucket for artifacts. An entry is made of what serves, not of what was meant to, so it can be
made at any time afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import boto3
import msgspec
from botocore.exceptions import ClientError

from chalicelib.core import clock
from tools.release import aliases
from tools.release.aliases import Served
from tools.stages.settings import Stage

MAX_ENTRIES = 10
FILE = "releases.json"
RUN = "GITHUB_RUN_ID"  # the same in each attempt of a run


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release that served, or serves."""

    at: str
    template: str
    versions: dict[str, str]
    run: str = ""  # of GitHub's, that let it serve


class ReleaseLedger(msgspec.Struct, kw_only=True):
    """The releases, the latest last; and where a rollback was on its way to."""

    entries: list[Release] = []
    going_back_to: Release | None = None
    under_way: Release | None = None  # by Terraform, from its apply to the end of the shifting

    @property
    def kept(self) -> dict[str, set[str]]:
        """The versions that it names, by function."""
        found: dict[str, set[str]] = {}
        for entry in self.entries:
            for served in of(entry).values():
                found.setdefault(served.function, set()).add(served.version)
        return found


def of(entry: Release) -> dict[str, Served]:
    """What served then."""
    return {name: Served(*each.rsplit(":", 1)) for name, each in entry.versions.items()}


def read(stage: Stage, bucket: str, file: str = FILE) -> ReleaseLedger:
    """The stage's ledger; an empty one before its first release."""
    try:
        found = boto3.client("s3").get_object(Bucket=bucket, Key=_key(stage, file))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return ReleaseLedger()
        raise
    return msgspec.json.decode(found["Body"].read(), type=ReleaseLedger)


def write(stage: Stage, bucket: str, ledger: ReleaseLedger, file: str = FILE) -> None:
    """Keep it."""
    ledger.entries = ledger.entries[-MAX_ENTRIES:]
    boto3.client("s3").put_object(Bucket=bucket, Key=_key(stage, file), Body=msgspec.json.encode(ledger))


def record(stage: Stage, bucket: str) -> ReleaseLedger:
    """Add what serves now, unless it is the latest entry; the ledger."""
    ledger, serving = read(stage, bucket), aliases.live(stage)
    versions = {name: f"{each.function}:{each.version}" for name, each in serving.items()}
    if not ledger.entries or ledger.entries[-1].versions != versions:
        kept = _keep_template(stage, bucket)
        ledger.entries.append(Release(at=clock.timestamp(), template=kept, versions=versions, run=present_run()))
        write(stage, bucket, ledger)
    return ledger


def present_run() -> str:
    """The run of GitHub's that this is part of; nothing anywhere else."""
    return os.environ.get(RUN, "")


def is_of_this_run(stage: Stage, bucket: str, file: str = FILE) -> bool:
    """Did this run let the latest release serve, be it in an attempt that was cut off before it could say so?"""
    latest = read(stage, bucket, file).entries[-1:]
    return bool(present_run()) and [each.run for each in latest] == [present_run()]


def template(entry: Release, bucket: str) -> dict[str, Any]:
    """The template of that release."""
    body: dict[str, Any] = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=entry.template)["Body"].read())
    return body


def _keep_template(stage: Stage, bucket: str) -> str:
    """Put the stack's own template, as it was sent, into the bucket; its key."""
    found = boto3.client("cloudformation").get_template(StackName=stage.stack, TemplateStage="Original")["TemplateBody"]
    body = found if isinstance(found, str) else json.dumps(found)
    key = f"{stage.name}/releases/{hashlib.sha256(body.encode()).hexdigest()}.json"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
    return key


def _key(stage: Stage, file: str) -> str:
    return f"{stage.name}/{file}"
