"""`python -m tools.restore restore|backup|close|open STAGE`: the commands behind `make restore` and its like.

They work on a deployed stage, with your AWS credentials and region. Exit codes: 0 done, 2 it could not be done or had
to stop; every one of them may be repeated.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import transport
from chalicelib.core.errors import Misconfigured, Unavailable
from tools import stages
from tools.refusal import Refusal, complain
from tools.restore import archives, gate, steps, switch
from tools.restore.progress import say
from tools.stages import Stage

_AGAIN = "Run it again; it goes on where it was."


def main(arguments: list[str]) -> int:
    """Do one command; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.command(stages.read(asked.stage), asked))
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (ClientError, BotoCoreError, Unavailable, transport.RequestError) as error:
        return complain(f"It stopped: {str(error.__cause__ or error).rstrip('.')}. {_AGAIN}")
    except KeyboardInterrupt:
        return complain(f"It was interrupted. {_AGAIN}", code=130)


def _restore(stage: Stage, asked: Namespace) -> int:
    if asked.at and asked.archive:
        raise Refusal("AT or FROM, not both: an export has its instant.")
    archive = archives.read(asked.archive) if asked.archive else None
    at = _instant(asked.at) if asked.at else None
    return steps.restore(steps.Plan.make(stage, at=at, archive=archive, target=asked.to, switches=asked.switch))


def _backup(stage: Stage, asked: Namespace) -> int:
    bucket = asked.bucket or _bucket(stage)
    say(f"Exporting {stage.table_name} to s3://{bucket}/{archives.PREFIX}/.")
    made = archives.export(stage.table_name, bucket, _instant(asked.at) if asked.at else None)
    say(f"  {made.summary.item_count:,} items. To make a table of it: make restore STAGE={stage.name} FROM=…")
    print(made.url)
    return 0


def _close(stage: Stage, _: Namespace) -> int:
    say(f"Closing {stage.name}.")
    gate.close(stage)
    print(f"{stage.name} is closed: requests are answered 429 until `make open STAGE={stage.name}`.")
    return 0


def _open(stage: Stage, _: Namespace) -> int:
    if behind := switch.find_behind(stage):
        raise Refusal(f"{stage.name} stays closed: {'; '.join(behind)}. `make release STAGE={stage.name}` moves them.")
    say(f"Opening {stage.name}.")
    gate.open_again(stage)
    print(f"{stage.name} is open, at the table {stage.table_name}.")
    return 0


def _bucket(stage: Stage) -> str:
    account = boto3.client("sts").get_caller_identity()["Account"]
    return f"ecommerce-{stage.name}-{account}"


def _instant(text: str) -> datetime:
    """The instant that somebody typed, to the second."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(f"AT is an instant such as 2026-11-28T01:30:00Z, not {text!r}.") from error
    if at.tzinfo is None:
        raise Refusal(f"AT={text} does not say where: put a Z behind it for UTC, or +01:00 and the like.")
    steps.require_past(at)
    return at.astimezone(UTC).replace(microsecond=0)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("tools.restore", description="Restores a stage's table, and moves the stage to it.")
    commands = parser.add_subparsers(required=True)
    restore = _command(commands, "restore", _restore, "make a table as it was, and with --switch move the stage to it")
    restore.add_argument("--at", help="the instant, such as 2026-11-28T01:30:00Z")
    restore.add_argument("--from", dest="archive", help="an export instead: s3://bucket/backups/…/AWSDynamoDB/…")
    restore.add_argument("--to", help="the new table's name; without it it says the instant")
    restore.add_argument("--switch", action="store_true", help="close the shop, and move it to the new table")
    backup = _command(commands, "backup", _backup, "export the table to S3")
    backup.add_argument("--at", help="as of this instant instead of now")
    backup.add_argument("--bucket", help="another bucket than the stage's own")
    _command(commands, "close", _close, "let nothing in, and nothing run by itself")
    _command(commands, "open", _open, "let everything run again, if all of it is at the stage's table")
    return parser


def _command(commands: object, name: str, do: object, about: str) -> ArgumentParser:
    added: ArgumentParser = commands.add_parser(name, help=about, description=about)  # type: ignore[attr-defined]
    added.add_argument("stage", help="the stage, such as prod")
    added.set_defaults(command=do)
    return added


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
