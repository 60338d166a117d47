"""Why what a linter finds is left as it is: a table, each of whose lines must still be needed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from tools.refusal import Refusal
from tools.templates.linters import TemplateFinding

FILE = Path(__file__).with_name("findings.toml")


class Left(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that some resources do not follow, by their names or patterns of them, and why."""

    rule: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, finding: TemplateFinding) -> bool:
        """Is it the reason for the finding?"""
        return finding.rule == self.rule and any(fnmatchcase(finding.resource, each) for each in self.resources)


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    left: tuple[Left, ...]


def read(file: Path = FILE) -> tuple[Left, ...]:
    """The table. Raises `Refusal` where a line is not as it should be, or says no reason."""
    try:
        table = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _Table)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"{file.name}: {error}") from error
    for each in table.left:
        if not each.reason.strip():
            raise Refusal(f"{file.name}: {each.rule} is left without a reason.")
    return table.left


def unexplained(findings: Iterable[TemplateFinding], left: Iterable[Left]) -> list[TemplateFinding]:
    """The findings that have no reason, in the table or beside the resource."""
    table = tuple(left)
    return [finding for finding in findings if not finding.reason and not any(each.covers(finding) for each in table)]


def idle(findings: Iterable[TemplateFinding], left: Iterable[Left]) -> list[str]:
    """What the table says of nothing that is found: each such resource or pattern, with its rule."""
    found = tuple(findings)
    return [
        f"{each.rule} {resource}"
        for each in left
        for resource in each.resources
        if not any(finding.rule == each.rule and fnmatchcase(finding.resource, resource) for finding in found)
    ]
