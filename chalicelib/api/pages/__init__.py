"""Pages for people: HTML without a script, whose style is known by its hash and which asks nothing of another host.

What is filled into a template is text, never markup, but where another template was filled in before.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from chalicelib.api.calls import Document
from chalicelib.api.negotiation import JSON

HTML = "text/html"
OFFERS = (JSON, HTML)  # who does not say what they take is a program

_FOLDER = Path(__file__).parent
_KIND = f"{HTML}; charset=utf-8"
_CODE = re.compile("`([^`]+)`")


class Markup(str):
    """A piece of HTML."""

    __slots__ = ()


def page(heading: str, content: Markup, *, base: str) -> Document:
    """A whole page; `base` is what the addresses of this API begin with."""
    style = Markup(_text("style.css"))
    html = filled("frame", title=heading, heading=heading, content=content, home=base, style=style)
    return Document(html, _KIND, {"Content-Security-Policy": _policy(style)})


def filled(name: str, **values: str) -> Markup:
    """A template with these values; those that are no markup are escaped, and `like this` becomes code."""
    return _substituted(_text(f"{name}.html"), values)


def each(template: str, rows: list[dict[str, str]]) -> Markup:
    """The same line of HTML for every row."""
    return Markup("\n".join(_substituted(template, row) for row in rows))


def _substituted(template: str, values: dict[str, str]) -> Markup:
    return Markup(Template(template).substitute({name: _markup(value) for name, value in values.items()}))


def _markup(value: str) -> str:
    return value if isinstance(value, Markup) else _CODE.sub(r"<code>\1</code>", escape(value))


def _policy(style: str) -> str:
    """What a browser may do with a page: show it with its style, and nothing else."""
    known = b64encode(sha256(style.encode()).digest()).decode()
    allowed = f"default-src 'none'; img-src data:; style-src 'sha256-{known}'"
    return f"{allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@lru_cache(maxsize=16)
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").rstrip("\n")
