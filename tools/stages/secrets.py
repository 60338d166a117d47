"""`python -m tools.stages.secrets pay STAGE FILE | rotate STAGE`: a stage's secrets.

`pay` puts the keys of the payment provider in; FILE is {"apiKey": "…", "webhookSecret": "…"}. Without a `webhookSecret`
the one that is there stays, or one stands in that nobody can guess. `rotate` makes another signing key, and waits until
it is in use. Exit codes: 0 it is done, 2 it is not.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3

from chalicelib.auth.models import SESSION_LIFETIME
from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from tools import stages
from tools.refusal import Refusal, complain, is_confirmed
from tools.stages import checks, command, place
from tools.stages.settings import Stage

ROTATION_SECONDS = 180
POLL_SECONDS = 1.0
CURRENT = "AWSCURRENT"


def put_payment_keys(stage: Stage, file: Path) -> None:
    """Put what the file holds into the payment secret, if it is what a payment secret has to hold."""
    place.require(stage)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} cannot be read: {error}") from error
    vault, name = boto3.client("secretsmanager"), stage.payment_secret_name
    given = checks.fields(text)
    if given and "webhookSecret" not in given:
        given["webhookSecret"] = _signing_secret(vault, name)
        text = json.dumps(given)
    if wrong := list(checks.judge_credentials(stage, text)):
        raise Refusal(f"Nothing was changed, for with {file} {wrong[0].what}: {wrong[0].remedy}.")
    vault.put_secret_value(SecretId=name, SecretString=text)
    print(f"{name} holds the keys; within five minutes all use them. Delete {file}.")


def _signing_secret(vault: Any, name: str) -> Any:
    """The webhook's signing secret that is there, or one that no message is signed with until Stripe's is put in."""
    there = checks.fields(vault.get_secret_value(SecretId=name)["SecretString"]).get("webhookSecret")
    return there if checks.are_signing_secrets(there) else f"whsec_{token_hex(32)}"


def rotate(stage: Stage) -> None:
    """Have the signing key rotated by its function. Asks first where that ends somebody's session."""
    place.require(stage)
    vault, name = boto3.client("secretsmanager"), stage.jwt_secret_name
    last: datetime | None = vault.describe_secret(SecretId=name).get("LastRotatedDate")
    is_again = last is not None and clock.now() - last < SESSION_LIFETIME
    if last and is_again:
        days = SESSION_LIFETIME.days
        print(f"It was rotated on {last:%Y-%m-%d}: twice in {days} days logs out who logged in before that.")
        if not is_confirmed("Rotate it all the same?"):
            raise Refusal("Nothing was changed: say YES=1 to do it.")
    version = vault.rotate_secret(SecretId=name)["VersionId"]
    print("The function that rotates has begun…", flush=True)
    deadline = Deadline(ROTATION_SECONDS)
    while CURRENT not in vault.describe_secret(SecretId=name)["VersionIdsToStages"].get(version, []):
        if deadline.is_over:
            raise Refusal(f"It is not done yet; see the log group /aws/lambda/{stage.stack}-rotate_jwt_secret.")
        clock.pause(POLL_SECONDS)
    before = "those from before the last time are good no more" if is_again else "those from before stay good"
    print(f"The signing key was rotated. New tokens are signed with it in ten minutes; {before}.")


def main(arguments: list[str]) -> int:
    """Do what is asked for; the exit code."""
    match arguments:
        case ["pay", name, file]:
            return command.carry_out(lambda: put_payment_keys(stages.read(name), Path(file)))
        case ["rotate", name]:
            return command.carry_out(lambda: rotate(stages.read(name)))
        case _:
            return complain("usage: python -m tools.stages.secrets pay STAGE FILE | rotate STAGE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
