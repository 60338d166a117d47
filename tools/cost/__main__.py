"""`python -m tools.cost LOAD STAGE`: what a month with that load costs, and what of it is charged without any."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from decimal import Decimal

from tools import stages
from tools.cost import bill, prices, units
from tools.cost.bill import BillLine
from tools.cost.load import DAYS, HOURS, parse_load
from tools.refusal import Refusal, complain

MAX_MILLISECONDS = 900_000  # that a function may take
CHECKED = "the price list of {day} ({region}, list prices, {unchecked} of {all} not looked up)"


def main(arguments: list[str]) -> int:
    """Print the table; the exit code."""
    if len(arguments) != 2:  # noqa: PLR2004 - the load and the stage
        return complain("usage: python -m tools.cost LOAD STAGE")
    try:
        sys.stdout.write(table(*arguments))
    except Refusal as refusal:
        return complain(str(refusal))
    return 0


def table(load: str, stage: str) -> str:
    """The month as a table: what stands and runs without any load, and what the load adds."""
    interactions, milliseconds = parse_load(load), _milliseconds()
    has_free_tier, settings = os.environ.get("FREE_TIER") == "1", stages.read(stage)
    idle = bill.month(settings, 0, has_free_tier=has_free_tier)
    lines = bill.month(settings, interactions, milliseconds=milliseconds, has_free_tier=has_free_tier)
    return "\n".join(
        [*_heading(load, stage, has_free_tier=has_free_tier), "", *_rows(lines), "", *_sums(lines, idle), ""]
    )


def _heading(load: str, stage: str, *, has_free_tier: bool) -> Iterator[str]:
    listed = prices.current()
    unchecked = sum(not each.checked for each in listed.prices.values())
    said = CHECKED.format(day=listed.as_of, region=listed.region, unchecked=unchecked, all=len(listed.prices))
    yield f"A month of {HOURS} hours of the stage {stage} with {load}, in dollars."
    yield f"By {said}, units of {units.measured().measured}, {'with' if has_free_tier else 'without'} the free tier."


def _rows(lines: list[BillLine]) -> Iterator[str]:
    for service in dict.fromkeys(line.service for line in lines):
        own = [line for line in lines if line.service == service]
        yield f"{service:<68} {bill.total(own):>14,.4f}"
        yield from (f"{line.number:>18} {line.what:<50} {line.dollars:>12,.4f}" for line in own)


def _sums(lines: list[BillLine], idle: list[BillLine]) -> Iterator[str]:
    whole, without = bill.total(lines), bill.total(idle)
    yield f"{'Together':<68} {whole:>14,.4f}"
    yield f"{'  of it without any load':<68} {without:>14,.4f}"
    yield f"{'  of it for the load':<68} {whole - without:>14,.4f}"
    yield f"{'  that is, a day':<68} {(whole - without) / Decimal(DAYS):>14,.4f}"


def _milliseconds() -> float | None:
    text = os.environ.get("MS", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or float(text) > MAX_MILLISECONDS:
        raise Refusal(f"MS={text} is no number of milliseconds up to {MAX_MILLISECONDS:,}.")
    return float(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
