"""Writes Terraform's language as `terraform fmt` leaves it.

Single lines that follow one another have their equals signs below each other; what takes more lines has not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.package.terraform.values import Encoded, InFile, Interpolated, Reference

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MAX_WIDTH = 100  # of a list that stands on one line
INDENT = "  "


@dataclass
class Block:
    """A block: its words, such as `resource "aws_kms_key" "alerts"`, comments, attributes, and the blocks in it."""

    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def document(blocks: Iterable[Block], comment: str = "") -> str:
    """The text of a file."""
    said = [f"# {comment}"] if comment else []
    return "\n\n".join([*said, *("\n".join(_block(block)) for block in blocks)]) + "\n"


def assignments(values: Mapping[str, Any]) -> str:
    """The text of a file that gives variables their values."""
    return "\n".join(_assignments(values)) + "\n"


def expression(value: Any) -> str:
    """A value as Terraform writes it; more than one line if it does not fit on one."""
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return json.dumps(value)  # a number, a truth, null


def escaped(text: str) -> str:
    """A text as it stands between quotes."""
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return quoted.replace("${", "$${").replace("%{", "%%{")


def _block(block: Block) -> list[str]:
    head = " ".join([block.kind, *(f'"{label}"' for label in block.labels)])
    said = [f"# {comment}" for comment in block.comments]
    parts = [said + _assignments(block.attributes), *(_block(each) for each in block.blocks)]
    inner: list[str] = []
    for part in (each for each in parts if each):
        inner += ["", *part] if inner else part
    return [f"{head} {{", *_indented(inner), "}"] if inner else [f"{head} {{}}"]


def _assignments(values: Mapping[str, Any]) -> list[str]:
    """A line or more for each name and value, aligned as far as lines of one follow one another."""
    written = [(_key(name), expression(value)) for name, value in values.items()]
    lines: list[str] = []
    group: list[tuple[str, str]] = []
    for name, value in written:
        if "\n" in value:
            lines += [*_aligned(group), *f"{name} = {value}".split("\n")]
            group = []
        else:
            group.append((name, value))
    return lines + _aligned(group)


def _aligned(group: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in group), default=0)
    return [f"{name.ljust(width)} = {value}" for name, value in group]


def _object(value: Mapping[str, Any]) -> str:
    if not value:
        return "{}"
    return "\n".join(["{", *_indented(_assignments(value)), "}"])


def _list(value: list[Any]) -> str:
    written = [expression(each) for each in value]
    line = f"[{', '.join(written)}]"
    if len(line) <= MAX_WIDTH and "\n" not in line:
        return line
    items = [line for each in written for line in f"{each},".split("\n")]
    return "\n".join(["[", *_indented(items), "]"])


def _in_file(value: InFile) -> str:
    place = f'"${{path.module}}/{value.name}"'
    if not value.references:
        return f"file({place})"
    return f"templatefile({place}, {_object(dict(sorted(value.references.items())))})"


def _key(name: str | Reference) -> str:
    if isinstance(name, Reference):
        return f"({name.text})"
    return name if IDENTIFIER.fullmatch(name) else f'"{escaped(name)}"'


def _indented(lines: list[str]) -> list[str]:
    return [INDENT + line if line else line for line in lines]


def _interpolated(value: Interpolated) -> str:
    return '"' + "".join(f"${{{p.text}}}" if isinstance(p, Reference) else escaped(p) for p in value.parts) + '"'


_WRITERS: dict[type, Callable[[Any], str]] = {
    Reference: lambda value: str(value.text),
    Interpolated: _interpolated,
    Encoded: lambda value: f"jsonencode({expression(value.value)})",
    InFile: _in_file,
    dict: _object,
    list: _list,
    str: lambda value: f'"{escaped(value)}"',
}
