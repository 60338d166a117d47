"""Which version of each function serves in a stage that Terraform deployed, and what its ledger notes of that."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core import clock
from tools.release import aliases, ledger
from tools.release.aliases import Served
from tools.release.ledger import Release, ReleaseLedger
from tools.release.terraform.program import Terraform
from tools.stages.settings import Stage

FILE = "releases-terraform.json"


def live(terraform: Terraform) -> dict[str, Served]:
    """What serves now, by function; nothing before the first release."""
    return {name: aliases.serving(name) for name in terraform.outputs().get("versions", {})}


def newest(terraform: Terraform) -> dict[str, Served]:
    """What the last apply published, by function."""
    return {name: Served(name, version) for name, version in terraform.outputs().get("versions", {}).items()}


def of(kept: ReleaseLedger) -> dict[str, Served]:
    """What serves now of the functions that the latest release had."""
    return {name: aliases.serving(name) for name in (kept.entries[-1].versions if kept.entries else ())}


def read(stage: Stage, bucket: str) -> ReleaseLedger:
    """The ledger; a release that was interrupted after its last step is noted first."""
    kept = ledger.read(stage, bucket, FILE)
    if kept.under_way and _serves(kept.under_way):
        end(stage, bucket, kept)
    return kept


def write(stage: Stage, bucket: str, kept: ReleaseLedger) -> None:
    """Keep it."""
    ledger.write(stage, bucket, kept, FILE)


def begin(stage: Stage, bucket: str, kept: ReleaseLedger, *, package: str, to: Mapping[str, Served]) -> None:
    """Note the package and the versions that are about to serve."""
    kept.under_way = Release(at=clock.timestamp(), template=package, versions=written(to), run=ledger.present_run())
    write(stage, bucket, kept)


def end(stage: Stage, bucket: str, kept: ReleaseLedger) -> None:
    """The release that was under way serves: it is the latest, unless the latest is the same."""
    release = kept.under_way
    if release and (not kept.entries or kept.entries[-1].versions != release.versions):
        kept.entries.append(release)
    kept.under_way = None
    write(stage, bucket, kept)


def written(serving: Mapping[str, Served]) -> dict[str, str]:
    """What serves, as the ledger spells it."""
    return {name: f"{each.function}:{each.version}" for name, each in serving.items()}


def _serves(release: Release) -> bool:
    return all(aliases.serving(each.function) == each for each in ledger.of(release).values())
