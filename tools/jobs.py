"""`python -m tools.jobs NAME [--at INSTANT] [--again]`: a scheduled function's work by hand, for any instant.

NAME is the function's in app.py. The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS
credentials, and BUCKET_NAME for what writes files. Safe to repeat, also beside the schedule: that is what scheduled
functions promise. With `--at` the function and all that it calls take INSTANT for now; without, it is now. `--again`
goes to the function in its event. Exit codes: 0 done, 1 done but for what the function could not do, 2 nothing done.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, NoReturn

from chalicelib.aws import s3, transport
from chalicelib.core import clock, settings
from chalicelib.core.errors import Misconfigured, Unavailable
from tools import stage
from tools.local import functions, schedule
from tools.refusal import Refusal, complain

_FURTHEST = timedelta(days=3653)
# What a function counts what it could not do as; a delivery that a receiver refused is done, however it ended (F24).
_FAILURES = {"deliver_webhooks": "broken"}
_FAILED = "failed"
_REPEATABLE = {"summarise_sales"}  # what can write anew what is written already


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message[:1].upper()}{message[1:]}; {self.format_usage().strip()}.")


def main(arguments: list[str]) -> int:
    """Do the work of one function; the exit code."""
    try:
        wanted = _read(arguments)
        stage.enter(needs=("BUCKET_NAME",))
        app = importlib.import_module("app")
        at = _instant(wanted.at) if wanted.at else None
        handler = _find(app, wanted.name)
        _require_repeatable(wanted)
        stage.require_table()
        done = _run(wanted.name, handler, at, {"again": True} if wanted.again else {})
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (Unavailable, transport.RequestError, s3.S3Error) as error:
        return complain(f"{wanted.name} stopped: {error.__cause__ or error}. Run it again.")
    except KeyboardInterrupt:
        return complain("Interrupted; run it again.", code=130)
    print(json.dumps({"job": wanted.name, **done}))
    return 1 if done.get(_FAILURES.get(wanted.name, _FAILED)) else 0


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m tools.jobs", description="Run a scheduled function by hand.")
    parser.add_argument("name", help="a scheduled function of app.py")
    parser.add_argument("--at", help="the instant to run it for, such as 2026-11-20T00:30:00Z; now without")
    parser.add_argument("--again", action="store_true", help="write anew what is written already")
    return parser.parse_args(arguments)


def _require_repeatable(wanted: argparse.Namespace) -> None:
    if wanted.again and wanted.name not in _REPEATABLE:
        raise Refusal(f"{wanted.name} writes nothing that could be written again; leave AGAIN out.")


def _find(app: ModuleType, name: str) -> functions.Function:
    names = schedule.expressions(app.app)
    if name not in names:
        raise Refusal(f"There is no scheduled function {name!r}; there are {', '.join(names)}.")
    handler: functions.Function = getattr(app, name)
    return handler


def _instant(text: str) -> datetime:
    """The instant in UTC; one to come is for the local shop only, whose schedule may find its work done already."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refusal(f"The instant must be one such as 2026-11-20T00:30:00Z, not {text!r}.")
    if at > clock.now() and not settings.current().is_local:
        raise Refusal(f"{text} is still to come; only the local shop may be ahead of its time.")
    if abs(at - clock.now()) > _FURTHEST:
        raise Refusal(f"{text} is more than ten years away.")
    return at.astimezone(UTC)


def _run(name: str, handler: functions.Function, at: datetime | None, detail: dict[str, Any]) -> dict[str, Any]:
    """What the function answers; its log lines go where they are not taken for the answer."""
    event = schedule.event(at or clock.now(), detail)
    with clock.fixed(at) if at else nullcontext(), redirect_stdout(sys.stderr):
        done: dict[str, Any] = handler(event, functions.context(name))
    return {"at": event["time"], **done}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
