"""A release by Terraform: plan, apply, and the new versions of the API and its authorizer take over, or do not.

Begun again after an interruption it follows what is under way, and goes on; what is done is not done twice.
"""

from __future__ import annotations

import os
from pathlib import Path

import boto3

from chalicelib.core import clock
from tools.package import artifacts, canary
from tools.package.terraform import packaging
from tools.refusal import Refusal, is_confirmed
from tools.release import aliases, shipping, trying
from tools.release.following import Say
from tools.release.ledger import ReleaseLedger
from tools.release.terraform import packages, program, returning, serving, shifting
from tools.release.terraform.program import Terraform
from tools.restore import gate
from tools.stages import changes, checks, place, preflight
from tools.stages.settings import Stage

# What can be looked at without the stack of SAM's way.
CHECKS = {
    "generated files": checks.files,
    "Python": checks.python,
    "SES sandbox": checks.sandbox,
    "concurrency": checks.concurrency,
    "access logs": checks.gateway,
    "artifacts": checks.bucket,
}


def release(stage: Stage, say: Say = print, *, python: str | None = None, tries: bool = True) -> str:
    """Ship the present code; one line of what came of it. Raises `Refusal` with what the state is now."""
    started = clock.monotonic()
    place.require(stage)
    program.require_program()
    refuse_sam(stage)
    say(f"1. Is {stage.name} ready?")
    preflight.require(stage, say, CHECKS)
    say("2. Package")
    folder = packaging.package(stage.name, shipping.OUT, python)
    said = ship(stage, folder, say, started=started, tries=tries)
    if stage.is_protected and shipping.ON_A_RUNNER not in os.environ:
        shipping.note_commit(say)
    return said


def refuse_sam(stage: Stage) -> None:
    """Refuse a stage that SAM has deployed: its names are taken."""
    for stack in (stage.stack, stage.resources_stack):
        if changes.status(stack) not in changes.ABSENT:
            raise Refusal(f"{stage.name} is deployed by SAM, as the stack {stack}: choose one way.")


def ship(stage: Stage, folder: Path, say: Say = print, *, started: float, tries: bool = True) -> str:
    """Bring the stage up to the package in a folder; one line of what came of it."""
    terraform, bucket = open_state(stage, folder), artifacts.bucket()
    shifting.settle(stage, say)
    before = serving.live(terraform)
    kept = serving.read(stage, bucket)
    if before:
        _require_open(stage, terraform)
    if kept.going_back_to:
        raise Refusal(f"A rollback was not finished: make rollback STAGE={stage.name} FORMAT=terraform first.")
    say("3. Plan")
    _carry_out(terraform, say)
    to = serving.newest(terraform)
    serving.begin(stage, bucket, kept, package=packages.keep(stage.name, folder), to=to)
    _take_over(terraform, bucket, kept, say)
    if tries:
        say("6. Smoke test over HTTP")
        try_shop(stage, terraform, say)
    serving.end(stage, bucket, kept)
    if forgotten := aliases.forget_old(serving.live(terraform).values(), kept.kept):
        say(f"{forgotten} old versions were deleted.")
    return shipping.told(stage, before, to, started)


def open_state(stage: Stage, folder: Path) -> Terraform:
    """Terraform, ready. Raises `Refusal` when the stage is there and the state knows nothing of it."""
    terraform = Terraform(stage, folder)
    terraform.init()
    if terraform.outputs():
        return terraform
    try:
        boto3.client("lambda").get_function_configuration(FunctionName=f"{stage.stack}-{canary.SHIFTED[0]}")
    except boto3.client("lambda").exceptions.ResourceNotFoundException:
        return terraform
    raise Refusal(
        f"{stage.name} is deployed, and this state knows nothing of it: is its place in {folder / program.BACKEND} "
        f"that of the state, or was the first apply interrupted? Then `terraform apply` in {folder} goes on."
    )


def try_shop(stage: Stage, terraform: Terraform, say: Say) -> None:
    """Try the shop as a customer."""
    hook = boto3.client("lambda").get_function_configuration(FunctionName=f"{canary.PREFIX}{stage.stack}-smoke")
    trying.buy(stage, address(stage, terraform), hook["Environment"]["Variables"]["STREAM_LOGS"], say)


def address(stage: Stage, terraform: Terraform) -> str:
    """Where the stage's API answers."""
    told = terraform.outputs()
    if "rest_api_id" not in told:
        raise Refusal(f"Terraform knows no API of {stage.name}: make release STAGE={stage.name} FORMAT=terraform.")
    return trying.address_of(stage, told["rest_api_id"], told["health_url"])


def _require_open(stage: Stage, terraform: Terraform) -> None:
    if gate.lets_nobody_in(terraform.outputs()["rest_api_id"], stage.name):
        raise Refusal(f"{stage.name} is closed, and a release is tried by buying: open it first.")


def _carry_out(terraform: Terraform, say: Say) -> None:
    found = terraform.plan()
    if found is None:
        say("Nothing would change: this very code is there already.")
        return
    for change in found:
        say(f"  {change}")
    program.require_no_loss(found)
    if not is_confirmed("Release it?"):
        raise Refusal("Nothing was released: say YES=1 to do it.")
    say("4. Apply")
    terraform.apply(say)


def _take_over(terraform: Terraform, bucket: str, kept: ReleaseLedger, say: Say) -> None:
    """Let the new versions take over, or apply the release before again and raise `Refusal` with what was wrong."""
    stage, since = terraform.stage, clock.now()
    say("5. Traffic")
    try:
        shifting.shift(stage, serving.live(terraform), serving.newest(terraform), say)
    except Refusal as refusal:
        why = trying.last_failure(stage, since)
        shifting.settle(stage, say)
        end = "There is no release before to go back to: mend the cause, and release again."
        if kept.entries:
            say("The release before is applied again.")
            returning.go_back(terraform, bucket, kept, kept.entries[-1], say)
            end = "The version before serves, as if nothing had happened. Mend the cause, and release again."
        raise Refusal("\n".join(filter(None, [str(refusal), why, end]))) from refusal
