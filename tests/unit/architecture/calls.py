"""Who calls whom in a tree, and what acts: writes, sends, moves money, starts threads.

A call is followed where the syntax says what it is of: names of the module, imported modules, functions and classes,
`self`, and values whose class an annotation or a constructor tells; a method of anything else is followed only where a
single class of the tree has one of that name. A function that is passed on counts as called by whoever passes it.
"""

from __future__ import annotations

import ast
import io
import sqlite3
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tests.unit.architecture.tree import Function, Module, Tree, called, home_of, module_at, modules, name_of, walk

PROVIDER = "chalicelib/payments/port.py"
CLIENTS = "chalicelib/aws/clients.py"
TRANSPORT = "chalicelib/aws/transport.py"
ACTS = {
    "chalicelib/aws/db.py": {"commit", "batch_put", "update_and_get"},
    "chalicelib/aws/s3.py": {"put", "delete"},
    PROVIDER: {"Provider.charge", "Provider.capture", "Provider.void", "Provider.refund"},
}
READING_OPERATIONS = {"get_item", "batch_get_item", "query", "scan", "describe_table", "transact_get_items"}
READING_CALLS = ("get_", "list_", "describe_", "head_", "generate_presigned_", "can_paginate", "close")
SENDING = {"POST", "PUT", "PATCH", "DELETE"}
STARTING = {
    "Thread", "ThreadPoolExecutor", "ProcessPoolExecutor",
    "subprocess.run", "subprocess.Popen", "subprocess.check_call", "subprocess.check_output",
}  # fmt: skip
# Methods that things of Python have as well, so that one class of ours which has one says nothing.
COMMON = {
    name
    for kind in (
        str, bytes, dict, list, set, tuple, int, type, BaseException, Path, io.TextIOWrapper, io.BytesIO, deque,
        threading.Thread, threading.Event, threading.Condition, sqlite3.Connection, sqlite3.Cursor, ExitStack,
    )
    for name in dir(kind)
} | {"result", "submit", "map", "request", "send", "connect", "call", "finish", "read_event"}  # fmt: skip


class Place(NamedTuple):
    """A function or class of the tree by its module's path and its qualified name."""

    path: str
    name: str

    def __str__(self) -> str:
        owner, _, _ = self.name.rpartition(".")
        return self.name if owner and owner[0].isupper() else f"{called(self.path)}.{self.name}"


@dataclass
class Names:
    """What the names of one module stand for."""

    module: Module
    modules: dict[str, str] = field(default_factory=dict)  # local name: path
    things: dict[str, Place] = field(default_factory=dict)  # local name: function or class


@dataclass
class Calls:
    """The calls of a tree."""

    tree: Tree
    functions: dict[Place, Function] = field(default_factory=dict)
    classes: dict[Place, ast.ClassDef] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=dict)
    methods: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for module in modules(self.tree):
            self.classes |= {Place(module.path, name): node for name, node in module.classes}
            self.functions |= {Place(module.path, name): node for name, node in module.functions}
        for place in self.functions:
            owner, _, name = place.name.rpartition(".")
            if Place(place.path, owner) in self.classes:
                self.methods[name].append(place)
        for module in modules(self.tree):
            self.names[module.path] = self._names(module)

    @cached_property
    def edges(self) -> dict[Place, list[Place | str]]:
        """What every function calls; a text is something that acts."""
        return {place: list(dict.fromkeys(_Body(self, place).calls())) for place in self.functions}

    @cached_property
    def acts(self) -> dict[Place, str]:
        """The functions that act, and by which way of calls they do, the shortest."""
        found: dict[Place, str] = {}
        callers: defaultdict[Place, list[Place]] = defaultdict(list)
        for caller, reached in self.edges.items():
            for each in reached:
                if isinstance(each, Place):
                    callers[each].append(caller)
                else:
                    found.setdefault(caller, each)
        waiting = deque(found)
        while waiting:
            place = waiting.popleft()
            for caller in callers[place]:
                if caller not in found:
                    found[caller] = f"{place} > {found[place]}"
                    waiting.append(caller)
        return found

    def thing(self, path: str, name: str) -> Place | None:
        """The function or class of that name at the top of a module, or what it imports under it."""
        place = Place(path, name)
        return place if place in self.functions or place in self.classes else self.names[path].things.get(name)

    def method(self, owner: Place, name: str, seen: frozenset[Place] = frozenset()) -> Place | None:
        """The method of a class or of those that it is derived from."""
        place = Place(owner.path, f"{owner.name}.{name}")
        if place in self.functions:
            return place
        for base in self.classes[owner].bases:
            kind = self.class_of(owner.path, base)
            if kind and kind not in seen and (inherited := self.method(kind, name, seen | {owner})):
                return inherited
        return None

    def class_of(self, path: str, annotation: ast.AST | None) -> Place | None:
        """The class of ours that an annotation names, without what may stand beside it (`| None`)."""
        if isinstance(annotation, ast.BinOp):
            return self.class_of(path, annotation.left) or self.class_of(path, annotation.right)
        if isinstance(annotation, ast.Name):
            place = self.thing(path, annotation.id)
        elif isinstance(annotation, ast.Attribute) and (
            home := self.names[path].modules.get(name_of(annotation.value))
        ):
            place = self.thing(home, annotation.attr)
        else:
            return None
        return place if place in self.classes else None

    def _names(self, module: Module) -> Names:
        names = Names(module)
        for each in module.imports:
            if path := module_at(self.tree, each.name):
                # `import a.b` binds `a`, and what follows is spelled in full.
                names.modules[each.local if each.local != each.name.split(".")[0] else each.name] = path
            elif path := home_of(self.tree, each.name):
                names.things[each.local] = Place(path, each.name.rpartition(".")[2])
        return names


class _Body:
    """One function's body, in which names have values of known classes here and there."""

    def __init__(self, calls: Calls, place: Place) -> None:
        self._calls, self._place = calls, place
        self._function = calls.functions[place]
        self._names = calls.names[place.path]
        self._nodes = list(walk(self._function))
        owner = place.name.rpartition(".")[0]
        self._owner = next((kind for each in _outer(owner) if (kind := Place(place.path, each)) in calls.classes), None)
        self._classes: dict[str, Place] = {}
        self._clients: set[str] = set()
        self._learn()

    def calls(self) -> Iterator[Place | str]:
        """Every function that is called or passed on, and every act."""
        for node in self._nodes:
            if isinstance(node, ast.Call):
                target = self._target(node.func)
                if act := self._act(node, target):
                    yield act
                elif target:
                    yield from self._entries(target)
                for each in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    if isinstance(each, ast.Name | ast.Attribute) and (passed := self._target(each, is_passed=True)):
                        yield from [passed] if passed in self._calls.functions else []
            elif isinstance(node, ast.Attribute) and (kind := self._class(node.value)):
                member = self._calls.method(kind, node.attr)
                if member and any("property" in name_of(each) for each in self._calls.functions[member].decorator_list):
                    yield member

    def _act(self, node: ast.Call, target: Place | None) -> str:
        """What a call does to the world, if it is the call that does it."""
        name, first = name_of(node.func), node.args[0] if node.args else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        if target and target.name in ACTS.get(target.path, ()):
            return str(target)
        if target == Place(TRANSPORT, "call"):
            return "" if text in READING_OPERATIONS else f"transport.call {text}".strip()
        if isinstance(node.func, ast.Attribute) and self._is_client(node.func.value):
            return "" if node.func.attr.startswith(READING_CALLS) else f"a client's {node.func.attr}"
        if {name, name.rpartition(".")[2]} & STARTING:
            return name
        is_write = name.rpartition(".")[2] == "Write"  # a value that says what is to be written
        return f"a {text.upper()} request" if text.upper() in SENDING and name and not is_write else ""

    def _entries(self, target: Place) -> Iterator[Place]:
        """The function, or what making one of a class runs."""
        if target in self._calls.functions:
            yield target
        elif target in self._calls.classes:
            made = (self._calls.method(target, name) for name in ("__init__", "__post_init__"))
            yield from (each for each in made if each)

    def _target(self, node: ast.AST, *, is_passed: bool = False) -> Place | None:
        """The function or class of ours that an expression names."""
        if isinstance(node, ast.Name):
            for scope in _outer(self._place.name):
                if (inner := Place(self._place.path, f"{scope}.{node.id}")) in self._calls.functions:
                    return inner
            return None if node.id in self._classes else self._calls.thing(self._place.path, node.id)
        if not isinstance(node, ast.Attribute):
            return None
        if home := self._names.modules.get(name_of(node.value)):
            return self._calls.thing(home, node.attr)
        if kind := self._class(node.value) or self._named_class(node.value):
            return self._calls.method(kind, node.attr)
        return None if is_passed else self._only_method(node)

    def _only_method(self, node: ast.Attribute) -> Place | None:
        """The method of that name where one class alone has one, and nothing else that is likely here."""
        found = self._calls.methods.get(node.attr, [])
        if len(found) != 1 or node.attr in COMMON:
            return None
        root = _root(node.value)
        imported = {each.local for each in self._names.module.imports}
        return None if root in imported or root in self._clients else found[0]

    def _named_class(self, node: ast.AST) -> Place | None:
        """The class that an expression is, rather than is one of."""
        target = self._target(node, is_passed=True) if isinstance(node, ast.Name | ast.Attribute) else None
        return target if target in self._calls.classes else None

    def _class(self, node: ast.AST) -> Place | None:
        """The class of ours that the value of an expression is one of, where that can be told."""
        if isinstance(node, ast.Name):
            return self._owner if node.id in ("self", "cls") else self._classes.get(node.id)
        if isinstance(node, ast.Call):
            if name_of(node.func) == "super" and self._owner:
                bases = (
                    self._calls.class_of(self._owner.path, each) for each in self._calls.classes[self._owner].bases
                )
                return next((each for each in bases if each), None)
            target = self._target(node.func)
            if target in self._calls.functions:
                return self._returned(target)
            return target
        if isinstance(node, ast.Attribute) and (kind := self._class(node.value)):
            return self._member(kind, node.attr)
        return None

    def _returned(self, place: Place) -> Place | None:
        returns = self._calls.functions[place].returns
        if name_of(returns) in ("Self", "typing.Self") if returns else False:
            return Place(place.path, place.name.rpartition(".")[0])
        return self._calls.class_of(place.path, returns)

    def _member(self, kind: Place, name: str) -> Place | None:
        """The class of an attribute, by its annotation in the class or as a property."""
        for each in self._calls.classes[kind].body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                return self._calls.class_of(kind.path, each.annotation)
        member = self._calls.method(kind, name)
        return self._returned(member) if member else None

    def _is_client(self, node: ast.AST) -> bool:
        """Is it one of AWS's clients: asked for here, or kept in a name?"""
        if isinstance(node, ast.Name):
            return node.id in self._clients
        if not isinstance(node, ast.Call):
            return False
        target = self._target(node.func)
        return name_of(node.func) in ("boto3.client", "boto3.resource") or bool(target and target.path == CLIENTS)

    def _learn(self) -> None:
        """Note which names have values of which classes."""
        for scope in [self._function, *(each for each in self._nodes if isinstance(each, ast.Lambda))]:
            for each in [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]:
                if kind := self._calls.class_of(self._place.path, each.annotation):
                    self._classes[each.arg] = kind
        for node in self._nodes:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                kind = self._calls.class_of(self._place.path, node.annotation)
                self._classes |= {node.target.id: kind} if kind else {}
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._learn_of(node.targets[0], node.value)

    def _learn_of(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            if self._is_client(value):
                self._clients.add(target.id)
            elif kind := self._class(value):
                self._classes[target.id] = kind
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for each, its in zip(target.elts, value.elts, strict=True):
                self._learn_of(each, its)


def _root(node: ast.AST) -> str:
    """The name that a chain of attributes and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _outer(name: str) -> Iterator[str]:
    """`a.b.c`, then `a.b`, then `a`."""
    while name:
        yield name
        name = name.rpartition(".")[0]
