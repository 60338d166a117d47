"""What somebody looks for: words that must all be there, however they are joined, and how well a product has them.

The index is walked from one word's beginning at a time. The lead, likely the rarest word, leads to everything that
has it; where the lead may be the end of a joined word ("fi" of "wifi"), the joined word is walked first, so that one
walk finds no other's products and what is written together comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import accumulate, chain, groupby, pairwise
from typing import NamedTuple

from chalicelib.core.errors import invalid
from chalicelib.core.scripts import is_unspaced
from chalicelib.products import words

_DIGIT = re.compile(r"\d")
_LONGER = 3  # ranks; a word that only begins as wanted comes after all that are exactly so


class Group(NamedTuple):
    """Wanted words from `start` to before `end` that may be one word."""

    start: int
    end: int
    joined: str


@dataclass(frozen=True, slots=True)
class Own:
    """The words of a product: of each rank, the best first, as one text with a blank around each word."""

    texts: tuple[tuple[int, str], ...]
    _known: dict[str, int | None] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, terms: Iterable[tuple[str, int]]) -> Own:
        """These words with their ranks."""
        found = sorted(terms, key=lambda term: term[1])
        by_rank = groupby(found, key=lambda term: term[1])
        return cls(tuple((rank, f" {' '.join(word for word, _ in those)} ") for rank, those in by_rank))

    def best(self, word: str) -> int | None:
        """How well the product has a word: by where it stands, and whether it only begins so; None if it does not."""
        if word not in self._known:
            self._known[word] = self._best(word)
        return self._known[word]

    def first(self, start: str) -> str:
        """The one word under which the product is shown to whoever looks for `start`: the first of the index."""
        return min(word for _, text in self.texts for word in text.split() if word.startswith(start))

    def name(self) -> list[str]:
        """The words of the product's name."""
        return [word for rank, text in self.texts if rank == words.NAME for word in text.split()]

    def _best(self, word: str) -> int | None:
        is_piece = is_unspaced(word[0])
        if not is_piece:
            whole = f" {word} "
            for rank, text in self.texts:
                if whole in text:
                    return rank
            if len(word) == 1:  # says too little to be a beginning
                return None
        start = f" {word}"
        for rank, text in self.texts:
            if start in text:
                return rank if is_piece else rank + _LONGER
        return None


class Query(NamedTuple):
    """The wanted words, which of them may be one, and the number of the one that leads."""

    words: tuple[str, ...]
    groups: tuple[Group, ...]
    lead: int

    def narrowed(self, text: str) -> Query:
        """The query with the words of another text."""
        return self._replace(words=(*self.words, *_parted(text)))

    @property
    def is_one_word(self) -> bool:
        """Does everything under the lead's beginning match?"""
        return len(self.words) == len(self.walks) == 1

    @property
    def walks(self) -> tuple[str, ...]:
        """The beginnings to walk the index from: first the joined words that the lead's own walk would miss."""
        return (*(group.joined for group in self._missed), self.words[self.lead])

    def place(self, own: Own) -> tuple[int, str] | None:
        """The one walk and the one word in it under which a product with those words is shown, None if it is not."""
        if self.cost(own) is None:
            return None
        for number, (start, end, joined) in enumerate(self._missed):
            if own.best(joined) is not None and self._has(own, 0, start) and self._has(own, end, len(self.words)):
                return number, own.first(joined)
        return len(self._missed), own.first(self.words[self.lead])

    def cost(self, own: Own) -> int | None:
        """How far a product with those words, by rank, is from what is wanted; None where a word is missing."""
        return self._cost(own, 0, len(self.words))

    def distance(self, own: Own) -> int:
        """The cost in half steps: a product whose name says nothing else is half a step nearer."""
        said = {*self.words, *(group.joined for group in self.groups)}
        named = [word for word in own.name() if word not in said]
        says_more = not all(any(word.startswith(one) and word[len(one) :] in said for one in said) for word in named)
        return 2 * (self.cost(own) or 0) + says_more

    @property
    def _missed(self) -> list[Group]:
        """The groups with the lead that do not begin as it does."""
        covers = len(self.words[self.lead]) > 1
        with_lead = (each for each in self.groups if each.start <= self.lead < each.end)
        return [each for each in with_lead if not (covers and each.start == self.lead)]

    def _has(self, own: Own, start: int, end: int) -> bool:
        return self._cost(own, start, end) is not None

    def _cost(self, own: Own, start: int, end: int) -> int | None:
        """The least cost of the words in between, each alone or as one with others."""
        costs, furthest = {start: 0}, start
        alone = (Group(at, at + 1, self.words[at]) for at in range(start, end))
        for group in merge(alone, self.groups):
            if group.start >= end:
                break
            if group.start > furthest:
                return None
            if group.start not in costs or group.end > end:
                continue
            best = own.best(group.joined)
            if best is not None:
                cost = costs[group.start] + best + 1
                costs[group.end] = min(cost, costs.get(group.end, cost))
                furthest = max(furthest, group.end)
        return costs.get(end)


def of_text(text: str) -> Query:
    """What a text asks for, all of it; `Invalid` where there is nothing to look for, or something not in any index."""
    tokens = words.tokens(text)
    wanted = [[piece for part in token.parts for piece in words.pieces(part, all_starts=False)] for token in tokens]
    found = tuple(chain.from_iterable(wanted))
    if not found:
        raise invalid("q", "too_short", "Give at least one letter or digit.")
    if max(map(len, found)) > words.MAX_LENGTH:
        raise invalid("q", "too_long", f"No word may have more than {words.MAX_LENGTH} letters and digits.")
    bounds = list(pairwise(accumulate(map(len, wanted), initial=0)))
    lead = max(range(len(found)), key=lambda at: (_rarity(found[at]), at))
    return Query(found, tuple(sorted(_groups(tokens, bounds))), lead)


def _groups(tokens: Sequence[words.Token], bounds: Sequence[tuple[int, int]]) -> Iterator[Group]:
    """What may be one word: a token, and one with its neighbours; `bounds` are the places of each token's words."""
    for token, (start, end) in zip(tokens, bounds, strict=True):
        if token.is_compound and token.joined and len(token.joined) <= words.MAX_LENGTH:
            yield Group(start, end, token.joined)
    for first, after, joined in words.neighbours(tokens):
        yield Group(bounds[first][0], bounds[after - 1][1], joined)


def _parted(text: str) -> Iterator[str]:
    for token in words.tokens(text):
        yield from token.parts


def _rarity(word: str) -> tuple[bool, int]:
    """What has digits is likely a model or a size, longer words are rarer, Han and the like say more by letter."""
    return bool(_DIGIT.search(word)), len(word) * (3 if is_unspaced(word[0]) else 1)
