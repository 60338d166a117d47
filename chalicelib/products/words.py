"""The words by which a product is found: how text becomes words, and which of them a query means.

Matching is by whole words and by the beginnings of words, whatever their case and accents. There is no stemming and
no spelling, and ranking only by where a word stands; docs/adr says when a search service is the better answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from chalicelib.core.errors import invalid

MIN_LENGTH = 2
MAX_WORDS_OF_PRODUCT = 80
_MAX_LENGTH = 30
_MAX_WORDS_OF_QUERY = 8


def of_text(*texts: str) -> tuple[str, ...]:
    """The distinct words of these texts, in the order in which they come."""
    runs = (run[:_MAX_LENGTH] for text in texts for run in _plain(text).split())
    return tuple(dict.fromkeys(run for run in runs if len(run) >= MIN_LENGTH))


def _plain(text: str) -> str:
    """The text in one case, without accents, all but letters, digits and the vowel signs of some scripts as blanks."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (each for each in folded if not unicodedata.combining(each))
    return "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in kept)


def of_product(name: str, category: str, description: str) -> tuple[str, ...]:
    """The terms that a product is found by: each word with the rank of where it stands, as in `mug#0`.

    A word counts where it matters most: in the name, then the category, then the description. A very long
    description counts with its beginning only.
    """
    terms: dict[str, str] = {}
    for rank, text in enumerate((name, category, description)):
        for word in of_text(text):
            terms.setdefault(word, f"{word}#{rank}")
    return tuple(terms.values())[:MAX_WORDS_OF_PRODUCT]


def of_term(term: str) -> str:
    """The word of a term."""
    return term.partition("#")[0]


def of_query(text: str) -> tuple[str, ...]:
    """The words that somebody looks for, or `Invalid` when there are none; the first is likely the rarest.

    Longer words are rarer, and of words of one length the later ("the mug").
    """
    found = of_text(text)[:_MAX_WORDS_OF_QUERY]
    if not found:
        raise invalid("q", "too_short", f"Give at least one word of {MIN_LENGTH} letters or digits.")
    return tuple(sorted(found, key=lambda word: (len(word), found.index(word)), reverse=True))


def all_match(wanted: Iterable[str], words: Sequence[str]) -> bool:
    """Does each wanted word begin one of the product's?"""
    return all(any(word.startswith(start) for word in words) for start in wanted)


def first_match(start: str, words: Sequence[str]) -> str:
    """The one word under which a product is shown to whoever looks for `start`: the first in the index's order."""
    return min(word for word in words if word.startswith(start))
