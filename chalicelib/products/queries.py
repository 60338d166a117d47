"""What somebody looks for: words that must all be there, however they are joined, and how well a product has them.

The index is walked from one word's beginning at a time. The lead, likely the rarest word, leads to everything that
has it; where the lead may be the end of a joined word ("fi" of "wifi"), the joined word is walked first, so that one
walk finds no other's products and what is written together comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, pairwise
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

    def place(self, own: Mapping[str, int]) -> tuple[int, str] | None:
        """The one walk and the one word in it under which a product with those words is shown, None if it is not."""
        if self.cost(own) is None:
            return None
        for number, (start, end, joined) in enumerate(self._missed):
            if _best(joined, own) is not None and self._has(own, 0, start) and self._has(own, end, len(self.words)):
                return number, _first(joined, own)
        return len(self._missed), _first(self.words[self.lead], own)

    def cost(self, own: Mapping[str, int]) -> int | None:
        """How far a product with those words, by rank, is from what is wanted; None where a word is missing."""
        return self._cost(own, 0, len(self.words))

    def distance(self, own: Mapping[str, int]) -> int:
        """The cost in half steps: a product whose name says nothing else is half a step nearer."""
        said = {*self.words, *(group.joined for group in self.groups)}
        named = [word for word, rank in own.items() if rank == words.NAME and word not in said]
        says_more = not all(any(word.startswith(one) and word[len(one) :] in said for one in said) for word in named)
        return 2 * (self.cost(own) or 0) + says_more

    @property
    def _missed(self) -> list[Group]:
        """The groups with the lead that do not begin as it does."""
        covers = len(self.words[self.lead]) > 1
        with_lead = (each for each in self.groups if each.start <= self.lead < each.end)
        return [each for each in with_lead if not (covers and each.start == self.lead)]

    def _has(self, own: Mapping[str, int], start: int, end: int) -> bool:
        return self._cost(own, start, end) is not None

    def _cost(self, own: Mapping[str, int], start: int, end: int) -> int | None:
        """The least cost of the words in between, each alone or as one with others."""
        costs: dict[int, int] = {start: 0}
        for at in range(start, end):
            if at not in costs:
                continue
            alone = Group(at, at + 1, self.words[at])
            for group in (alone, *(each for each in self.groups if each.start == at and each.end <= end)):
                best = _best(group.joined, own)
                if best is not None:
                    costs[group.end] = min(costs.get(group.end, costs[at] + best + 1), costs[at] + best + 1)
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
    return Query(found, tuple(_groups(tokens, bounds)), lead)


def _groups(tokens: Sequence[words.Token], bounds: Sequence[tuple[int, int]]) -> Iterator[Group]:
    """What may be one word: a token, and one with its neighbour; `bounds` are the places of each token's words."""
    for token, (start, end) in zip(tokens, bounds, strict=True):
        if token.is_compound and token.joined and len(token.joined) <= words.MAX_LENGTH:
            yield Group(start, end, token.joined)
    for (first, (start, _)), (second, (_, end)) in pairwise(zip(tokens, bounds, strict=True)):
        if joined := words.together(first, second):
            yield Group(start, end, joined)


def _parted(text: str) -> Iterator[str]:
    for token in words.tokens(text):
        yield from token.parts


def _rarity(word: str) -> tuple[bool, int]:
    """What has digits is likely a model or a size, longer words are rarer, Han and the like say more by letter."""
    return bool(_DIGIT.search(word)), len(word) * (3 if is_unspaced(word[0]) else 1)


def _best(word: str, own: Mapping[str, int]) -> int | None:
    """How well a product has a word: by where it stands, and whether it only begins so; None if it does not."""
    if word in own and not is_unspaced(word[0]):
        return own[word]
    if _is_whole(word):
        return own.get(word)
    further = 0 if is_unspaced(word[0]) else _LONGER
    return min((further + rank for each, rank in own.items() if each.startswith(word)), default=None)


def _first(start: str, own: Mapping[str, int]) -> str:
    """The one word under which a product is shown to whoever looks for `start`: the first in the index's order."""
    return min(word for word in own if word.startswith(start))


def _is_whole(word: str) -> bool:
    """Is it found as a whole word only? One letter says too little to be a beginning."""
    return len(word) == 1 and not is_unspaced(word[0])
