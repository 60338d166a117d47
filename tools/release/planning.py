"""What a release of this code would change in a stage: both stacks, asked of CloudFormation, and nothing carried out.

The change sets have a name of their own and are withdrawn again, so that a plan stands in nobody's way, and what is
uploaded for it lies apart from what is released: whoever may plan can do no more than look.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from cfnlint.decode import cfn_yaml

from tools.package import artifacts, finishing, sam
from tools.refusal import Refusal
from tools.release.shipping import OUT
from tools.stages import changes, parameters, place, resources
from tools.stages.changes import ChangeSet
from tools.stages.settings import Stage

PREFIX = "make-plan-"  # by which infra/deployer.yaml tells a plan's change sets from those of a release
FOLDER = "plans"  # of the bucket


@dataclass(frozen=True)
class ReleasePlan:
    """What would change, in Markdown, and whether a release would be refused because of it."""

    text: str
    is_refused: bool = False


def plan(stage: Stage) -> ReleasePlan:
    """Ask what would change. Raises `Refusal` when it cannot be said."""
    place.require(stage)
    name = f"{PREFIX}{secrets.token_hex(4)}"
    sections, refused = [f"### What a release to `{stage.name}` would change"], False
    try:
        sections += _of_resources(stage, name)
    except Refusal as refusal:
        sections += [f"**`{stage.resources_stack}`: a release is refused.** {refusal}"]
        refused = True
    sections += _of_app(stage, name)
    return ReleasePlan("\n\n".join(sections) + "\n", is_refused=refused)


def _of_resources(stage: Stage, name: str) -> Iterator[str]:
    if changes.status(stage.resources_stack) in changes.ABSENT:
        yield _told_new(stage.resources_stack, dict(cfn_yaml.load(str(resources.TEMPLATE))))
        return
    yield _told(_withdraw(resources.propose(stage, name=name)))


def _of_app(stage: Stage, name: str) -> Iterator[str]:
    with redirect_stdout(StringIO()) as said:
        try:
            sam.package(stage.name, OUT / stage.name)
        except Refusal as refusal:
            raise Refusal(f"{said.getvalue()}{refusal}") from refusal
    template = json.loads((OUT / stage.name / artifacts.SAM).read_text())
    if changes.status(stage.stack) in changes.ABSENT:
        yield _told_new(stage.stack, template)
        return
    artifacts.refer(template, stage.name, OUT / stage.name, only_look=True)
    kept = artifacts.keep(FOLDER, finishing.written(template))
    yield _told(_withdraw(changes.propose(stage.stack, kept.url, parameters.of_app(stage), stage.tags, name=name)))


def _withdraw(proposed: ChangeSet) -> ChangeSet:
    changes.withdraw(proposed)
    return proposed


def _told(proposed: ChangeSet) -> str:
    if not proposed.changes:
        return f"**`{proposed.stack}`**: nothing."
    rows = [
        f"| {'**Remove**' if each.action == 'Remove' else each.action} | `{each.name}` | {each.kind} | {each.by} |"
        for each in proposed.changes
    ]
    done = ", ".join(f"{action} {many}" for action, many in Counter(e.action for e in proposed.changes).items())
    head = [f"**`{proposed.stack}`**: {done}", "", "| | resource | type | replaced |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _told_new(stack: str, template: dict[str, Any]) -> str:
    return f"**`{stack}`** is not there: a release would make it, of {len(template['Resources'])} resources."
