"""A rollback: what served before serves again within seconds, and then the stack is brought in line with it.

The aliases move first, all of them or none. CloudFormation does not know of that, and the next release would go by
what it knows: so the template of the release before is deployed as well, without a canary, since the same code serves
already. An interruption at any point is mended by beginning again, or by the next release.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.core import clock
from tools.package import artifacts, finishing
from tools.refusal import Refusal
from tools.release import aliases, ledger
from tools.release.following import Follower, Say, deployments
from tools.release.ledger import Release, ReleaseLedger
from tools.stages import changes, parameters
from tools.stages.settings import Stage


def roll_back(stage: Stage, say: Say = print) -> str:
    """Let the release before serve again; one line of what came of it."""
    started = clock.monotonic()
    if changes.status(stage.stack) in changes.ABSENT:
        raise Refusal(f"There is no stack {stage.stack} to take back.")
    bucket = artifacts.bucket()
    if str(changes.status(stage.stack)).endswith("_IN_PROGRESS") and not is_unfinished(stage, bucket):
        return _stop(stage, say)
    if str(changes.status(stage.stack)).endswith("_IN_PROGRESS"):
        Follower(stage, say).wait()
    kept = ledger.read(stage, bucket) if is_unfinished(stage, bucket) else ledger.record(stage, bucket)
    target = kept.going_back_to or _before(stage, kept)
    before, to = aliases.live(stage), ledger.of(target)
    aliases.require(to, table=stage.table_name)
    kept.going_back_to = target
    ledger.write(stage, bucket, kept)
    _move(stage, bucket, kept, (before, to))
    seconds = clock.monotonic() - started
    say(f"What served at {target.at} serves again, after {seconds:.1f} seconds. Now the stack follows.")
    _bring_in_line(stage, bucket, target, say)
    _note(stage, bucket, kept, target)
    return f"{stage.name}: back at the release of {target.at}; {clock.monotonic() - started:.0f} seconds in all."


def is_unfinished(stage: Stage, bucket: str) -> bool:
    """Was a rollback begun and not ended?"""
    return ledger.read(stage, bucket).going_back_to is not None


def _before(stage: Stage, kept: ReleaseLedger) -> Release:
    earlier = kept.entries[-2:-1]
    if not earlier:
        raise Refusal(f"There is no release of {stage.name} before this one.")
    return earlier[0]


def _stop(stage: Stage, say: Say) -> str:
    """Stop a release that is under way, which by itself goes back then."""
    running = deployments(stage, "Created", "Queued", "InProgress", "Ready")
    for each in running:
        boto3.client("codedeploy").stop_deployment(deploymentId=each, autoRollbackEnabled=True)
    if not running:
        try:
            boto3.client("cloudformation").cancel_update_stack(StackName=stage.stack)
        except ClientError as error:
            say(f"CloudFormation cannot be stopped now ({error}); this waits for its end.")
    say("The release that is under way was told to stop; this waits until the version before has all requests.")
    status = Follower(stage, say).wait()
    if status not in ("UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"):
        raise Refusal(f"The stack {stage.stack} is {status} now: begin again to go back to the release before.")
    return f"{stage.name}: the release was stopped, and the version before serves."


def _move(
    stage: Stage, bucket: str, kept: ReleaseLedger, way: tuple[dict[str, aliases.Served], dict[str, aliases.Served]]
) -> None:
    try:
        aliases.move(*way)
    except Refusal:
        kept.going_back_to = None
        ledger.write(stage, bucket, kept)
        raise


def _bring_in_line(stage: Stage, bucket: str, target: Release, say: Say) -> None:
    body = ledger.template(target, bucket)
    _shift_at_once(body)
    place = artifacts.keep(stage.name, json.dumps(body))
    proposed = changes.propose(stage.stack, place.url, parameters.of_app(stage), stage.tags)
    if not proposed.changes:
        changes.withdraw(proposed)
        return
    follower = Follower(stage, say)
    boto3.client("cloudformation").execute_change_set(StackName=stage.stack, ChangeSetName=changes.NAME)
    try:
        follower.require_good()
    except Refusal as refusal:
        raise Refusal(
            f"{refusal}\nThe release before serves, but the stack did not follow: mend the cause, and begin again."
        ) from refusal


def _shift_at_once(body: dict[str, Any]) -> None:
    """Without CodeDeploy: it would compare what serves with what CloudFormation believes."""
    for properties in finishing.functions(body).values():
        properties.pop("DeploymentPreference", None)


def _note(stage: Stage, bucket: str, kept: ReleaseLedger, target: Release) -> None:
    """The release before is the latest now, by the numbers that its code has got."""
    at = kept.entries.index(target)
    versions = {name: f"{each.function}:{each.version}" for name, each in aliases.live(stage).items()}
    kept.entries = [*kept.entries[:at], Release(at=target.at, template=target.template, versions=versions)]
    kept.going_back_to = None
    ledger.write(stage, bucket, kept)
