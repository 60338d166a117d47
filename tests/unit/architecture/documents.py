"""What documents and docstrings name in backticks, and what there is that a name may be of."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from tests.unit.architecture.tree import DOMAINS, ROOT, Module, Tree, called, docstring_of, modules, project

TOKEN = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
FILE = re.compile(r"\.(py|md|ya?ml|json|jsonl|toml|txt)$")
BARE_PATH = re.compile(r"(?<![\w`/.<-])(?:bench|chalicelib|docs|infra|tests|tools)/[\w/.-]*\w(?![\w<*{]|/\S)")
FILE_ROW = re.compile(r"\| `([^`]+\.py)` \|")
COMMENT = re.compile(r"(?:^|\s\s)#\s(.*)")
GENERATED = re.compile(r"<!-- (\w+):begin -->.*?<!-- \1:end -->", re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
MEDIA_TYPE = re.compile(r"(application|audio|image|multipart|text|video)/")
# Files of the reader, which a text tells them to make.
OF_THE_READER = {"payment.json"}


class Token(NamedTuple):
    """What stands in one pair of backticks."""

    path: str
    line: int
    text: str


class Known:
    """What there is in a tree and beside it, to look names up in."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._modules = modules(tree)

    def path(self, text: str) -> bool:
        """Is there such a file or folder, in full or by its end? `<…>` stands for any name."""
        named = "".join(f"/{part}" for part in text.rstrip("/").split("/"))
        if re.search(r"/adr/\d{4}$", named):  # a decision by its number
            return any(path.startswith(f"{text}-") for path in self._paths)
        pattern = re.compile(
            re.sub(r"<[^>]*>", "[^/]+", re.escape(named).replace(r"\<", "<").replace(r"\>", ">")) + "$"
        )
        return any(pattern.search(f"/{path}") for path in self._paths)

    def is_dropped(self, text: str) -> bool:
        """Is it made when the shop runs, and no part of the project: what .gitignore lists, or a file in the bucket?"""
        start = text.partition("<")[0]
        return any(fnmatch(text, f"{ignored}*") for ignored in _ignored()) or (start != text and start in self.texts)

    def folder(self, name: str) -> bool:
        """Is there a folder of that name anywhere?"""
        return name in self._folders

    def module(self, name: str) -> bool:
        """Is there a module or package of that name, or one that is called so?"""
        return name in self._index or name in self._packages

    def dotted(self, name: str) -> bool:
        """Is it a module, something in a module or a class, or of a library?"""
        parts = name.split(".")
        if name in self._packages or self._of_class(*parts[:2]):
            return True
        for count in range(1, len(parts) + 1):
            rest = parts[count:]
            for module in self._index.get(".".join(parts[:count]), ()):
                members = self._members[module.path]
                if not rest or (rest[0] in members and (len(rest) == 1 or self._of_class(*rest[:2]))):
                    return True
        return _is_of_library(name, self._libraries)

    def value(self, name: str) -> bool:
        """Is it a field of a value, `attempt.amount` or `payment.nextAction`, or the name of an event?"""
        first, *rest = name.split(".")
        if any(each.isupper() for each in rest):
            return False
        kind = re.sub(r"\.v[0-9]+$", "", name)  # a type of event is a kind in a version of its shape
        is_event = any(text == kind or text.startswith(f"{kind}.") for text in self.texts)
        fields = not self.module(first) and {first, *rest} <= self.fields
        return is_event or fields or (first in DOMAINS and {first, *rest} <= self.fields)

    def word(self, text: str) -> bool:
        """Is it a name in the code, a word of a text in it, or of Python?"""
        return text in self.words or hasattr(builtins, text) or self.module(text)

    @cached_property
    def fields(self) -> set[str]:
        """Names of parameters and fields, as Python and as JSON spells them."""
        found = set()
        for module in self._modules:
            for node in module.nodes:
                if isinstance(node, ast.arg):
                    found.add(node.arg)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    found.add(node.target.id)
        return found | {_camel(each) for each in found}

    @cached_property
    def texts(self) -> set[str]:
        return {str(text.value) for module in self._modules for text in module.strings}

    @cached_property
    def words(self) -> set[str]:
        found = {word for text in [*self.texts, *_phrases()] for word in re.findall(r"\w+", text)}
        for module in self._modules:
            for node in module.nodes:
                found |= {value for field in ("id", "attr", "arg", "name") if (value := getattr(node, field, None))}
        return found | {_camel(each) for each in found if "_" in each}

    @cached_property
    def _paths(self) -> set[str]:
        files = {*_files(), *self._tree}
        return files | {str(parent) for path in files for parent in PurePosixPath(path).parents}

    @cached_property
    def _folders(self) -> set[str]:
        return {parent.name for path in {*_files(), *self._tree} for parent in PurePosixPath(path).parents}

    @cached_property
    def _packages(self) -> set[str]:
        """Every end of a package's dotted name."""
        names = [module.dotted for module in self._modules if module.path.endswith("/__init__.py")]
        return {end for name in names for end in _ends(name)}

    @cached_property
    def _index(self) -> dict[str, list[Module]]:
        """The modules by every end of their dotted names, and by what they are called."""
        found: defaultdict[str, list[Module]] = defaultdict(list)
        for module in self._modules:
            if not module.path.endswith("/__init__.py"):
                for name in {*_ends(module.dotted), called(module.path)}:
                    found[name].append(module)
        return found

    @cached_property
    def _members(self) -> dict[str, set[str]]:
        return {module.path: _names_in(module.syntax) for module in self._modules}

    @cached_property
    def _class_members(self) -> dict[str, set[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for module in self._modules:
            for _, node in module.classes:
                found[node.name] |= _names_in(node)
        return found

    @cached_property
    def _libraries(self) -> set[str]:
        return {each.name.split(".")[0] for module in self._modules for each in module.imports}

    def _of_class(self, name: str, *members: str) -> bool:
        return name in self._class_members and {*members} <= self._class_members[name]


def known(tree: Tree) -> Known:
    """What there is in a tree; for the tree as it is, looked up once."""
    return _known_of_project() if tree is project() else Known(tree)


@cache
def _known_of_project() -> Known:
    return Known(project())


def tokens(path: str, text: str) -> list[Token]:
    """What a document names in its prose and tables; what is generated or shown as code is left out."""
    for left_out in (GENERATED, FENCED):
        text = left_out.sub(lambda match: "\n" * match[0].count("\n"), text)
    found = [(match.start(), match[1]) for match in TOKEN.finditer(text)]
    found += [(match.start(), match[0]) for match in BARE_PATH.finditer(text)]
    return [Token(path, text.count("\n", 0, start) + 1, named) for start, named in found]


def tokens_of_code(module: Module) -> Iterator[Token]:
    """What the docstrings and comments of a module name in backticks, and paths anywhere in it."""
    for match in BARE_PATH.finditer(module.text):
        yield Token(module.path, module.text.count("\n", 0, match.start()) + 1, match[0])
    for docstring in module.docstrings:
        for match in TOKEN.finditer(docstring.value):
            yield Token(module.path, docstring.lineno + docstring.value.count("\n", 0, match.start()), match[1])
    for line, comment in comments(module):
        for match in TOKEN.finditer(comment):
            yield Token(module.path, line, match[1])


def comments(module: Module) -> Iterator[tuple[int, str]]:
    if "#" in module.text:
        for number, line in enumerate(module.lines, 1):
            if "#" in line and (match := COMMENT.search(line)):
                yield number, match[1]


def file_table(module: Module) -> dict[str, int]:
    """The files that a package's docstring lists in a table, and where."""
    docstring = docstring_of(module.syntax)
    lines = str(docstring.value).splitlines() if docstring else []
    found = ((FILE_ROW.match(line), number) for number, line in enumerate(lines, 1))
    return {match[1]: number for match, number in found if match}


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def _files() -> frozenset[str]:
    """Every file of the project by its path."""
    found = set()
    for folder, folders, names in os.walk(ROOT):
        home = os.path.relpath(folder, ROOT)
        folders[:] = [each for each in folders if each != ".git" and not _is_ignored(home, each)]
        found |= {os.path.normpath(f"{home}/{name}") for name in names}
    return frozenset(found)


def _is_ignored(home: str, folder: str) -> bool:
    path = os.path.normpath(f"{home}/{folder}")
    return any(fnmatch(path, ignored) or fnmatch(folder, ignored) for ignored in _ignored())


@cache
def _phrases() -> list[str]:
    """What the mails say, language by language."""
    return [(ROOT / path).read_text() for path in sorted(_files()) if path.endswith(".toml")]


@cache
def _ignored() -> tuple[str, ...]:
    return tuple(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line)


def _ends(name: str) -> list[str]:
    """`a.b.c`, `b.c`, `c`."""
    parts = name.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


def _names_in(scope: ast.Module | ast.ClassDef) -> set[str]:
    """What a module or class defines: functions, classes, constants, fields, what is set on `self`."""
    found = set()
    for node in scope.body if isinstance(scope, ast.Module) else ast.walk(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each for target in targets for each in ast.walk(target)]
            found |= {each.id for each in names if isinstance(each, ast.Name)}
            found |= {each.attr for each in names if isinstance(each, ast.Attribute)}
    return found


def _is_of_library(name: str, libraries: set[str]) -> bool:
    """Is it of a library that the code imports, or a module of Python or something in one?"""
    first, *rest = name.split(".")
    if first in libraries and first not in sys.stdlib_module_names:
        return not first.startswith(("chalicelib", "tools", "bench", "app"))
    if first not in sys.stdlib_module_names:
        return False
    try:
        if importlib.util.find_spec(name):
            return True
    except ModuleNotFoundError:
        pass
    return all(hasattr(importlib.import_module(first), each) for each in rest[:1])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
