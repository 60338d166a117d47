"""`python -m tests.e2e.launch COMMAND`: `python -m tools.local COMMAND`, with a grace for spent tokens beyond any test.

The launcher takes a stage's settings from `.chalice/config.json` alone, whose ten seconds are soon over, and whose
passwords take as long to hash as they should. What is deployed is packaged from a copy of the project, so that
packaging leaves no trace in this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.e2e import by_chalice, by_terraform
from tests.infra.packaging import copied, run
from tools.local import __main__ as launcher
from tools.local import deployed, shop
from tools.package import runtime

SETTINGS = {"REFRESH_GRACE_SECONDS": "3600", "PASSWORD_ROUNDS": "4"}


def main(arguments: list[str]) -> int:
    """What the launcher does; its exit code."""
    load, environment = shop.load, deployed.environment
    shop.load = lambda overrides: load({**overrides, **SETTINGS})
    deployed.environment = lambda *given: {**environment(*given), **SETTINGS}
    deployed.package = package
    if arguments == ["chalice"]:
        deployed.package, deployed.deploy = by_chalice.package, by_chalice.deploy
        deployed.functions_environment = by_chalice.functions_environment
        arguments = ["deployed"]
    if arguments == ["terraform"]:
        deployed.deploy, deployed.functions_environment = by_terraform.deploy, by_terraform.functions_environment
        arguments = ["deployed"]
    return launcher.main(arguments)


def package(stage: str, out: Path) -> Path:
    """What the launcher would package, of a copy.

    The signing key is not rotated at once: a second rotation within a week, as a test makes it, logs everybody out.
    """
    out.mkdir(parents=True)
    project = copied(out)
    run(project, "-m", "tools.package", stage, "out", "--python", runtime.own())
    file = project / "out" / "sam.json"
    template = json.loads(file.read_text())
    template["Resources"]["JwtSecretRotation"]["Properties"]["RotateImmediatelyOnUpdate"] = False
    file.write_text(json.dumps(template))
    return file.parent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
