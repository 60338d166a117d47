"""`python -m tools.delivery plan|notes|notify STAGE`: a plan, the notes of a release, a message how it ended.

Exit codes: 0 it is done, 1 it is not, or a release would be refused; notify ends with 0 always.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from botocore.exceptions import BotoCoreError, ClientError

from tools import stages
from tools.delivery import comment, notes, notify
from tools.refusal import Refusal, complain
from tools.release import planning


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit code."""
    parser = ArgumentParser("python -m tools.delivery")
    parser.add_argument("work", choices=("plan", "notes", "notify"))
    parser.add_argument("stage")
    parser.add_argument("--pull-request", type=int, help="where the plan is said as well")
    given = parser.parse_args(arguments)
    if given.work == "notify":
        print(notify.send(given.stage))
        return 0
    try:
        if given.work == "plan":
            return _plan(given)
        print(notes.publish(stages.read(given.stage).name))
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    return 0


def _plan(given: Namespace) -> int:
    """Say the plan here, and on the pull request; or there as well why there is none."""
    try:
        made = planning.plan(stages.read(given.stage))
    except Refusal as refusal:
        made = planning.ReleasePlan(f"There is no plan of `{given.stage}`: {refusal}\n", is_refused=True)
    except (BotoCoreError, ClientError) as error:
        made = planning.ReleasePlan(f"AWS did not make the plan of `{given.stage}`: {error}\n", is_refused=True)
    print(made.text, end="")
    if given.pull_request:
        comment.put(given.pull_request, given.stage, made.text)
    return 1 if made.is_refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
