"""GitHub's expressions, as its documentation has them: contexts, comparisons, `&&`, `||`, `!` and the status functions.

What no context knows is refused, where GitHub would take it for an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\d+|==|!=|[()!]|&&|\|\||[A-Za-z_][\w.-]*)")
WORDS: dict[str, object] = {"true": True, "false": False, "null": None}
STATUS = ("success", "failure", "always", "cancelled")
EXPRESSION = re.compile(r"\$\{\{(.+?)\}\}")
Contexts = Mapping[str, Any]


def filled(text: str, contexts: Contexts) -> str:
    """A text with its expressions' values."""
    return EXPRESSION.sub(lambda found: _text(evaluate(found[1], contexts)), text)


def holds(condition: str, contexts: Contexts) -> bool:
    """Does an `if:` hold? Without one of the status functions it wants success as well."""
    bare = condition.strip().removeprefix("${{").removesuffix("}}")
    tokens = _tokens(bare)
    asks = any(each in STATUS and tokens[at + 1 : at + 2] == ["("] for at, each in enumerate(tokens))
    return bool((asks or contexts["status"] == "success") and evaluate(bare, contexts))


def evaluate(expression: str, contexts: Contexts) -> object:
    """The expression's value. Raises `LookupError` for what no context knows."""
    reader = _Reader(_tokens(expression), contexts)
    value = reader.any_of()
    if reader.tokens:
        raise ValueError(f"{expression!r} goes on at {reader.tokens[0]!r}")
    return value


def _tokens(expression: str) -> list[str]:
    found, at, text = [], 0, expression.rstrip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{expression!r} cannot be read at {text[at:]!r}")
        found.append(token[1])
        at = token.end()
    return found


@dataclass
class _Reader:
    tokens: list[str]
    contexts: Contexts

    def any_of(self) -> object:
        return self._chain("||", self.all_of, lambda left, right: left or right)

    def all_of(self) -> object:
        return self._chain("&&", self.compared, lambda left, right: left and right)

    def compared(self) -> object:
        left = self.one()
        while self.tokens and self.tokens[0] in ("==", "!="):
            wanted = self.tokens.pop(0) == "=="
            left = (left == self.one()) is wanted
        return left

    def one(self) -> object:
        token = self.tokens.pop(0)
        if token == "!":
            return not self.one()
        if token == "(":
            value = self.any_of()
            self._expect(")")
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if self.tokens[:1] == ["("]:
            return self._called(token)
        return WORDS[token] if token in WORDS else self._known(token)

    def _called(self, name: str) -> bool:
        self._expect("(")
        self._expect(")")
        if name not in STATUS:
            raise LookupError(f"no function {name}()")
        return name == "always" or self.contexts["status"] == name

    def _known(self, path: str) -> object:
        value: Any = self.contexts
        for name in path.split("."):
            if not isinstance(value, Mapping) or name not in value:
                raise LookupError(f"no context knows {path}")
            value = value[name]
        return value

    def _chain(self, sign: str, part: Callable[[], object], joined: Callable[[object, object], object]) -> object:
        value = part()
        while self.tokens[:1] == [sign]:
            self.tokens.pop(0)
            value = joined(value, part())
        return value

    def _expect(self, token: str) -> None:
        if self.tokens[:1] != [token]:
            raise ValueError(f"{token!r} is missing before {self.tokens[:1]}")
        self.tokens.pop(0)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
