"""`python -m tools.cost.scaling`: a day with a flash sale against DynamoDB's auto-scaling, minute by minute.

The rules are those of DynamoDB's documentation. CloudWatch hears each minute how much was consumed. Two minutes above
the target make the capacity what would bring that consumption to the target; fifteen at least 20 % below it do so, too,
four times a day and once an hour besides. Either takes some minutes until it is there. What is not used of the last 300
seconds may be used at once; what is beyond is throttled. There is no cooldown unless one is asked for, and the shop
asks for none. Simplified: the load is even within a minute and over all keys, the table and its indexes scale as one,
and who is throttled does not come again, though DynamoDB's clients would.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tools.cost import prices, units

MINUTES = 24 * 60
SALE_BEGINS, SALE_RISE, SALE_MINUTES, SALE_DECAY = 20 * 60, 20, 40, 15
QUIET, BUSY, SALE = 0.6, 6.0, 60.0  # interactions a second: by night, in the evening, in the sale
ORDER_SHARE_OF_SALE = 0.1
MINUTES_ABOVE, MINUTES_BELOW = 2, 15
MARGIN_BELOW = 0.2
MINUTES_TO_CHANGE = 3
BURST_SECONDS = 300
FREE_DECREASES = 4
HOUR = 60


class Policy(NamedTuple):
    """The least and the most capacity, in units a second, and the share of it that should be used."""

    least: int
    most: int
    utilisation: float = 0.7


class Minute(NamedTuple):
    """Units a second that are asked for and that there are, and units of the whole minute that are throttled."""

    load: float
    capacity: int
    throttled: float


POLICIES = {
    "enough": Policy(least=80, most=600),
    "too low a maximum": Policy(least=60, most=200),
    "too low a minimum": Policy(least=10, most=600),
}


@dataclass(frozen=True)
class Day:
    """A day under a policy, minute by minute."""

    policy: Policy
    minutes: tuple[Minute, ...]

    @property
    def asked(self) -> float:
        """Write units that are asked for."""
        return sum(each.load * 60 for each in self.minutes)

    @property
    def throttled(self) -> float:
        """Write units that are throttled."""
        return sum(each.throttled for each in self.minutes)

    @property
    def throttled_minutes(self) -> int:
        """In how many minutes some are."""
        return sum(each.throttled > 0 for each in self.minutes)

    @property
    def dollars_provisioned(self) -> float:
        """What its capacity costs: by the hour, each by the most that there was in it."""
        hours = range(0, len(self.minutes), HOUR)
        most = (max(each.capacity for each in self.minutes[begin : begin + HOUR]) for begin in hours)
        return prices.current().prices["table_write_hours"].of(sum(most))

    @property
    def dollars_on_demand(self) -> float:
        """What the same units cost when each is paid for."""
        return prices.current().prices["table_writes"].of(self.asked)

    def __str__(self) -> str:
        return (
            f"{self.policy.least} to {self.policy.most}: {self.throttled:,.0f} of {self.asked:,.0f} write units"
            f" throttled in {self.throttled_minutes} minutes; ${self.dollars_provisioned:.2f} a day,"
            f" on demand ${self.dollars_on_demand:.2f}"
        )


def days() -> dict[str, Day]:
    """The day with the flash sale under each policy."""
    loads = flash_sale()
    return {name: simulate(loads, policy) for name, policy in POLICIES.items()}


def flash_sale() -> list[float]:
    """Write units a second in each minute of a day: quiet nights, busy evenings, at eight a sale."""
    return [_writes(minute) for minute in range(MINUTES)]


def simulate(loads: Sequence[float], policy: Policy) -> Day:
    """What becomes of each minute."""
    return Day(policy, tuple(_minutes(loads, policy)))


def _minutes(loads: Sequence[float], policy: Policy) -> Iterator[Minute]:
    table = _ScaledTable(policy)
    for minute, load in enumerate(loads):
        table.change(minute)
        capacity = table.capacity
        consumed = table.consume(load * 60)
        yield Minute(load, capacity, load * 60 - consumed)
        table.look(minute, consumed / 60)


class _ScaledTable:
    """A table that is scaled."""

    def __init__(self, policy: Policy) -> None:
        self.capacity = policy.least
        self._policy = policy
        self._saved = 0.0  # units of the last minutes that may still be used
        self._used: deque[float] = deque(maxlen=MINUTES_BELOW)  # shares of the capacity, the last minutes'
        self._coming: tuple[int, int] | None = None  # a change: when, and to what
        self._decreases: list[int] = []

    def change(self, minute: int) -> None:
        """Let a change take effect that was asked for."""
        if self._coming and minute >= self._coming[0]:
            self.capacity, self._coming = self._coming[1], None
            self._used.clear()

    def consume(self, wanted: float) -> float:
        """How many of the units that a minute wants it gets."""
        there = self.capacity * 60 + self._saved
        given = min(wanted, there)
        self._saved = min(there - given, self.capacity * BURST_SECONDS)
        return given

    def look(self, minute: int, consumed: float) -> None:
        """What CloudWatch's alarms make of the minute, as long as no change is on its way."""
        self._used.append(consumed / self.capacity)
        if self._coming:
            return
        target = self._policy.utilisation
        wanted = min(max(math.ceil(consumed / target), self._policy.least), self._policy.most)
        last = [*self._used][-MINUTES_ABOVE:]
        is_above = len(last) == MINUTES_ABOVE and min(last) > target
        is_below = len(self._used) == MINUTES_BELOW and max(self._used) < target * (1 - MARGIN_BELOW)
        if is_above and wanted > self.capacity:
            self._coming = (minute + MINUTES_TO_CHANGE, wanted)
        elif is_below and wanted < self.capacity and self._may_decrease(minute):
            self._decreases.append(minute)
            self._coming = (minute + MINUTES_TO_CHANGE, wanted)

    def _may_decrease(self, minute: int) -> bool:
        return len(self._decreases) < FREE_DECREASES or minute - self._decreases[-1] >= HOUR


def _writes(minute: int) -> float:
    """Write units a second: so many interactions, and what follows each."""
    busy = QUIET + (BUSY - QUIET) * (1 + math.cos(2 * math.pi * (minute - SALE_BEGINS) / MINUTES)) / 2
    after = minute - SALE_BEGINS
    if after < 0:
        return busy * _writes_of_mix()
    ends = SALE_RISE + SALE_MINUTES
    share = min(1.0, (after + 1) / SALE_RISE) if after < ends else math.exp(-(after - ends) / SALE_DECAY)
    return busy * _writes_of_mix() + SALE * share * _writes_of_sale()


def _writes_of_mix() -> float:
    measured = units.measured()
    shares = units.assumptions().shares().items()
    return sum(share * (measured.units[name].writes + measured.after(name).writes) for name, share in shares)


def _writes_of_sale() -> float:
    """Of an interaction in the sale: one in ten is an order, and the others are as ever."""
    measured = units.measured()
    order = measured.units["POST /orders"].writes + measured.after("POST /orders").writes
    return ORDER_SHARE_OF_SALE * order + (1 - ORDER_SHARE_OF_SALE) * _writes_of_mix()


def main() -> None:
    """Print what becomes of each day."""
    sys.stdout.writelines(f"{name}, {day}\n" for name, day in days().items())


if __name__ == "__main__":
    main()
