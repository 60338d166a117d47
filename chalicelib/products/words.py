"""The words by which a product is found: how text becomes words, and the terms of a product.

Matching is by whole words and by the beginnings of words, whatever their case and accents. What is joined or parted by
apostrophes, hyphens or blanks is found either way, because it stands in the index both ways: "wi-fi" as "wi", "fi" and
"wifi". Text of scripts without blanks is cut into pieces of three letters, one from each letter on, of which any part
of the text is the beginning or a series. There is no stemming and no spelling; docs/adr says when a search service is
the better answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from chalicelib.core.scripts import is_unspaced
from chalicelib.products import letters

SKU, NAME, CATEGORY, DESCRIPTION = range(-1, 3)  # ranks; in sort keys, too, "-1" comes before "0"
MAX_LENGTH = 64  # as long as a SKU
MAX_WORDS_OF_PRODUCT = 80
_PIECE = 3  # letters of scripts without blanks
_MAX_PAIR = 10  # letters of two words of a name that are also indexed as one; longer ones are seldom parted
_MAX_MEASURE = 16  # letters and digits of one
_MEASURE = re.compile(r"\d[^\W\d_]\d")
_PLAIN = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\d[.,:]\d|^[^a-z]*\d/\d")  # 3.5mm is not 35mm, 1/2" not 12", but AB-12/3 is AB123
_POSSESSIVE = re.compile(r"\w's\W*$")


class Token(NamedTuple):
    """What stands between two blanks: its parts, and the same as one word where it can be one.

    The `s` of a possessive (`men's`) counts in the joined word only.
    """

    parts: tuple[str, ...]
    joined: str | None

    @property
    def is_compound(self) -> bool:
        """Are there two ways to write it?"""
        return self.joined is not None and self.parts != (self.joined,)


def tokens(text: str) -> list[Token]:
    """The tokens of a text, folded, in the order in which they come."""
    found = (_token(chunk) for chunk in letters.folded(text).split())
    return [token for token in found if token.parts]


def of_text(text: str) -> tuple[str, ...]:
    """The distinct words that a text is indexed by, in the order in which they come."""
    return tuple(dict.fromkeys(word for token in tokens(text) for word in _of_token(token)))


def of_name(text: str) -> tuple[str, ...]:
    """The same of a name, with neighbours as one word (`t shirt`, `iphone 5`, `10 x 20`)."""
    joined = (word for _, _, word in neighbours(tokens(text)))
    return tuple(dict.fromkeys((*of_text(text), *joined)))


def of_sku(sku: str) -> tuple[str, ...]:
    """The one word that a SKU is indexed by, without its punctuation, as a query has it."""
    return tuple(word for token in tokens(sku) for word in ([token.joined] if token.joined else token.parts))


def of_product(name: str, category: str, description: str, sku: str | None = None) -> tuple[str, ...]:
    """The terms that a product is found by: each word with the rank of where it stands, as in `mug#0`.

    A word counts where it matters most: as the SKU, in the name, the category, then the description. Of a very long
    text the beginning counts only; category and SKU always do.
    """
    always = dict.fromkeys((*of_sku(sku or ""), *of_text(category)))
    ranked = {
        SKU: of_sku(sku or ""),
        NAME: of_name(name),
        CATEGORY: of_text(category),
        DESCRIPTION: of_text(description),
    }
    ranks: dict[str, int] = {}
    for rank, found in ranked.items():
        for word in found:
            ranks.setdefault(word, rank)
    others = [word for word in ranks if word not in always][: MAX_WORDS_OF_PRODUCT - len(always)]
    return tuple(f"{word}#{rank}" for word, rank in ranks.items() if word in {*always, *others})


def of_term(term: str) -> tuple[str, int]:
    """The word of a term, and its rank."""
    word, _, rank = term.partition("#")
    return word, int(rank)


def neighbours(found: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """Tokens that may be one word, by the places of the first and after the last: two, or a measure with its unit."""
    for at, pair in enumerate(pairwise(found)):
        if joined := _together(*pair):
            yield at, at + 2, joined
        end, measure = _measure(found, at)
        if end > at + 1:
            yield at, end, measure
            with_unit = _together(Token((measure,), measure), found[end]) if end < len(found) else None
            if with_unit:
                yield at, end + 1, with_unit


def _measure(found: Sequence[Token], at: int) -> tuple[int, str]:
    """The longest measure that begins there (`10 x 20 x 30`: a single letter between digits), and where it ends."""
    end, joined = at + 1, found[at].joined or ""
    for letter, number in zip(found[end::2], found[end + 1 :: 2], strict=False):
        between = f"{joined[-1:]}{letter.joined}{(number.joined or '')[:1]}"
        longer = f"{joined}{letter.joined}{number.joined}"
        if not _MEASURE.fullmatch(between) or len(longer) > _MAX_MEASURE:
            break
        end, joined = end + 2, longer
    return end, joined


def _together(first: Token, second: Token) -> str | None:
    """Two neighbours as one word, None where nobody would write them so: two numbers, or something long."""
    if first.joined is None or second.joined is None or (first.joined[-1].isdigit() and second.joined[0].isdigit()):
        return None
    joined = first.joined + second.joined
    return joined if len(joined) <= _MAX_PAIR else None


def pieces(part: str, *, all_starts: bool) -> tuple[str, ...]:
    """What a part is indexed by, or, without the last starts, what somebody must look for to find it.

    A word of a script with blanks is one piece. Vowel signs go with their letters.
    """
    if not is_unspaced(part[0]):
        return (part,)
    units: list[str] = []
    for each in part:
        if units and letters.is_mark(each):
            units[-1] += each
        else:
            units.append(each)
    count = len(units) if all_starts else max(1, len(units) - _PIECE + 1)
    return tuple("".join(units[start : start + _PIECE]) for start in range(count))


def _of_token(token: Token) -> Iterator[str]:
    for part in token.parts:
        yield from (piece[:MAX_LENGTH] for piece in pieces(part, all_starts=True))
    if token.is_compound and token.joined and len(token.joined) <= MAX_LENGTH:
        yield token.joined


def _token(chunk: str) -> Token:
    parts = tuple(_PLAIN.findall(chunk) if chunk.isascii() else _runs(chunk))
    can_join = not any(is_unspaced(part[0]) for part in parts) and not _NUMBER.search(chunk)
    joined = "".join(parts) if can_join else None
    return Token(parts[:-1] if len(parts) > 1 and _POSSESSIVE.search(chunk) else parts, joined)


def _runs(chunk: str) -> Iterable[str]:
    """The runs of letters and digits with their marks, parted also where a script without blanks begins or ends."""
    runs: list[str] = []
    before: bool | None = None  # of what kind the run is that may go on
    for each in chunk:
        if before is not None and letters.is_mark(each):
            runs[-1] += each
        elif not each.isalnum():
            before = None
        elif before is (kind := is_unspaced(each)):
            runs[-1] += each
        else:
            runs.append(each)
            before = kind
    return runs
