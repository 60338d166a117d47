"""A release: the resources, the package, and new versions that take over the traffic, or do not.

What CloudFormation and CodeDeploy have begun goes on when this is interrupted; begun again, it follows what is under
way and then goes on itself. Every step is safe to repeat.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import boto3

from chalicelib.core import clock
from tools.package import artifacts, finishing, sam, viewer
from tools.refusal import Refusal, is_confirmed
from tools.release import aliases, closed, ledger, returning, trying
from tools.release.following import Follower, Say
from tools.stages import changes, parameters, place, preflight, resources
from tools.stages.settings import Stage

PROJECT = Path(__file__).parents[2]
ON_A_RUNNER = "GITHUB_ACTIONS"
OUT, LAST_RELEASE = PROJECT / "out", PROJECT / ".last-release"


def release(stage: Stage, say: Say = print, *, python: str | None = None, tries: bool = True) -> str:
    """Ship the present code to the stage; one line of what came of it. Raises `Refusal` with what the state is now.

    Whether it `tries` what serves then, over HTTP, or leaves that to the caller.
    """
    started = clock.monotonic()
    place.require(stage)
    join(stage, say)
    say(f"1. Is {stage.name} ready?")
    preflight.require(stage, say)
    say("2. Resources")
    resources.bring_up(stage)
    say("3. Package, and upload")
    sam.package(stage.name, OUT / stage.name, python)
    template = artifacts.put(stage.name, OUT / stage.name)
    viewer.put(stage)
    said = ship(stage, template.url, say, started=started, tries=tries)
    if stage.is_protected and ON_A_RUNNER not in os.environ:  # there the tag of the release's notes says it
        note_commit(say)
    return said


def ship(stage: Stage, template_url: str, say: Say = print, *, started: float, tries: bool = True) -> str:
    """Bring the app's stack up to a template that lies in the bucket; one line of what came of it."""
    bucket = artifacts.bucket()
    is_first = changes.status(stage.stack) in changes.ABSENT
    moves = not is_first and closed.moves(stage)
    before = {} if is_first else remember(stage, bucket, say)
    say(f"4. Stack {stage.stack}")
    proposed = changes.propose(stage.stack, template_url, parameters.of_app(stage), stage.tags)
    if proposed.changes:
        with closed.keep(stage) if moves else nullcontext():
            _carry_out(stage, proposed, say)
    else:
        changes.withdraw(proposed)
        say("Nothing would change: this very code serves already.")
    if tries and not moves:
        say("5. Smoke test over HTTP")
        trying.over_http(stage, say)
    kept = ledger.record(stage, bucket).kept
    if forgotten := aliases.forget_old(aliases.live(stage).values(), kept):
        say(f"{forgotten} old versions were deleted.")
    said = told(stage, before, aliases.live(stage), started)
    return f"{said}\n{closed.next_step(stage)}" if moves else said


def note_commit(say: Say, file: Path = LAST_RELEASE) -> None:
    """Note which commit serves now, for the test that the next code must pass; only of a clean checkout."""
    changed, commit = _git("status", "--porcelain"), _git("rev-parse", "HEAD")
    if changed.returncode or changed.stdout or commit.returncode:
        say(f"{file.name} stays as it is: this checkout is not exactly one commit.")
        return
    file.write_text(commit.stdout)
    say(f"{file.name} names this commit now; commit it.")


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        ("git", *words),  # noqa: S607 - whichever git the operator has
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def join(stage: Stage, say: Say = print) -> None:
    """Follow to its end what is under way already."""
    if str(changes.status(stage.stack)).endswith("_IN_PROGRESS") and changes.status(stage.stack) not in changes.ABSENT:
        say(f"The stack {stage.stack} is being changed already; this follows it first.")
        Follower(stage, say).wait()


def remember(stage: Stage, bucket: str, say: Say) -> dict[str, aliases.Served]:
    """What serves now, after it was noted to go back to; a rollback that was not finished is finished first."""
    if returning.is_unfinished(stage, bucket):
        say("A rollback was not finished; it is finished first.")
        returning.roll_back(stage, say)
    ledger.record(stage, bucket)
    return aliases.live(stage)


def _carry_out(stage: Stage, proposed: changes.ChangeSet, say: Say) -> None:
    for change in proposed.changes:
        say(f"  {change}")
    if not is_confirmed("Release it?"):
        changes.withdraw(proposed)
        raise Refusal("Nothing was released: say YES=1 to do it.")
    follower, since = Follower(stage, say), clock.now()
    boto3.client("cloudformation").execute_change_set(StackName=stage.stack, ChangeSetName=changes.NAME)
    try:
        follower.require_good()
    except Refusal as refusal:
        why = trying.last_failure(stage, since)
        raise Refusal("\n".join(filter(None, [str(refusal), why, _state_after_failure(stage)]))) from refusal


def _state_after_failure(stage: Stage) -> str:
    status = str(changes.status(stage.stack))
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return "The version before serves, as if nothing had happened. Mend the cause, and release again."
    if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED"):
        return f"Nothing serves. Delete the stack {stage.stack}, mend the cause, and release again."
    return (
        f"The stack is {status}: look at its events, then "
        f"`aws cloudformation continue-update-rollback --stack-name {stage.stack}`."
    )


def told(
    stage: Stage, before: Mapping[str, aliases.Served], after: Mapping[str, aliases.Served], started: float
) -> str:
    """What came of a release, in a line."""
    were = {name: before[name].version if name in before else "-" for name in after}
    moved = [
        f"{name.removesuffix('Alias' + finishing.ALIAS)} {were[name]} → {each.version}"
        for name, each in after.items()
        if were[name] != each.version
    ]
    seconds = clock.monotonic() - started
    return f"{stage.name}: {', '.join(moved) or 'the same versions serve'}; {seconds:.0f} seconds."
