"""What an amount costs, by the list in prices.toml."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("prices.toml")


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is over an amount costs so much."""

    over: float
    dollars: float


class ListPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What so many units of something cost, where that stands, and whether it was looked up there."""

    service: str
    dollars: float
    per: float
    unit: str
    page: str
    free: float = 0
    above: tuple[Tier, ...] = ()
    checked: bool = False

    def of(self, amount: float, *, has_free_tier: bool = False) -> float:
        """Dollars for that amount in a month."""
        paid = max(0.0, amount - self.free) if has_free_tier else amount
        bounds = [0.0, *(tier.over for tier in self.above), float("inf")]
        each = [self.dollars, *(tier.dollars for tier in self.above)]
        parts = zip(bounds, bounds[1:], each, strict=False)
        return sum(max(0.0, min(paid, end) - begin) / self.per * dollars for begin, end, dollars in parts)


class PriceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All prices by name, of one region and day."""

    as_of: date
    region: str
    prices: dict[str, ListPrice]


@cache
def current() -> PriceList:
    """The list as it is in the file."""
    return msgspec.toml.decode(FILE.read_bytes(), type=PriceList)
