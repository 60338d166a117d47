"""`python -m tools.release release|rollback|smoke|address STAGE`: ship a stage's code, take it back, try it, find it.

By `--format terraform` that is done by Terraform, as is `remove`.

Exit codes: 0 it is done, 1 it was not, with the reason and the state, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools import stages
from tools.package import artifacts
from tools.refusal import Refusal, complain
from tools.release import ledger, returning, shipping, trying
from tools.release.terraform import command, releasing, serving
from tools.stages import place
from tools.stages.settings import Stage

OUTPUTS = "GITHUB_OUTPUT"  # a file of GitHub's runners


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit code."""
    parser = ArgumentParser("python -m tools.release")
    parser.add_argument("work", choices=("release", "rollback", "smoke", "address", "remove"))
    parser.add_argument("stage")
    parser.add_argument("--python", help="package for another Python than the stage's, such as this machine's")
    parser.add_argument("--without-smoke", action="store_true", help="leave the last look to a further step")
    parser.add_argument("--format", choices=("sam", "terraform"), default="sam", help="what deployed the stage")
    given = parser.parse_args(arguments)
    try:
        stage = stages.read(given.stage)
        print(_work(given, stage))
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS did not do it: {error}. Begin again; what is done is not done twice.", code=1)
    except KeyboardInterrupt:
        return complain("Interrupted: what AWS has begun goes on. Begin again to follow it.", code=130)
    return 0


def _work(given: Namespace, stage: Stage) -> str:
    if given.work == "release":
        return _release(given, stage)
    if given.format == "terraform":
        return command.work(given.work, stage, python=given.python)
    if given.work == "remove":
        raise Refusal(f"`make remove STAGE={stage.name}` takes away what SAM deployed.")
    place.require(stage)
    if given.work == "rollback":
        return returning.roll_back(stage)
    if given.work == "address":
        return trying.address(stage)
    trying.over_http(stage)
    return f"{stage.name}: a customer can buy."


def _release(given: Namespace, stage: Stage) -> str:
    """Ship; further steps of a workflow hear whether their run moved what serves, so that there is a way back."""
    by_terraform = given.format == "terraform"
    ship = releasing.release if by_terraform else shipping.release
    said = ship(stage, python=given.python, tries=not given.without_smoke)
    if file := os.environ.get(OUTPUTS):
        moved = ledger.is_of_this_run(stage, artifacts.bucket(), serving.FILE if by_terraform else ledger.FILE)
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.write(f"moved={str(moved).lower()}\n")
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
