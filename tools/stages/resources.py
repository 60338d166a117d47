"""`python -m tools.stages.resources STAGE`: bring the stack of what must never be lost up to the stage's settings.

Shows what would change, and does it after a yes: YES=1 in the environment, or an answer at the terminal. Safe to
repeat: when nothing would change, nothing is done. Exit codes: 0 the stack is as it should be, 2 it is not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import boto3

from tools import stages
from tools.refusal import Refusal, complain
from tools.stages import changes, command, parameters, place
from tools.stages.settings import Stage

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "template.yaml"
# What holds data or is known by its name elsewhere; CloudFormation would leave the former one behind, out of the stack.
MUST_STAY = {"Table", "Bucket", "JwtSecret", "PaymentSecret", "DeadLetters", "AlertTopic", "EventBus"}
# What its stack leaves behind, by the template's deletion policies.
OUTLIVES = {"Table", "Bucket", "JwtSecret", "PaymentSecret", "DeadLetters", "MailIdentity"}
# What a secret is called is what it is: another name is another secret, with another key in it.
NAMED = {"jwt_secret_name": "JwtSecretName", "payment_secret_name": "PaymentSecretName"}


def propose(stage: Stage, *, name: str = changes.NAME) -> changes.ChangeSet:
    """The change set of the stage's resources, to be looked at. Raises `Refusal` when it would give up data."""
    found = changes.describe(stage.resources_stack)
    outputs = changes.outputs_of(found) if found else {}
    for key, output in NAMED.items():
        if outputs.get(output, getattr(stage, key)) != getattr(stage, key):
            raise Refusal(f"stages/{stage.name}.toml: {key} cannot change any more; the stack has {outputs[output]}.")
    given = parameters.of_resources(stage, outputs.get("TableName"))
    body = TEMPLATE.read_text(encoding="utf-8")
    proposed = changes.propose(stage.resources_stack, body, given, stage.tags, name=name)
    lost = [change for change in proposed.changes if change.name in MUST_STAY and change.loses_it]
    if lost and not proposed.is_new:
        changes.withdraw(proposed)
        raise Refusal(f"Nothing was changed, for the stack would lose what it has: {lost[0]}.")
    return proposed


def protect(stage: Stage) -> None:
    """Set the protection of the stack against deletion as the stage's file says."""
    boto3.client("cloudformation").update_termination_protection(
        StackName=stage.resources_stack, EnableTerminationProtection=stage.is_protected
    )


def bring_up(stage: Stage) -> None:
    """Show what would change, ask, and do it."""
    place.require(stage)
    changes.settle(propose(stage))
    protect(stage)


def main(arguments: list[str]) -> int:
    """Bring the stack up; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.stages.resources STAGE")
    return command.carry_out(lambda: bring_up(stages.read(arguments[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
