"""A rollback by Terraform: what served before serves again within seconds, and then its package is applied again.

Without the second half the next plan would undo the first: the aliases behind the stream and the schedule are
Terraform's, and the state would hold the newer code. So the package of the release before is put back into the folder,
applied, and the API and its authorizer go to the versions that this makes of it, which are the same code. After that a
plan says that nothing changes, and whoever packages newer code releases it on purpose.

A closed shop is not taken back, for the apply would open it.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from chalicelib.core import clock
from tools.package import artifacts
from tools.package.terraform import packaging
from tools.refusal import Refusal
from tools.release import aliases, ledger, shipping
from tools.release.following import Say
from tools.release.ledger import Release, ReleaseLedger
from tools.release.terraform import packages, program, serving, shifting
from tools.release.terraform.program import Terraform
from tools.restore import gate
from tools.stages.settings import Stage


def roll_back(stage: Stage, say: Say = print) -> str:
    """Let the release before serve again; one line of what came of it."""
    started = clock.monotonic()
    program.require_program()
    _require_open(stage)
    if running := shifting.under_way(stage):
        shifting.stop(running)
        say("The release that is under way was told to stop; this waits until the version before has all requests.")
        shifting.settle(stage, say)
    bucket = artifacts.bucket()
    kept = serving.read(stage, bucket)
    target = kept.going_back_to or _before(stage, kept)
    go_back(Terraform(stage, shipping.OUT / packaging.FORM / stage.name), bucket, kept, target, say)
    return f"{stage.name}: back at the release of {target.at}; {clock.monotonic() - started:.0f} seconds in all."


def go_back(terraform: Terraform, bucket: str, kept: ReleaseLedger, target: Release, say: Say) -> None:
    """Let that release serve, and bring Terraform in line with it. Safe to repeat after an interruption."""
    started, stage = clock.monotonic(), terraform.stage
    aliases.require(ledger.of(target), table=stage.table_name)
    kept.going_back_to = target
    serving.write(stage, bucket, kept)
    _move(stage, bucket, kept, target)
    say(f"What served at {target.at} serves, after {clock.monotonic() - started:.1f} seconds. Now Terraform follows.")
    _bring_in_line(terraform, bucket, target, say)
    _note(terraform, bucket, kept, target)


def _before(stage: Stage, kept: ReleaseLedger) -> Release:
    """The release before what serves; the latest where what serves was never finished."""
    is_finished = bool(kept.entries) and serving.written(serving.of(kept)) == kept.entries[-1].versions
    earlier = kept.entries[-2:-1] if is_finished else kept.entries[-1:]
    if not earlier:
        raise Refusal(f"There is no release of {stage.name} by Terraform before this one.")
    return earlier[0]


def _move(stage: Stage, bucket: str, kept: ReleaseLedger, target: Release) -> None:
    try:
        aliases.move(serving.of(kept), ledger.of(target))
    except Refusal:
        kept.going_back_to = None
        serving.write(stage, bucket, kept)
        raise


def _bring_in_line(terraform: Terraform, bucket: str, target: Release, say: Say) -> None:
    try:
        packages.unpack(bucket, target.template, terraform.folder)
        _apply(terraform, say)
    except (Refusal, ClientError) as error:
        raise Refusal(
            f"{error}\nThe release before serves, but Terraform did not follow: mend the cause, and begin again."
        ) from error
    aliases.move(serving.live(terraform), serving.newest(terraform))


def _apply(terraform: Terraform, say: Say) -> None:
    """Apply what lies in the folder, unless nothing would change."""
    packages.place_code(terraform.stage.name, terraform.folder)
    terraform.init()
    _require_known(terraform)
    found = terraform.plan()
    if harm := program.harm_of(found or []):
        raise Refusal(f"It applies nothing: {harm}.")
    if found is not None:
        terraform.apply(say)


def _require_open(stage: Stage) -> None:
    """Refuse for a closed shop, since an apply opens it."""
    if gate.is_closed(stage):
        raise Refusal(f"{stage.name} is closed, and a rollback by Terraform would open it: open it first.")


def _require_known(terraform: Terraform) -> None:
    """Refuse when the state knows nothing of the stage, which an apply would make once more."""
    if not terraform.outputs():
        file = terraform.folder / program.BACKEND
        raise Refusal(
            f"The state that {file} names knows nothing of {terraform.stage.name}: put the file there that says where "
            f"the state lies, and run `terraform init -reconfigure` in {terraform.folder}."
        )


def _note(terraform: Terraform, bucket: str, kept: ReleaseLedger, target: Release) -> None:
    """The release before is the latest now, by the numbers that its code has got."""
    at = kept.entries.index(target)
    versions = serving.written(serving.newest(terraform))
    kept.entries = [*kept.entries[:at], Release(at=target.at, template=target.template, versions=versions)]
    kept.going_back_to, kept.under_way = None, None
    serving.write(terraform.stage, bucket, kept)
