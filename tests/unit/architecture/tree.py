"""The project's Python as text and as syntax trees: read and parsed once, looked at by every rule.

A rule is a function from a tree, which maps the path of each module to its text, to the offences in it. So each rule
is run twice: on the tree as it is, and on a copy in memory with an offender planted in it.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
ROOMS = ["core", "aws", "api"]  # each knows only those before it
DOMAINS = [
    "users", "auth", "products", "cart", "coupons", "payments", "orders", "reports", "privacy", "webhooks",
    "notifications",
]  # fmt: skip
# What one thing of a domain is called, where that is not the domain's name without its last letter.
SINGULAR = {"auth": "session", "cart": "cart", "privacy": "privacy"}
# Modules whose own name would say too little beside others.
CALLED_OTHERWISE = {
    "chalicelib/payments/stripe/provider.py": "stripe_provider",
    "tools/local/settings.py": "local",  # beside the app's settings
}
OWN = {"chalicelib", "app", "tools", "bench", "tests"}

Tree = Mapping[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Offence(NamedTuple):
    """What stands where it should not, and what to do about it."""

    path: str
    line: int
    fault: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.fault}"


Rule = Callable[[Tree], list[Offence]]


class Import(NamedTuple):
    """One imported name in full, what it is called here, and whether the import says where from in full."""

    line: int
    name: str
    local: str
    is_relative: bool = False


class Walked(NamedTuple):
    """What is in a module, in the order of the text."""

    nodes: list[ast.AST]
    functions: list[tuple[str, Function]]
    classes: list[tuple[str, ast.ClassDef]]


@dataclass(frozen=True, eq=False)
class Module:
    """One parsed module."""

    path: str
    text: str

    @property
    def dotted(self) -> str:
        return dotted_path(self.path)

    @property
    def leaf(self) -> str:
        return self.dotted.rpartition(".")[2]

    @property
    def top(self) -> str:
        """`chalicelib`, `app`, `tools` or `bench`."""
        return self.dotted.partition(".")[0]

    @property
    def room(self) -> str:
        """The room of the house that it stands in: `core`, a domain, `authorizer`; outside of it the top's name."""
        return room_of(self.dotted)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def walked(self) -> Walked:
        return _walked(self.syntax)

    @property
    def nodes(self) -> list[ast.AST]:
        """Every node, in the order of the text."""
        return self.walked.nodes

    @property
    def functions(self) -> list[tuple[str, Function]]:
        """Every function with its qualified name, such as `Order.cancel`; methods and inner functions as well."""
        return self.walked.functions

    @cached_property
    def imports(self) -> list[Import]:
        """Every import, wherever in the module it stands."""
        return [each for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom) for each in _imports(node)]

    @property
    def classes(self) -> list[tuple[str, ast.ClassDef]]:
        """Every class with its qualified name."""
        return self.walked.classes

    @cached_property
    def docstrings(self) -> list[ast.Constant]:
        """The docstrings of the module, its classes and its functions."""
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return [found for node in self.nodes if isinstance(node, kinds) if (found := docstring_of(node))]

    @cached_property
    def strings(self) -> list[ast.Constant]:
        """Every text in the code that is no docstring, the parts of f-strings among them."""
        left_out = {id(each) for each in self.docstrings}
        texts = (node for node in self.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
        return [node for node in texts if id(node) not in left_out]


@cache
def parsed(path: str, text: str) -> Module:
    """The module; the same text is parsed once."""
    return Module(path, text)


def modules(tree: Tree, *tops: str) -> list[Module]:
    """The modules below these tops, or all."""
    found = [parsed(path, text) for path, text in sorted(tree.items()) if path.endswith(".py")]
    return [module for module in found if not tops or module.top in tops]


def dotted_path(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def room_of(dotted: str) -> str:
    """The room that a dotted name leads into."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "chalicelib" and len(parts) > 1 else parts[0]


def home_of(tree: Tree, name: str) -> str | None:
    """The path of the module that an imported name is, or is defined in; None for what is not ours."""
    while name:
        for path in (f"{name.replace('.', '/')}.py", f"{name.replace('.', '/')}/__init__.py"):
            if path in tree:
                return path
        name = name.rpartition(".")[0]
    return None


def module_at(tree: Tree, name: str) -> str | None:
    """The path of the module that an imported name is; None where it is something inside a module, or not ours."""
    home = home_of(tree, name)
    return home if home and dotted_path(home) == name else None


def called(path: str, *, by: str = "") -> str:
    """The one name of a module in the code of another, or, with no other, outside of its domain."""
    if path in CALLED_OTHERWISE:
        return CALLED_OTHERWISE[path]
    package, _, leaf = dotted_path(path).rpartition(".")
    if leaf not in {"schemas", "models", "views", "store", "service"} or _is_of_domain(by, package):
        return leaf
    domain = package.rpartition(".")[2]
    return domain if leaf == "service" else f"{singular(domain)}_{leaf}"


def singular(domain: str) -> str:
    """One of them: `users` are several of a user."""
    return SINGULAR.get(domain) or domain.removesuffix("s")


def _is_of_domain(path: str, package: str) -> bool:
    """Is the module one of that package, or of the domain that this package is the room of?"""
    return f"{path}/".startswith(f"{package.replace('.', '/')}/")


def name_of(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, else nothing."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all within it but those that say nothing (`Load`, `Add`); far quicker than `ast.walk`."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        for field in reversed(node._fields):
            value = getattr(node, field)
            if isinstance(value, list):
                waiting += [each for each in reversed(value) if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST) and value._fields:
                waiting.append(value)


def docstring_of(node: ast.AST) -> ast.Constant | None:
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for each in node.names:
            yield Import(node.lineno, each.name, each.asname or each.name.partition(".")[0])
    else:
        for each in node.names:
            name = f"{node.module}.{each.name}" if node.module else each.name
            yield Import(node.lineno, name, each.asname or each.name, is_relative=node.level > 0)


def _walked(syntax: ast.Module) -> Walked:
    """All nodes but those that say nothing (`Load`, `Add`); far quicker than `ast.walk`."""
    walked = Walked([], [], [])
    waiting: list[tuple[ast.AST, str]] = [(syntax, "")]
    while waiting:
        node, prefix = waiting.pop()
        walked.nodes.append(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            prefix += node.name
            if isinstance(node, ast.ClassDef):
                walked.classes.append((prefix, node))
            else:
                walked.functions.append((prefix, node))
            prefix += "."
        for field in reversed(node._fields):
            value = getattr(node, field)
            children = reversed(value) if isinstance(value, list) else [value]
            waiting += [(child, prefix) for child in children if isinstance(child, ast.AST) and child._fields]
    return walked


# --- The tree as it is, and copies of it with something planted


@cache
def project() -> Tree:
    """The app, tools, benchmarks and documents; parsed without the collector, which would search all the trees."""
    paths = [ROOT / name for name in ("app.py", "README.md", "CONTRIBUTING.md")]
    paths += [path for top in ("chalicelib", "tools", "bench") for path in (ROOT / top).rglob("*.py")]
    paths += (ROOT / "docs").rglob("*.md")
    tree = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(paths)}
    gc.disable()
    try:
        assert all(module.nodes for module in modules(tree))
    finally:
        gc.enable()
    return tree


def with_planted(texts: Mapping[str, str]) -> Tree:
    """A copy with these texts as modules at these paths, or at the end of the modules that stand there."""
    return {**project(), **{path: project().get(path, "") + text for path, text in texts.items()}}


@cache
def found(rule: Rule) -> tuple[Offence, ...]:
    """What the rule reports of the tree as it is."""
    return tuple(sorted(rule(project())))


def planted(rule: Rule, texts: Mapping[str, str]) -> list[str]:
    """What the rule reports of a copy with these planted that it does not report of the tree as it is."""
    before = set(found(rule))
    return [str(each) for each in sorted(rule(with_planted(texts))) if each not in before]


def report(offences: Sequence[Offence]) -> str:
    """All offences at once."""
    return "\n".join([f"\n{len(offences)} to mend:", *(f"  {each}" for each in offences)])


def require_none(rule: Rule) -> None:
    """Fail with all offences at once."""
    offences = found(rule)
    assert not offences, report(offences)
