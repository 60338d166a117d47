"""What mails say, by language: one file a language, read when its first mail is sent.

A text is a subject and paragraphs with `$names` in them. A language that lacks a text, or the file, falls back on
the language without its region, then on English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template

FALLBACK = "en"
_FOLDER = Path(__file__).parent / "languages"


@dataclass(frozen=True, slots=True)
class Text:
    """A mail in one language, with everything filled in."""

    locale: str
    subject: str
    body: str

    @property
    def html(self) -> str:
        """The same in HTML; nothing that came from outside is markup."""
        blocks = (escape(block).replace("\n", "<br>") for block in self.body.split("\n\n"))
        paragraphs = "".join(f"<p>{block}</p>" for block in blocks)
        return f'<!doctype html><html lang="{self.locale}"><meta charset="utf-8"><body>{paragraphs}</body></html>'


def render(name: str, locale: str, **values: object) -> Text:
    """The text of that name in the nearest language there is; a `$name` without a value is a `KeyError`."""
    for language in (locale, locale.partition("-")[0], FALLBACK):
        found = _texts(language).get(name)
        if found:
            subject = Template(found["subject"]).substitute(values)
            return Text(language, " ".join(subject.split()), Template(found["body"]).substitute(values).strip())
    raise KeyError(name)


def phrase(name: str, locale: str) -> str:
    """A word that lists in mails are made of, such as `Total`."""
    words = {**_texts(FALLBACK)["words"], **_texts(locale.partition("-")[0]).get("words", {})}
    return words[name]


@lru_cache(maxsize=32)
def _texts(language: str) -> Mapping[str, Mapping[str, str]]:
    path = _FOLDER / f"{language}.toml"
    return tomllib.loads(path.read_text("utf-8")) if language.replace("-", "").isalpha() and path.is_file() else {}
