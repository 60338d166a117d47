"""What mails say, by language: one file a language, read when its first mail is sent.

A text is a subject and paragraphs with `$names` in them. A language that lacks a text, or the file, falls back along
its tag, such as from zh-Hant-TW on zh-Hant and on zh, and then on English. HTML says the direction of a text by the
letters that it is written in.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

FALLBACK = "en"
_FOLDER = Path(__file__).parent / "languages"
_TAG = re.compile(r"[A-Za-z0-9-]{1,100}")
_NAME = re.compile(r"\$\w+")


@dataclass(frozen=True, slots=True)
class Text:
    """A mail in one language, with everything filled in."""

    locale: str
    subject: str
    body: str
    is_right_to_left: bool = False

    @property
    def html(self) -> str:
        """The same in HTML; nothing that came from outside is markup."""
        blocks = (escape(block).replace("\n", "<br>") for block in self.body.split("\n\n"))
        paragraphs = "".join(f"<p>{block}</p>" for block in blocks)
        attributes = f'lang="{self.locale}"' + (' dir="rtl"' if self.is_right_to_left else "")
        return f'<!doctype html><html {attributes}><meta charset="utf-8"><body>{paragraphs}</body></html>'


def render(name: str, locale: str, **values: object) -> Text:
    """The text of that name in the nearest language there is; a `$name` without a value is a `KeyError`."""
    for language in _along(locale):
        found = _texts(language).get(name)
        if found:
            subject, body = (Template(found[part]).substitute(values) for part in ("subject", "body"))
            return Text(language, " ".join(subject.split()), body.strip(), _is_right_to_left(found["body"]))
    raise KeyError(name)


def phrase(name: str, locale: str) -> str:
    """A word that lists in mails are made of, such as `Total`."""
    return next(words[name] for language in _along(locale) if name in (words := _texts(language).get("words", {})))


def _along(locale: str) -> Iterator[str]:
    """The languages to look in: the tag, then without its last part each time, as RFC 4647 has it, then English."""
    parts = locale.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:  # what introduces an extension says nothing by itself
            parts.pop()
    yield FALLBACK


def _is_right_to_left(template: str) -> bool:
    """Are most of the letters of a text, but for the names in it, written from right to left?"""
    kinds = [unicodedata.bidirectional(letter) for letter in _NAME.sub("", template)]
    return sum(kind in ("R", "AL") for kind in kinds) > kinds.count("L")


@lru_cache(maxsize=32)
def _texts(language: str) -> Mapping[str, Mapping[str, str]]:
    path = _FOLDER / f"{language}.toml"
    return tomllib.loads(path.read_text("utf-8")) if _TAG.fullmatch(language) and path.is_file() else {}
