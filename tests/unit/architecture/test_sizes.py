"""How long things may become: modules, functions, and the ways in."""

from __future__ import annotations

import ast
from statistics import median, quantiles

from tests.unit.architecture.tree import Function, Module, Offence, Tree, docstring_of, modules, planted, require_none

MODULE_LINES = 300
MAP = "chalicelib/aws/keys.py"  # one map of the table is worth more than two halves
# Twenty as a rule; this is the longest there is, and may only become less.
MAX_FUNCTION_LINES = 23
VIEW_LINES = 5


# --- The rules


def long_modules(tree: Tree) -> list[Offence]:
    """Modules of more than 300 lines."""
    return [
        Offence(module.path, lines, f"has {lines} lines, more than {MODULE_LINES}; part it by what changes together")
        for module in modules(tree, "bench", "chalicelib", "tools")
        if module.path != MAP and (lines := module.text.count("\n")) > MODULE_LINES
    ]


def long_functions(tree: Tree) -> list[Offence]:
    """Functions that are longer than any there is."""
    lengths = _lengths(tree)
    counts = sorted(lengths.values())
    figures = f"the median has {median(counts):.0f}, nine in ten have at most {quantiles(counts, n=10)[-1]:.0f}"
    return [
        Offence(path, line, f"{name} has {length} lines, more than {MAX_FUNCTION_LINES}; take a step out ({figures})")
        for (path, line, name), length in lengths.items()
        if length > MAX_FUNCTION_LINES
    ]


def long_views(tree: Tree) -> list[Offence]:
    """Ways in of app.py with more than five lines."""
    advice = f"more than {VIEW_LINES}; what it does belongs to a service"
    return [
        Offence(module.path, node.lineno, f"{name} has {lines} lines, {advice}")
        for module in modules(tree, "app")
        for name, node in module.functions
        if (lines := (node.end_lineno or 0) - node.lineno) > VIEW_LINES
    ]


# --- How they look


def _lengths(tree: Tree) -> dict[tuple[str, int, str], int]:
    return {
        (module.path, node.lineno, name): _length(module, node)
        for module in modules(tree)
        for name, node in module.functions
    }


def _length(module: Module, function: Function) -> int:
    """The lines of its statements: no signature, docstring, comment or blank line."""
    body = [each for each in function.body if not (isinstance(each, ast.Expr) and each.value is docstring_of(function))]
    if not body:
        return 0
    lines = module.lines[body[0].lineno - 1 : body[-1].end_lineno]
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


# --- What they hold to, and that they see


def test_modules_have_at_most_three_hundred_lines() -> None:
    require_none(long_modules)


def test_a_module_that_is_too_long_is_seen() -> None:
    tree = {"tools/extra.py": "\n" * 301, "bench/extra.py": "\n" * 300, MAP: "\n" * 300}

    assert planted(long_modules, tree) == [
        "tools/extra.py:301: has 301 lines, more than 300; part it by what changes together"
    ]


def test_functions_have_at_most_twenty_lines_as_a_rule() -> None:
    require_none(long_functions)


def test_a_function_that_is_longer_than_all_others_is_seen() -> None:
    body = "".join(f"    a = {number}\n\n    # why\n" for number in range(MAX_FUNCTION_LINES))
    tree = {
        "tools/extra.py": f'def long():\n    """At length."""\n{body}    return a\n\n\ndef lesser():\n{body}',
    }

    offences = planted(long_functions, tree)

    assert [each.split(",")[0] for each in offences] == [f"tools/extra.py:1: long has {MAX_FUNCTION_LINES + 1} lines"]


def test_views_have_at_most_five_lines() -> None:
    require_none(long_views)


def test_a_view_that_does_the_work_itself_is_seen() -> None:
    body = "    call = call\n" * 5

    offences = planted(long_views, {"app.py": f"def long(call):\n{body}    return call\n\n\ndef short(call):\n{body}"})

    assert [each.partition(": ")[2].split(",")[0] for each in offences] == ["long has 6 lines"]
