"""The order of a restore, from a stage that is damaged to one that stands at the table as it was.

Each step asks what is done already, so the whole may be interrupted anywhere, and is repeated with the same words.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.core import clock, settings
from tools import audit, stage
from tools.recompute.__main__ import main as recompute
from tools.refusal import Refusal
from tools.restore import archives, gate, losses, messages, switch, tables
from tools.restore.archives import Archive
from tools.restore.progress import say
from tools.stages import Stage

_SUFFIX = re.compile(r"-\d{8}T\d{4}(\d\d)?(-import)?$")
_UNDONE = 2  # the exit code of a tool that could not do its work
PROVIDER_NEEDS = ("PAYMENT_SECRET_NAME",)


@dataclass(frozen=True)
class Plan:
    """What is wanted: the stage's table as of an instant, from recovery or an export, and whether to move to it."""

    stage: Stage
    at: datetime
    archive: Archive | None
    target: str
    switches: bool

    @classmethod
    def make(
        cls, of: Stage, *, at: datetime | None, archive: Archive | None, target: str | None, switches: bool
    ) -> Plan:
        """The plan, with a name of the table that says the instant where the caller gives none."""
        instant = archive.summary.export_time if archive else at
        if instant is None:
            raise Refusal("Restore to when? AT=2026-11-28T01:30:00Z, or FROM=s3://… for an export.")
        name = target or name_of(of.table_name, instant, is_import=archive is not None)
        return cls(stage=of, at=instant, archive=archive, target=name, switches=switches)


def name_of(table: str, at: datetime, *, is_import: bool) -> str:
    """What a table made of one is called, such as `ecommerce-prod-20261128T0130`; no name grows by repeating."""
    utc = at.astimezone(UTC)
    instant = utc.strftime("%Y%m%dT%H%M%S" if utc.second else "%Y%m%dT%H%M")
    return f"{_SUFFIX.sub('', table)}-{instant}{'-import' if is_import else ''}"


def restore(plan: Plan) -> int:
    """Make the table, and move the stage to it if that is wanted; the exit code."""
    _require_possible(plan)
    if plan.switches:
        say(f"Closing {plan.stage.name}.")
        gate.close(plan.stage)
    before = _make(plan)
    say(f"Setting on {plan.target} what no restore sets.")
    tables.complete(plan.target, is_protected=plan.stage.is_protected, tags=plan.stage.tags)
    if not plan.switches:
        print(_after_making(plan))
        return 0
    adds_up = _bring_up(plan)
    if before:
        _tell_losses(plan, before)
    _move(plan)
    print(_after_moving(plan))
    if not adds_up:
        print("But not all adds up in the new table, as the audit says above: look at that before you release.")
    return 0


def _require_possible(plan: Plan) -> None:
    """Raise `Refusal` for what cannot be, before anybody is shut out for it."""
    if plan.archive is None and plan.stage.table_name == plan.target:
        tables.find_origin(plan.target, plan.at)
    elif plan.archive is None:
        tables.require_possible(plan.stage.table_name, plan.target, plan.at)


def _make(plan: Plan) -> str | None:
    """Make the table, unless it is made; the one that it takes the place of, None when that is not known any more."""
    if plan.archive:
        say(f"Importing {plan.archive.url} into {plan.target}.")
        archives.wait_until_imported(archives.begin_import(plan.archive, plan.target), plan.archive)
        return plan.stage.table_name if plan.stage.table_name != plan.target else None
    if plan.stage.table_name == plan.target:  # the stage was moved already, and the command is repeated
        return tables.find_origin(plan.target, plan.at)
    say(f"Restoring {plan.stage.table_name} as of {tables.text_of(plan.at)} into {plan.target}.")
    tables.begin_restore(plan.stage.table_name, plan.target, plan.at)
    tables.wait_until_made(plan.target)
    return plan.stage.table_name


def _bring_up(plan: Plan) -> bool:
    """Make right in the new table what the stream had not done yet, and hear the provider; does it all add up then?"""
    _enter(plan)
    say("Recomputing what the stream keeps up to date.")
    is_right = _is_done(recompute([]), "recomputed")
    say("Hearing once more what the payment provider told since.")
    heard = messages.hear_again(plan.at)
    say(f"  {heard.count:,} messages.")
    if heard.silence:
        say(f"  It did not give all ({heard.silence}): run this again, or have them sent again from its dashboard.")
    for key, event in heard.unknown.items():
        say(f"  Paid, and the order is lost: {key}, {event.amount} {event.currency} (minor units).")
    say("Auditing stock and payments.")
    return _is_done(audit.main(), "audited") and is_right


def _enter(plan: Plan) -> None:
    """Let this process speak for the stage, at the new table."""
    os.environ.update({**plan.stage.environment, "TABLE_NAME": plan.target})
    stage.enter(needs=PROVIDER_NEEDS)
    settings.current.cache_clear()


def _is_done(code: int, done: str) -> bool:
    """Has another of the operators' tools found all well? Raises `Refusal` when it could not do its work."""
    if code >= _UNDONE:
        raise Refusal(f"The new table could not be {done}. Run the restore again; it goes on where it was.")
    return code == 0


def _tell_losses(plan: Plan, before: str) -> None:
    if tables.describe(before) is None:
        return
    say(f"Comparing with {before}.")
    lines, file = losses.find(before, plan.target), Path(f"restore-{plan.target}.jsonl")
    losses.write(lines, file)
    orders = sum(line["kind"] == "order" for line in lines)
    say(f"  {orders:,} orders and {len(lines) - orders:,} accounts are otherwise; each is a line of {file}.")


def _move(plan: Plan) -> None:
    """Say in the stage's settings that this is its table; what is deployed follows with a release."""
    if plan.stage.table_name != plan.target:
        switch.point(plan.stage, plan.target)
    say(f"stages/{plan.stage.name}.toml says {plan.target}.")


def _after_making(plan: Plan) -> str:
    again = f"AT={tables.text_of(plan.at)}" if plan.archive is None else f"FROM={plan.archive.url}"
    return (
        f"The table {plan.target} is there; nothing uses it. Look into it, then\n"
        f"  make restore STAGE={plan.stage.name} {again} TO={plan.target} SWITCH=1\n"
        f"closes the shop and moves it there. To drop it: take its protection off, then delete it."
    )


def _after_moving(plan: Plan) -> str:
    name = plan.stage.name
    return (
        f"{name} is closed, and its settings say {plan.target}. Now, in this order:\n"
        f"  1. make release STAGE={name}     what is deployed follows to the new table; it stays closed\n"
        f"     (with FORMAT=terraform if Terraform deployed it, as make smoke after step 2)\n"
        f"  2. make open STAGE={name}        refuses as long as anything is at another table\n"
        f"  3. commit stages/{name}.toml and what was generated from it\n"
        f"  4. docs/restoring.md, What to do about what is lost: restore-{plan.target}.jsonl, and the payments above"
    )


def require_past(at: datetime) -> None:
    """Raise `Refusal` for an instant that has not been."""
    if at > clock.now():
        raise Refusal(f"{tables.text_of(at)} has not been yet; it is {tables.text_of(clock.now())} in UTC.")
