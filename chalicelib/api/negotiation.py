"""Which of the media types that a route offers its caller takes, by the Accept header (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from chalicelib.core.errors import NotAcceptable

JSON = "application/json"

_MAX_RANGES = 50  # of one header that are looked at
_RANGE = re.compile(r"[ \t]*([^\s/;,]+)/([^\s/;,]+)[ \t]*(;.*)?", re.ASCII)
_WEIGHT = re.compile(r";[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*(?:;|$)", re.ASCII | re.IGNORECASE)


def choose(accept: str | None, offers: tuple[str, ...]) -> str:
    """The offer that the header likes best, the earlier of two that it likes alike; without a header the first.

    A header that cannot be read says nothing. Raises `NotAcceptable` for one that takes none of the offers.
    """
    ranges = list(islice(_ranges(accept or ""), _MAX_RANGES))
    if not ranges:
        return offers[0]
    weights = {offer: _weight(offer, ranges) for offer in offers}
    best = max(offers, key=weights.__getitem__)
    if not weights[best]:
        raise NotAcceptable(f"This address answers as {' or '.join(offers)}; the Accept header takes nothing of that.")
    return best


def _ranges(accept: str) -> Iterator[tuple[str, str, float]]:
    """Type, subtype and weight of each range of the header."""
    for said in accept.lower().split(","):
        if found := _RANGE.fullmatch(said):
            weight = _WEIGHT.search(found[3] or "")
            yield found[1], found[2], float(weight[1]) if weight else 1.0


def _weight(offer: str, ranges: list[tuple[str, str, float]]) -> float:
    """How much of the caller's liking an offer has, by the narrowest range that covers it."""
    kind, _, subtype = offer.partition(";")[0].partition("/")
    for wanted in ((kind, subtype), (kind, "*"), ("*", "*")):
        if found := [weight for *names, weight in ranges if tuple(names) == wanted]:
            return max(found)
    return 0.0
