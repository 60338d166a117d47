"""What `make rollback|smoke|address|remove … FORMAT=terraform` does."""

from __future__ import annotations

from pathlib import Path

from tools.package.terraform import packaging
from tools.release import shipping
from tools.release.terraform import releasing, removal, returning
from tools.stages import place
from tools.stages.settings import Stage


def work(asked: str, stage: Stage, *, python: str | None) -> str:
    """Do it; one line of what came of it."""
    if asked == "remove":
        return removal.remove(stage, python=python)
    place.require(stage)
    if asked == "rollback":
        return returning.roll_back(stage)
    terraform = releasing.open_state(stage, _folder(stage, python))
    if asked == "address":
        return releasing.address(stage, terraform)
    releasing.try_shop(stage, terraform, print)
    return f"{stage.name}: a customer can buy."


def _folder(stage: Stage, python: str | None) -> Path:
    """The package that lies there, which may be one that was gone back to; one of the present code if none does."""
    folder = shipping.OUT / packaging.FORM / stage.name
    return folder if packaging.packaged_files(folder) else packaging.package(stage.name, shipping.OUT, python)
