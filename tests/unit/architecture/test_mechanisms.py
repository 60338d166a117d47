"""One mechanism for one thing: what is written by hand a second time is found by its shape in the syntax tree."""

from __future__ import annotations

import ast
from collections import defaultdict
from textwrap import indent

from tests.unit.architecture.tree import (
    Function,
    Module,
    Offence,
    Tree,
    docstring_of,
    modules,
    name_of,
    planted,
    require_none,
    walk,
)

# Where the one mechanism is, or where the shape is what the module is for.
CACHE = {
    "chalicelib/core/cached.py",
    "chalicelib/core/clock.py",  # the instant that tests hold it at
}
DEADLINE = {
    "chalicelib/core/deadline.py",
    "chalicelib/core/cached.py",  # an age, not an end
}
VERSIONS = {"chalicelib/core/versioned.py"}
PAGES = {"chalicelib/aws/db.py"}
POSITIONS = {"after", "following", "behind"}
# A second copy is a warning, a third is a function. Of fewer statements, an equal shape is mostly chance.
MIN_STATEMENTS = 4
MIN_STATEMENTS_TO_THE_LETTER = 2


# --- The rules


def own_caches(tree: Tree) -> list[Offence]:
    """A global that functions assign, in a module that asks for ages or locks: a cache by hand."""
    return [
        Offence(module.path, line, f"keeps {name} by hand; use core.cached")
        for module in modules(tree)
        if module.path not in CACHE
        for name, line in _kept_globals(module).items()
    ]


def own_deadlines(tree: Tree) -> list[Offence]:
    """What compares the clock with an end, or computes the end or what is left until then."""
    advice = "by hand; use core.deadline"
    return [
        Offence(module.path, node.lineno, f"{what} {advice}")
        for module in modules(tree, "app", "chalicelib", "tools")  # benchmarks measure
        if module.path not in DEADLINE
        for node in module.nodes
        if isinstance(node, ast.expr) and (what := _deadline(node))
    ]


def own_loops_over_pages(tree: Tree) -> list[Offence]:
    """Loops that ask for a page after another and keep the position themselves."""
    return [
        Offence(module.path, node.lineno, f"goes through pages by its own `{name}`; walk them with aws.db's one loop")
        for module in modules(tree)
        if module.path not in PAGES
        for node in module.nodes
        if isinstance(node, ast.While) and (name := _position_of(node))
    ]


def own_versions(tree: Tree) -> list[Offence]:
    """Copies of what `If-Match` means."""
    return [
        Offence(module.path, node.lineno, "judges If-Match by hand; use core.versioned")
        for module in modules(tree)
        if module.path not in VERSIONS
        for node in module.nodes
        if isinstance(node, ast.Compare) and _is_if_match(node)
    ]


def copies(tree: Tree) -> list[Offence]:
    """Functions of two modules that do the same, whatever their names and values are, or of three to the letter."""
    shapes, texts = defaultdict(list), defaultdict(list)
    for module in modules(tree):
        for name, node in module.functions:
            statements = _statements(node)
            if statements >= MIN_STATEMENTS:
                shapes[_shape(node)].append((module.path, node.lineno, name))
            elif statements >= MIN_STATEMENTS_TO_THE_LETTER:
                texts[_text(module, node)].append((module.path, node.lineno, name))
    return [
        Offence(path, line, f"{name} is written like {_listed(others)}; write it once")
        for places, least in [(shapes, 2), (texts, 3)]
        for (path, line, name), *others in places.values()
        if len({path, *(other for other, _, _ in others)}) >= least
    ]


# --- How they look


def _kept_globals(module: Module) -> dict[str, int]:
    """The globals that functions assign, and where first, if the module has a lock or asks how old they are."""
    calls = {name_of(node.func).rpartition(".")[2] for node in module.nodes if isinstance(node, ast.Call)}
    if not calls & {"Lock", "RLock", "monotonic"}:
        return {}
    found: dict[str, int] = {}
    for _, function in module.functions:
        assigned = {
            node.id for node in walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in walk(function):
            if isinstance(node, ast.Global):
                found |= {name: node.lineno for name in node.names if name in assigned and name not in found}
    return found


def _deadline(node: ast.expr) -> str:
    """What an expression does with the clock that a deadline does; a span from a start until now is none."""
    if isinstance(node, ast.Compare):
        return "compares the clock with an end" if _asks(node) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return "computes when time is over" if _asks(node) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return "computes the time that is left" if _asks(node.right) else ""
    return ""


def _asks(node: ast.AST) -> bool:
    """Is `monotonic()` asked for here, itself and not within a call of something else?"""
    if isinstance(node, ast.Call):
        return name_of(node.func).rpartition(".")[2] == "monotonic"
    return isinstance(node, ast.Compare | ast.BinOp) and any(map(_asks, ast.iter_child_nodes(node)))


def _position_of(loop: ast.While) -> str:
    """The name that a loop both passes to a read as where to begin and assigns for the next."""
    assigned, passed = set(), set()
    for node in walk(loop):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assigned.add(node.id)
        elif isinstance(node, ast.Call):
            named = [each.value for each in node.keywords if each.arg == "after"]
            passed |= {each.id for each in named if isinstance(each, ast.Name)}
            passed |= {each.id for each in node.args if isinstance(each, ast.Name) and each.id in POSITIONS}
    return min(assigned & passed, default="")


def _is_if_match(node: ast.Compare) -> bool:
    """Is something that is about a match looked for among `*` and others, or compared with an entity tag?"""
    parts = list(walk(node))
    names = {each.id for each in parts if isinstance(each, ast.Name)}
    tags = names | {each.attr for each in parts if isinstance(each, ast.Attribute)}
    is_among = isinstance(node.ops[0], ast.In | ast.NotIn) and "*" in [getattr(each, "value", None) for each in parts]
    return any("match" in each for each in names) and (is_among or any("etag" in each for each in tags))


def _statements(function: Function) -> int:
    docstring = docstring_of(function)
    return sum(isinstance(node, ast.stmt) for node in walk(function)) - 1 - (docstring is not None)


def _text(module: Module, function: Function) -> str:
    """What a function says, without comments behind its lines."""
    body = _body(function)
    return "\n".join(line.partition("  # ")[0] for line in module.lines[body[0].lineno - 1 : body[-1].end_lineno])


def _shape(function: Function) -> str:
    """What a function does, without what names, values and types are."""
    return "".join(map(_spelled, _body(function)))


def _body(function: Function) -> list[ast.stmt]:
    """Its statements without the docstring."""
    return [each for each in function.body if getattr(each, "value", 0) is not docstring_of(function)]


def _spelled(node: ast.AST) -> str:
    if isinstance(node, ast.Name | ast.Constant):
        return "_"
    left_out = {"annotation", "returns", "decorator_list", "ctx", "name", "id", "arg", "attr", "type_comment"}
    parts = []
    for field in node._fields:
        value = getattr(node, field)
        if field not in left_out and value is not None:
            children = value if isinstance(value, list) else [value]
            parts += [_spelled(each) if isinstance(each, ast.AST) else "_" for each in children]
    return f"{type(node).__name__}({','.join(parts)})"


def _listed(places: list[tuple[str, int, str]]) -> str:
    return ", ".join(f"{name} ({path}:{line})" for path, line, name in places)


# --- What they hold to, and that they see


def test_there_is_one_cache() -> None:
    require_none(own_caches)


def test_a_cache_by_hand_is_seen() -> None:
    text = (
        "_lock = threading.Lock()\n_cached = None\n\n\ndef known():\n    global _cached\n    with _lock:\n"
        "        _cached = _cached or read()\n    return _cached\n"
    )
    read_only = "_lock = threading.Lock()\n_cached = None\n\n\ndef known():\n    global _cached\n    return _cached\n"

    offences = planted(own_caches, {"tools/extra.py": text, "bench/extra.py": read_only})

    assert offences == ["tools/extra.py:6: keeps _cached by hand; use core.cached"]


def test_there_is_one_deadline() -> None:
    require_none(own_deadlines)


def test_a_deadline_by_hand_is_seen() -> None:
    text = (
        "until = clock.monotonic() + seconds\n"
        "while clock.monotonic() < until:\n    work()\n"
        "left = until - time.monotonic()\n"
        "spent = round((clock.monotonic() - started) * 1000, 1)\n"
    )

    assert planted(own_deadlines, {"tools/extra.py": text}) == [
        "tools/extra.py:1: computes when time is over by hand; use core.deadline",
        "tools/extra.py:2: compares the clock with an end by hand; use core.deadline",
        "tools/extra.py:4: computes the time that is left by hand; use core.deadline",
    ]


def test_there_is_one_loop_over_pages() -> None:
    require_none(own_loops_over_pages)


def test_a_loop_over_pages_by_hand_is_seen() -> None:
    text = (
        "while True:\n    rows, position = store.page(limit=1, after=position)\n"
        "while after:\n    found = page(after)\n    after = found.after\n"
        "while waiting:\n    waiting = rest(waiting)\n"
    )

    assert planted(own_loops_over_pages, {"tools/extra.py": text}) == [
        "tools/extra.py:1: goes through pages by its own `position`; walk them with aws.db's one loop",
        "tools/extra.py:3: goes through pages by its own `after`; walk them with aws.db's one loop",
    ]


def test_one_module_judges_if_match() -> None:
    require_none(own_versions)


def test_a_second_judge_of_if_match_is_seen() -> None:
    text = (
        'if if_match is not None and if_match not in ("*", tag):\n    raise Changed\n'
        'if if_match != "*":\n    named = True\n'  # no more than whether a copy is named
        "if wanted_match != self.etag:\n    raise Changed\n"
    )

    assert planted(own_versions, {"tools/extra.py": text}) == [
        "tools/extra.py:1: judges If-Match by hand; use core.versioned",
        "tools/extra.py:5: judges If-Match by hand; use core.versioned",
    ]


def test_no_module_holds_a_copy_of_a_function_of_another() -> None:
    require_none(copies)


def test_a_copy_under_other_names_is_seen() -> None:
    text = (
        'def {0}({1}: int) -> int:\n    """{0}."""\n    total = {1} % 7 @ 3\n    if total:\n        print({2})\n'
        "        del total\n    return total\n"
    )
    tree = {
        "tools/one.py": text.format("first", "number", "1"),
        "tools/two.py": f"class Twin:\n{indent(text.format('other', 'count', 'name'), '    ')}",
        "tools/three.py": text.format("third", "number", "1").replace("% 7", "* 7"),
    }

    assert planted(copies, tree) == ["tools/one.py:1: first is written like Twin.other (tools/two.py:2); write it once"]


def test_a_third_copy_to_the_letter_is_seen_however_short() -> None:
    text = "def {}():\n    first(7)\n    second(8)\n"
    tree = {"tools/one.py": text.format("one"), "tools/two.py": text.format("two")}

    assert planted(copies, tree) == []
    assert planted(copies, {**tree, "bench/three.py": text.format("three")}) == [
        "bench/three.py:1: three is written like one (tools/one.py:1), two (tools/two.py:1); write it once"
    ]
