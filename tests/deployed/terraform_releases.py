"""A stage that is released by Terraform: Terraform for it, its releases, and what was planned."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from chalicelib.core import clock
from tests.deployed.releases import MINUTE_SECONDS, STAGE, say
from tests.support import terraform as here
from tools.package.terraform import packaging
from tools.release import shipping
from tools.release.terraform import program, releasing
from tools.release.terraform.program import Terraform

QUICKLY = "-parallelism=30"


def environment(folder: Path, log: Path) -> dict[str, str]:
    """What Terraform is told here, and the local AWS' CodeDeploy: where the provider is, and to hurry."""
    return {
        "CODEDEPLOY_MINUTE_SECONDS": str(MINUTE_SECONDS),
        "YES": "1",
        "TF_CLI_ARGS_apply": QUICKLY,
        "TF_CLI_ARGS_plan": QUICKLY,
        "TF_CLI_CONFIG_FILE": str(configuration(folder)),
        "TF_LOG": "DEBUG",
        "TF_LOG_PATH": str(log),
    }


def configuration(folder: Path) -> Path:
    """What tells Terraform where this machine has the provider."""
    file = folder / "terraform.rc"
    mirror = here.mirror()
    file.write_text(here.MIRRORED.format(mirror=mirror, registry=here.REGISTRY) if mirror else "")
    return file


def ship(packaged: Path) -> str:
    """Release what SAM's package holds, translated."""
    folder = packaging.translate(STAGE.name, packaged, shipping.OUT)
    return releasing.ship(STAGE, folder, say, started=clock.monotonic())


def terraform() -> Terraform:
    return Terraform(STAGE, shipping.OUT / packaging.FORM / STAGE.name)


def address() -> str:
    return releasing.address(STAGE, terraform())


def planned() -> list[dict[str, Any]]:
    """Every resource as the latest plan says that it will be."""
    command = [here.program(), "show", "-json", program.PLAN]
    shown = subprocess.run(command, cwd=terraform().folder, capture_output=True, text=True, check=True)
    root = json.loads(shown.stdout)["planned_values"]["root_module"]
    return [resource for module in root["child_modules"] for resource in module["resources"]]
