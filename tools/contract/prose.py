"""What the code's docstrings and the pages say, as a caller reads it who has neither of them."""

from __future__ import annotations

import re

from chalicelib.api import problem_codes
from tools.contract.routes import camel

_RULES = re.compile(r" \((?:[A-Z]\d+(?:, )?)+\)")  # the numbers of docs/rules.md
_LINKS = re.compile(r"[;,]? see \[below\]\(#[^)]*\)|\[([^\]]+)\]\([^)]*\)")
_NAMES = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)`")


def for_callers(text: str) -> str:
    """The text in one line, with the names of fields as they are outside, and nothing that leads to where it came from.

    A name in our spelling that is a code stays as it is, since codes are spelled so outside, too.
    """
    line = _RULES.sub("", " ".join(text.split()))
    line = _LINKS.sub(lambda found: found[1] or "", line)
    return re.sub(r"\bNone\b", "null", _NAMES.sub(_name, line))


def _name(found: re.Match[str]) -> str:
    codes = {each.code for each in problem_codes.known().problems}
    return found[0] if found[1] in codes else f"`{camel(found[1])}`"
