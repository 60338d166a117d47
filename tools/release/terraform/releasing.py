"""A release by Terraform: plan, apply, and the new versions of the API and its authorizer take over, or do not.

Begun again after an interruption it follows what is under way, and goes on; what is done is not done twice.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import boto3

from chalicelib.core import clock
from tools.package import artifacts, canary, viewer
from tools.package.terraform import closing, packaging
from tools.refusal import Refusal, is_confirmed
from tools.release import aliases, closed, shipping, trying
from tools.release.following import Say
from tools.release.ledger import ReleaseLedger
from tools.release.terraform import packages, program, returning, serving, shifting
from tools.release.terraform.program import Terraform
from tools.stages import changes, checks, place, preflight
from tools.stages.settings import Stage

CLOSED = (f"-var={closing.VARIABLE}=true",)
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
    packages.place_code(stage.name, folder)
    shifting.settle(stage, say)
    before = serving.live(terraform)
    kept = serving.read(stage, bucket)
    moves = bool(before) and closed.moves(stage)
    if kept.going_back_to:
        raise Refusal(f"A rollback was not finished: make rollback STAGE={stage.name} FORMAT=terraform first.")
    say("3. Plan")
    _carry_out(terraform, say, CLOSED if moves else ())
    viewer.put(stage)
    to = serving.newest(terraform)
    serving.begin(stage, bucket, kept, package=packages.keep(stage.name, folder), to=to)
    with closed.keep(stage) if moves else nullcontext():
        _take_over(terraform, bucket, kept, say, goes_back=not moves)
    if tries and not moves:
        say("6. Smoke test over HTTP")
        try_shop(stage, terraform, say)
    serving.end(stage, bucket, kept)
    if forgotten := aliases.forget_old(serving.live(terraform).values(), kept.kept):
        say(f"{forgotten} old versions were deleted.")
    said = shipping.told(stage, before, to, started)
    return f"{said}\n{closed.next_step(stage)}" if moves else said


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
    log = hook["Environment"]["Variables"]["STREAM_LOGS"]
    trying.buy(stage, address(stage, terraform), log, say, form=" FORMAT=terraform")


def address(stage: Stage, terraform: Terraform) -> str:
    """Where the stage's API answers."""
    told = terraform.outputs()
    if "rest_api_id" not in told:
        raise Refusal(f"Terraform knows no API of {stage.name}: make release STAGE={stage.name} FORMAT=terraform.")
    return trying.address_of(stage, told["rest_api_id"], told["health_url"])


def _carry_out(terraform: Terraform, say: Say, words: tuple[str, ...]) -> None:
    found = terraform.plan(*words)
    if found is None:
        say("Nothing would change: this very code is there already.")
        return
    for change in found:
        say(f"  {change}")
    program.require_no_harm(found)
    if not is_confirmed("Release it?"):
        raise Refusal("Nothing was released: say YES=1 to do it.")
    say("4. Apply")
    terraform.apply(say)


def _take_over(terraform: Terraform, bucket: str, kept: ReleaseLedger, say: Say, *, goes_back: bool) -> None:
    """Let the new versions take over, or raise `Refusal` with what was wrong.

    Where it `goes_back` the release before is applied again then; after a restore that one is at the damaged table.
    """
    stage, since = terraform.stage, clock.now()
    say("5. Traffic")
    try:
        shifting.shift(stage, serving.live(terraform), serving.newest(terraform), say)
    except Refusal as refusal:
        why = trying.last_failure(stage, since)
        shifting.settle(stage, say)
        end = "There is no release to go back to: mend the cause, and release again."
        if kept.entries and goes_back:
            say("The release before is applied again.")
            returning.go_back(terraform, bucket, kept, kept.entries[-1], say)
            end = "The version before serves, as if nothing had happened. Mend the cause, and release again."
        raise Refusal("\n".join(filter(None, [str(refusal), why, end]))) from refusal
