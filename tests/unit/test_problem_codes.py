"""The registry of codes has every code that an answer can have, under the status that the answer has, and no other."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

import chalicelib
from chalicelib.api import problem_codes, problems
from chalicelib.core import errors
from tests.unit.architecture.tree import name_of
from tools.local.gateway import SERVER_CODES
from tools.package import gateway
from tools.package.edge import plans

ROOT = Path(__file__).parents[2]
LOCAL = ("tools/local/gateway.py", "tools/local/heads.py")
FIELD_ERRORS = {"FieldError": 1, "invalid": 1, "UrlRefused": 0}  # where in a call the code stands
HANDED_ON = {"code", "refused.code"}  # what another call here, or `_code`, has said

Said = set[tuple[str, int]]


def calls(*paths: str | Path) -> Iterator[ast.Call]:
    """Every call in these files."""
    for path in paths:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def of_the_app() -> list[Path]:
    return [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]


def constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def kinds(above: type[errors.ShopError] = errors.ShopError) -> Iterator[type[errors.ShopError]]:
    """Every kind of error, once all modules are loaded."""
    yield above
    for each in above.__subclasses__():
        yield from kinds(each)


def said_by_errors() -> Said:
    """What errors become; a kind of the core's that nobody raises as it is, is one of others only."""
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(module.name)
    raised = {name_of(call.func).rpartition(".")[2] for call in calls(*of_the_app())}
    own = [kind for kind in kinds() if kind.__module__.startswith("chalicelib.")]
    told = [kind for kind in own if kind.__module__ != errors.__name__ or kind.__name__ in raised]
    return {(kind.code, problems.status_of(kind)) for kind in told}


def said_by_gateways() -> Said:
    """What the deployed gateway and the local one answer by themselves, and what becomes of Chalice's own answers."""
    packaged = [*gateway.REFUSALS.values(), gateway.WRONG_METHOD, plans.MISSING]
    written = [call.args[:2] for call in calls(*LOCAL) if len(call.args) >= 2]
    local = [(constant(code), constant(status)) for status, code in written]
    return {
        *((refusal.code, refusal.status) for refusal in packaged),
        *((code, status) for code, status in local if isinstance(code, str) and isinstance(status, int)),
        *((code, status) for status, code in (SERVER_CODES | problems.GATEWAY_CODES).items()),
    }


def said_of_fields() -> set[str]:
    """The codes of faulty fields, as they are written where such a fault is made."""
    found = {code.code for code in map(_class_code, _codes()) if code}
    found |= {str(code.value) for code in _codes() if isinstance(code, ast.Constant)}
    return found | set(_returned("chalicelib/core/faults.py", "_code"))


def _codes() -> list[ast.expr]:
    made = [(call, FIELD_ERRORS.get(name_of(call.func).rpartition(".")[2])) for call in calls(*of_the_app())]
    return [call.args[place] for call, place in made if place is not None and len(call.args) > place]


def _class_code(code: ast.expr) -> type[errors.ShopError] | None:
    """The kind of error whose own code a field is given, None where it is another."""
    named = name_of(code).removesuffix(".code") if isinstance(code, ast.Attribute) else ""
    return next((kind for kind in kinds() if kind.__name__ == named), None)


def _returned(path: str, function: str) -> Iterator[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    (found,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function]
    for each in ast.walk(found):
        if isinstance(each, ast.Return) and each.value:
            yield from (leaf.value for leaf in _ends(each.value) if isinstance(leaf.value, str))


def _ends(value: ast.expr) -> Iterator[ast.Constant]:
    if isinstance(value, ast.IfExp):
        yield from (*_ends(value.body), *_ends(value.orelse))
    elif isinstance(value, ast.Constant):
        yield value


def test_every_code_that_can_be_said_is_known_under_its_status_and_no_other_is() -> None:
    registered = {(each.code, each.status) for each in problem_codes.known().problems}

    assert registered == said_by_errors() | said_by_gateways()


def test_every_code_that_a_field_can_have_is_known_and_no_other_is() -> None:
    assert {each.code for each in problem_codes.known().fields} == said_of_fields()


def test_a_fields_code_is_written_where_the_fault_is_made() -> None:
    elsewhere = [
        ast.unparse(code) for code in _codes()
        if not isinstance(code, ast.Constant) and _class_code(code) is None and ast.unparse(code) not in HANDED_ON
    ]  # fmt: skip

    assert elsewhere == []


@pytest.mark.parametrize("code", [each.code for each in problem_codes.known().problems])
def test_a_problem_says_in_sentences_what_it_means_and_what_to_do(code: str) -> None:
    told = problem_codes.get(code)

    assert HTTPStatus(told.status) >= HTTPStatus.BAD_REQUEST
    assert 0 < len(told.title) <= 80
    assert told.title[0].isupper()
    assert not told.title.endswith(".")
    assert all(text.endswith(".") and text[0].isupper() for text in (told.meaning, told.advice.lstrip("`")))


def test_a_field_says_in_sentences_what_is_wrong_and_what_to_do() -> None:
    for told in problem_codes.known().fields:
        assert all(text.endswith(".") and text[0].isupper() for text in (told.meaning, told.advice.lstrip("`"))), told
