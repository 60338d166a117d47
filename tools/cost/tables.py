"""What docs/cost.md repeats: months with several loads, and days that are scaled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tools import stages
from tools.cost import bill, scaling
from tools.cost.load import parse_load
from tools.stages.edge import Edge
from tools.stages.foundation import Capacity, Foundation, PrivateNetwork

STAGE = "prod"
MILLION = 1_000_000
OPTIONS: dict[str, dict[str, Any]] = {
    "`[foundation]` `own_keys`": {"foundation": Foundation(own_keys=True)},
    "`provisioned_concurrency`, one of `api_handler`": {
        "foundation": Foundation(provisioned_concurrency={"api_handler": 1})
    },
    "`provisioned`, 5 to 100 reads and writes": {
        "foundation": Foundation(provisioned=Capacity(least_reads=5, most_reads=100, least_writes=5, most_writes=100))
    },
    "`private_network` with `nat`, for all that the API does": {
        "foundation": Foundation(private_network=PrivateNetwork(functions=("api_handler",), nat=True))
    },
    "`[edge]` `firewall`": {"edge": Edge(firewall=True)},
    "`firewall` and `distribution`": {"edge": Edge(firewall=True, distribution=True)},
    "`caches_products`": {"edge": Edge(caches_products=True)},
}
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


def options() -> str:
    """What each option of a stage adds to a month without any load, and with that of each interaction."""
    stage = stages.read(STAGE)
    rows = ["| option | a month | a million interactions |", "|---|---|---|"]
    before = [bill.total(bill.month(stage, interactions)) for interactions in (0, MILLION)]
    for name, changes in OPTIONS.items():
        after = [bill.total(bill.month(replace(stage, **changes), interactions)) for interactions in (0, MILLION)]
        more = after[0] - before[0]
        rows.append(f"| {name} | {more:,.2f} | {after[1] - before[1] - more:,.2f} |")
    return "\n".join(rows)


def days() -> str:
    """What becomes of the flash sale under each policy."""
    rows = [
        "| | least and most | throttled write units | in minutes | a day | on demand |",
        "|---|---|---|---|---|---|",
    ]
    for name, policy in scaling.DAYS.items():
        day = [*scaling.simulate(scaling.flash_sale(), policy)]
        share = sum(each.throttled for each in day) / sum(each.load * 60 for each in day)
        minutes = sum(each.throttled > 0 for each in day)
        paid = f"${scaling.dollars_provisioned(day):.2f} | ${scaling.dollars_on_demand(day):.2f}"
        throttled = f"{sum(each.throttled for each in day):,.0f} ({share:.0%})"
        rows.append(f"| {name} | {policy.least} to {policy.most} | {throttled} | {minutes} | {paid} |")
    return "\n".join(rows)


def _row(name: str, dollars: list[Decimal]) -> str:
    return f"| {name} | {' | '.join(f'{each:,.2f}' for each in dollars)} |"
