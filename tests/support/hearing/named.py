"""The calls that the tools' code names, whether a test hears them or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from tests.support.hearing import heard

TOOLS = Path(__file__).parents[3] / "tools"
FOLDERS = ("release", "stages", "package", "restore")
OF_A_FUNCTION = "smoke"  # which works by its own role
OF_AN_ADMINISTRATOR = "account.py"  # who makes the role


@dataclass(frozen=True)
class Named:
    """A method of a client that a file names: that of one of the file's clients."""

    file: str
    method: str
    actions: frozenset[str]


def calls() -> Iterator[Named]:
    """Each method of AWS's clients that a file of the tools names, with the actions it may be."""
    for folder in FOLDERS:
        for file in sorted((TOOLS / folder).rglob("*.py")):
            if not {OF_A_FUNCTION, OF_AN_ADMINISTRATOR} & set(file.parts):
                yield from _of(file)


def _of(file: Path) -> Iterator[Named]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    methods = [_methods(service) for service in _services(nodes)]
    words = {each.attr for each in nodes if isinstance(each, ast.Attribute)} | _texts(nodes)
    for word in sorted(words):
        actions = frozenset(known[word] for known in methods if word in known)
        if actions:
            yield Named(file.relative_to(TOOLS).as_posix(), word, actions)


def _services(nodes: list[ast.AST]) -> set[str]:
    """Those of which the file makes clients."""
    made = [each for each in nodes if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    return {
        str(each.args[0].value)
        for each in made
        if ast.unparse(each.func) == "boto3.client" and each.args and isinstance(each.args[0], ast.Constant)
    }


def _texts(nodes: list[ast.AST]) -> set[str]:
    """What a paginator is asked for, among other texts."""
    return {str(each.value) for each in nodes if isinstance(each, ast.Constant)}


@cache
def _methods(service: str) -> dict[str, str]:
    """The action of each of its methods."""
    operations = botocore.session.get_session().get_service_model(service).operation_names
    return {xform_name(each): heard.action(service, each) for each in operations}
