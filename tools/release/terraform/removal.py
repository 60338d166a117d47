"""The end of a stage that Terraform made: all of it goes, its data as well, unless it is protected."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from tools.package import artifacts
from tools.package.terraform import packaging
from tools.refusal import Refusal, is_confirmed
from tools.release import shipping
from tools.release.following import Say
from tools.release.ledger import ReleaseLedger
from tools.release.terraform import program, serving
from tools.release.terraform.program import Terraform
from tools.stages import place
from tools.stages.settings import Stage


def remove(stage: Stage, say: Say = print, *, python: str | None = None) -> str:
    """Destroy the stage after a yes; what is left, in a line. Safe to repeat."""
    if stage.is_protected:
        raise Refusal(
            f"{stage.name} is protected: say is_protected = false in stages/{stage.name}.toml, and run "
            f"`make release STAGE={stage.name} FORMAT=terraform`, if you mean it."
        )
    place.require(stage)
    program.require_program()
    _require_unlocked(stage)
    terraform = Terraform(stage, packaging.package(stage.name, shipping.OUT, python))
    terraform.init()
    return destroy(terraform, say)


def destroy(terraform: Terraform, say: Say = print) -> str:
    """Destroy what the state knows, after a yes."""
    found, stage = terraform.plan("-destroy"), terraform.stage
    if not found:
        return f"There is nothing of {stage.name} by Terraform."
    for change in found:
        say(f"  {change}")
    if not is_confirmed(f"Destroy {stage.name}, {len(found)} resources, and all its data with them?"):
        raise Refusal("Nothing was destroyed: say YES=1 to do it.")
    terraform.apply(say)
    bucket = artifacts.bucket()
    serving.write(stage, bucket, ReleaseLedger())
    return f"{stage.name} is gone, {len(found)} resources. Its packages and its empty state stay in {bucket}."


def _require_unlocked(stage: Stage) -> None:
    """Refuse while the table is protected, whatever the stage's file says by now."""
    try:
        found = boto3.client("dynamodb").describe_table(TableName=stage.stack)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return
        raise
    if found.get("DeletionProtectionEnabled"):
        raise Refusal(f"{stage.stack} is protected: run `make release STAGE={stage.name} FORMAT=terraform` first.")
