"""What docs/cost.md repeats: months with several loads, and days that are scaled."""

from __future__ import annotations

from decimal import Decimal

from tools import stages
from tools.cost import bill, scaling
from tools.cost.load import parse_load

STAGE = "prod"
LOADS = ("0/day", "3000/day", "300000/day")


def months() -> str:
    """A month of the stage with each load, service by service, in dollars."""
    stage = stages.read(STAGE)
    bills = [bill.month(stage, parse_load(load)) for load in LOADS]
    rows = [f"| | {' | '.join(LOADS)} |", f"|{'---|' * (1 + len(LOADS))}"]
    for service in sorted({line.service for lines in bills for line in lines}):
        sums = [bill.total(line for line in lines if line.service == service) for lines in bills]
        rows.append(_row(service, sums))
    return "\n".join([*rows, _row("**together**", [bill.total(lines) for lines in bills])])


def idle() -> str:
    """What is paid without any load, the dearest first, from a cent on."""
    lines = sorted(bill.month(stages.read(STAGE), 0), key=lambda line: -line.dollars)
    rows = [f"| {line.service} | {line.number} {line.what} | {line.dollars:.2f} |" for line in lines]
    dear = [row for row, line in zip(rows, lines, strict=True) if line.dollars >= Decimal("0.01")]
    return "\n".join(["| service | what | dollars |", "|---|---|---|", *dear])


def days() -> str:
    """What becomes of the flash sale under each policy."""
    rows = [
        "| | least and most | throttled write units | in minutes | a day | on demand |",
        "|---|---|---|---|---|---|",
    ]
    for name, day in scaling.days().items():
        bounds = f"{day.policy.least} to {day.policy.most}"
        throttled = f"{day.throttled:,.0f} ({day.throttled / day.asked:.0%})"
        paid = f"${day.dollars_provisioned:.2f} | ${day.dollars_on_demand:.2f}"
        rows.append(f"| {name} | {bounds} | {throttled} | {day.throttled_minutes} | {paid} |")
    return "\n".join(rows)


def _row(name: str, dollars: list[Decimal]) -> str:
    return f"| {name} | {' | '.join(f'{each:,.2f}' for each in dollars)} |"
