"""Letters about scheduled runs that were given up, and how they are made up for.

EventBridge writes one when it could not call a function, the Lambda service when the function failed each time; both
hold the event of the rule. A run of each minute is made up for by every later one, since what it is to do stands in
the table; so is an audit by a later audit. Any other is run here and now, for the instant that it was meant for: that
is what a repetition by the Lambda service would be, and scheduled functions may come late and twice.
"""

import importlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from chalicelib.core import clock
from chalicelib.reports import audit
from tools.letters import not_understood, shaped
from tools.local import functions, schedule

_EACH_MINUTE = timedelta(minutes=1)
_AUDIT = "check_store"
_OF_RULES = "aws.events"


class MissedRun(NamedTuple):
    """A scheduled function, and the instant that it was to be called for."""

    job: str
    at: datetime


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule of the schedule sends, as far as it says which run it is."""

    time: datetime
    resources: list[str]


class _Called(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the Lambda service says of a call that it has given up."""

    function_arn: str


def is_about(letter: Mapping[str, Any]) -> bool:
    """Was it written for a call that nobody waited for, rather than for a record of the stream?"""
    return "requestPayload" in letter or letter.get("source") == _OF_RULES


def read(letter: Mapping[str, Any]) -> MissedRun:
    """The run that a letter is about, or `Lost`."""
    event = shaped(letter.get("requestPayload", letter), _Event, "it does not say which rule was to be followed when")
    named = list(event.resources)
    if "requestPayload" in letter:
        named.append(shaped(letter.get("requestContext"), _Called, "it names no function").function_arn)
    known = schedule.expressions(importlib.import_module("app").app)
    meant = [job for job in known if any(_folded(job) in _folded(each) for each in named)]
    if len(meant) != 1 or event.time.tzinfo is None:
        raise not_understood("it names no scheduled function, or no instant")
    return MissedRun(meant[0], event.time)


def make_up(run: MissedRun) -> str | None:
    """Do what a run was to do, unless a later one has or will; gives why its letter has to stay, if it has."""
    app = importlib.import_module("app")
    if schedule.Timetable.of(schedule.expressions(app.app)[run.job]).step <= _EACH_MINUTE or _is_audited_since(run):
        return None
    try:
        done = functions.call(getattr(app, run.job), schedule.event(run.at), functions.context(run.job))
    except functions.FunctionFailed:
        return f"{run.job} failed again; the log above says why."
    return f"{run.job} could not do all; the log above says why." if done.get("failed") else None


def _is_audited_since(run: MissedRun) -> bool:
    """Has a later audit looked at the same?"""
    if run.job != _AUDIT:
        return False
    report = audit.get_latest()
    return report is not None and clock.parse(report.at) >= run.at


def _folded(name: str) -> str:
    """One spelling of a function's name: Python's, that of templates, and the part of one that CloudFormation made."""
    return re.sub("[^a-z]", "", name.lower())
