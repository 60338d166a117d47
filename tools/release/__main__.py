"""`python -m tools.release release|rollback|smoke|address STAGE`: ship a stage's code, take it back, try it, find it.

Exit codes: 0 it is done, 1 it was not, with the reason and the state, 130 interrupted.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from botocore.exceptions import BotoCoreError, ClientError

from tools import stages
from tools.refusal import Refusal, complain
from tools.release import returning, shipping, trying
from tools.stages import place
from tools.stages.settings import Stage


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit code."""
    parser = ArgumentParser("python -m tools.release")
    parser.add_argument("work", choices=("release", "rollback", "smoke", "address"))
    parser.add_argument("stage")
    parser.add_argument("--python", help="package for another Python than the stage's, such as this machine's")
    given = parser.parse_args(arguments)
    try:
        stage = stages.read(given.stage)
        print(_work(given.work, stage, given.python))
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS did not do it: {error}. Begin again; what is done is not done twice.", code=1)
    except KeyboardInterrupt:
        return complain("Interrupted: what AWS has begun goes on. Begin again to follow it.", code=130)
    return 0


def _work(work: str, stage: Stage, python: str | None) -> str:
    if work == "release":
        return shipping.release(stage, python=python)
    place.require(stage)
    if work == "rollback":
        return returning.roll_back(stage)
    if work == "address":
        return trying.address(stage)
    trying.over_http(stage)
    return f"{stage.name}: a customer can buy."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
