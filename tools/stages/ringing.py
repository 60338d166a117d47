"""`python -m tools.stages.ringing STAGE`: let an alarm ring, to see that it arrives where people read it.

The alarm stops by itself at its next evaluation, within minutes. Exit codes: 0 it rings, 2 it does not.
"""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import ClientError

from tools import stages
from tools.refusal import Refusal, complain
from tools.stages import command, place
from tools.stages.settings import Stage

ALARM = "dead-letters"


def ring(stage: Stage) -> None:
    """Let it ring once."""
    place.require(stage)
    name = f"{stage.stack}-{ALARM}"
    try:
        boto3.client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason="A trial, by make ring: nothing is wrong."
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ResourceNotFoundException"):
            raise
        raise Refusal(f"There is no alarm {name}: make release STAGE={stage.name} makes it.") from error
    print(f"{name} rings. A mail has to come to {stage.alert_email or 'nobody, for there is no alert_email'}.")


def main(arguments: list[str]) -> int:
    """Let an alarm ring; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.stages.ringing STAGE")
    return command.carry_out(lambda: ring(stages.read(arguments[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
