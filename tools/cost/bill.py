"""A month's bill of a stage: lines that add up.

Each line is rounded to a hundredth of a cent, and every sum is one of rounded lines, so what is printed adds up to the
last digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from tools.cost import prices, standing, traffic, units
from tools.cost.load import HOURS, SECONDS
from tools.cost.standing import Charge, Resources
from tools.stages import Stage

WHOLE = 1000  # from here on nobody reads a fraction
SMALLEST = Decimal("0.0001")


class BillLine(NamedTuple):
    """What is charged for, and how much."""

    service: str
    what: str
    amount: float
    dollars: Decimal

    @property
    def number(self) -> str:
        """The amount as it is read."""
        is_plain = self.amount >= WHOLE or self.amount == int(self.amount)
        return f"{self.amount:,.0f}" if is_plain else f"{self.amount:,.4f}"


def month(
    stage: Stage, interactions: float, *, milliseconds: float | None = None, has_free_tier: bool = False
) -> list[BillLine]:
    """The lines of a month with so many interactions, those of one service together, without what there is none of."""
    measured, assumptions, resources = units.measured(), units.assumptions(), standing.found_resources(stage)
    amounts = [
        *standing.amounts(stage, resources, measured, assumptions.assumed),
        *traffic.amounts(interactions, measured, assumptions, milliseconds=milliseconds),
        *_of_edge(resources, interactions),
    ]
    return [*priced(_as_charged(stage, resources, amounts), has_free_tier=has_free_tier)]


def priced(amounts: Iterable[Charge], *, has_free_tier: bool = False) -> Iterator[BillLine]:
    """What the amounts cost, service by service; what is free of a price is so once."""
    listed, given = prices.current().prices, [each for each in amounts if each.amount]
    for service in dict.fromkeys(price.service for price in listed.values()):
        before: dict[str, float] = {}
        for name, amount, what in given:
            price, begin = listed[name], before.get(name, 0.0)
            if price.service == service:
                end = before[name] = begin + amount
                dollars = price.of(end, has_free_tier=has_free_tier) - price.of(begin, has_free_tier=has_free_tier)
                yield BillLine(service, what or price.unit, amount, _rounded(dollars))


def total(lines: Iterable[BillLine]) -> Decimal:
    """What all of them cost together."""
    return sum((line.dollars for line in lines), Decimal(0))


def _of_edge(resources: Resources, interactions: float) -> Iterator[Charge]:
    """What comes through what the stage has put before its API."""
    types = Counter(each.get("Type") for each in resources.values())
    if types["AWS::WAFv2::WebACL"]:
        yield Charge("firewall_requests", interactions, "requests that it looks at")
    if types["AWS::CloudFront::Distribution"] > 1:
        yield Charge("edge_requests", interactions, "requests to the API")


def _as_charged(stage: Stage, resources: Resources, amounts: list[Charge]) -> list[Charge]:
    """With capacity set aside that is charged, and not its use: as much as auto-scaling sets aside for an even load."""
    capacity = stage.foundation.provisioned
    if not capacity:
        return amounts
    tables = 1 + len(resources["Table"]["Properties"]["GlobalSecondaryIndexes"])
    least = {"table_reads": capacity.least_reads * tables, "table_writes": capacity.least_writes * tables}
    used = {name: sum(each.amount for each in amounts if each.price == name) for name in least}
    hours = [
        Charge(f"{name[:-1]}_hours", max(least[name], used[name] / SECONDS * 100 / capacity.utilisation) * HOURS)
        for name in least
    ]
    return [*(each for each in amounts if each.price not in least), *hours]


def _rounded(dollars: float) -> Decimal:
    return Decimal(dollars).quantize(SMALLEST, ROUND_HALF_EVEN)
