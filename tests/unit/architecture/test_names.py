"""One name for one thing: modules, classes, limits and constants."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.unit.architecture.tree import (
    DOMAINS,
    Module,
    Offence,
    Tree,
    called,
    module_at,
    modules,
    planted,
    require_none,
)

# Names that may stand for two ideas, and why.
TWICE: dict[str, str] = {}
NOT_SAID = re.compile(r"(^|_)(MOST|LONGEST|AT_ONCE)(_|$)")


# --- The rules


def other_names_of_modules(tree: Tree) -> list[Offence]:
    """Modules that are called otherwise than everywhere else."""
    return [
        Offence(module.path, each.line, f"calls {each.name} {each.local}; it is called {name} {where}")
        for module in modules(tree)
        for each in module.imports
        if (path := module_at(tree, each.name)) and not path.endswith("/__init__.py")
        if "." in each.name and each.local != (name := called(path, by=module.path))
        for where in ["in its domain" if name in path.rpartition("/")[2] else "everywhere"]
    ]


def classes_of_one_name(tree: Tree) -> list[Offence]:
    """Class names that stand for more than one idea."""
    places: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for module in modules(tree):
        for _, node in module.classes:
            places[node.name].append((module.path, node.lineno))
    return [
        Offence(*found[0], f"{name} is also {_listed(found[1:])}; name each for its idea, or share one")
        for name, found in places.items()
        if len(found) > 1 and name not in TWICE
    ]


def limits_called_size(tree: Tree) -> list[Offence]:
    """Parameters and properties that limit how many, and are called `size`."""
    return [
        Offence(module.path, line, f"{name} is a limit called size; call it limit")
        for module in modules(tree, "app", "chalicelib", "tools")
        for line, name in _sizes(module)
    ]


def unsaid_constants(tree: Tree) -> list[Offence]:
    """Constants that say how much at the most, but not of what."""
    return [
        Offence(module.path, line, f"{name} does not say what it bounds; say MAX_…, …_PAGE_SIZE or …_BATCH_SIZE")
        for module in modules(tree)
        for line, name in _assigned(module)
        if name.isupper() and NOT_SAID.search(name)
    ]


# --- How they look


def _listed(places: list[tuple[str, int]]) -> str:
    return ", ".join(f"{path}:{line}" for path, line in places)


def _sizes(module: Module) -> Iterator[tuple[int, str]]:
    for name, node in module.functions:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        yield from ((each.lineno, f"a parameter of {name}") for each in arguments if each.arg == "size")
        if node.name == "size":
            yield node.lineno, name


def _assigned(module: Module) -> Iterator[tuple[int, str]]:
    """What modules and classes assign, and where."""
    for scope in [module.syntax, *(node for _, node in module.classes)]:
        for node in scope.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                for each in ast.walk(target) if target else ():
                    if isinstance(each, ast.Name):
                        yield each.lineno, each.id


# --- What they hold to, and that they see


def test_a_module_has_one_name_in_the_code_of_all_others() -> None:
    require_none(other_names_of_modules)


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("chalicelib/orders/extra.py", "from chalicelib.coupons import store as vouchers", "coupon_store"),
        ("chalicelib/orders/extra.py", "from chalicelib.orders import store as order_store", "store"),
        ("chalicelib/orders/extra.py", "from chalicelib.payments import service", "payments"),
        ("chalicelib/orders/extra.py", "from chalicelib.core import money as amounts", "money"),
        ("chalicelib/payments/extra.py", "from chalicelib.payments.stripe import provider", "stripe_provider"),
        ("app.py", "from chalicelib.auth import store as auth", "session_store"),
        ("app.py", "import chalicelib.webhooks.service as outgoing", "webhooks"),
        ("tools/extra.py", "from chalicelib.users import models", "user_models"),
        ("tools/extra.py", "from tools.local import settings", "local"),
    ],
)
def test_another_name_of_a_module_is_seen(path: str, line: str, name: str) -> None:
    offences = planted(other_names_of_modules, {path: f"{line}\n"})

    assert [re.sub(r".* (it is called \w+) .*", r"\1", each) for each in offences] == [f"it is called {name}"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("chalicelib/orders/extra.py", "from chalicelib.coupons import store as coupon_store"),
        ("chalicelib/orders/extra.py", "from chalicelib.orders import service, store"),
        ("chalicelib/payments/stripe/extra.py", "from chalicelib.payments import models"),
        ("chalicelib/payments/stripe/extra.py", "from chalicelib.payments.stripe import schemas"),
        ("chalicelib/api/extra.py", "import json as j"),
        ("bench/extra.py", "import app"),
        ("tools/extra.py", "from chalicelib.auth import service as auth, tokens"),
    ],
)
def test_the_name_that_a_module_has_everywhere_is_none(path: str, line: str) -> None:
    assert planted(other_names_of_modules, {path: f"{line}\n"}) == []


def test_what_modules_of_domains_are_called_is_different_for_each() -> None:
    names = [
        called(f"chalicelib/{domain}/{leaf}.py") for domain in DOMAINS for leaf in ("models", "store", "service")
    ]  # fmt: skip

    assert len(names) == len(set(names))


def test_a_class_name_stands_for_one_idea() -> None:
    require_none(classes_of_one_name)


def test_a_second_class_of_one_name_is_seen() -> None:
    tree = {
        "chalicelib/orders/extra.py": "class Twin:\n    pass\n",
        "tools/extra.py": "def make():\n    class Twin:\n        pass\n",
    }

    assert planted(classes_of_one_name, tree) == [
        "chalicelib/orders/extra.py:1: Twin is also tools/extra.py:2; name each for its idea, or share one"
    ]


def test_how_many_at_the_most_is_called_limit() -> None:
    require_none(limits_called_size)


def test_a_limit_called_size_is_seen() -> None:
    text = "def page(*, size, count=lambda each: each.size):\n    return size\n"

    assert planted(limits_called_size, {"tools/extra.py": text}) == [
        "tools/extra.py:1: a parameter of page is a limit called size; call it limit"
    ]


def test_constants_say_what_they_bound() -> None:
    require_none(unsaid_constants)


def test_a_constant_that_does_not_say_what_it_bounds_is_seen() -> None:
    text = (
        "_AT_ONCE = 1\n_A, MOST = 1, 2\nALMOST = 3\n\n\nclass Bounds:\n    LONGEST_NAME: int = 3\n    PAGE_SIZE = 4\n"
    )

    offences = planted(unsaid_constants, {"bench/extra.py": text})

    assert [each.split(" does")[0] for each in offences] == [
        "bench/extra.py:1: _AT_ONCE",
        "bench/extra.py:2: MOST",
        "bench/extra.py:7: LONGEST_NAME",
    ]
