"""What each option of a stage costs, where it is described, and what it protects from: the table of docs/cost.md."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import NamedTuple

from msgspec.structs import replace

from tools import stages
from tools.cost import bill
from tools.cost.tables import STAGE
from tools.stages import Stage
from tools.stages.edge import Edge
from tools.stages.foundation import Capacity, Foundation, PrivateNetwork

MILLION = 1_000_000
_NETWORK = PrivateNetwork(functions=("handle_table_stream",))  # which calls the most services


class StageOption(NamedTuple):
    """A way to switch something on."""

    name: str
    place: str  # of its section, a page and an anchor
    protects_from: str
    asked: Edge | Foundation


class OptionPrice(NamedTuple):
    """What an option adds to a month of the stage, in dollars: without any load, and with a million interactions."""

    standing: Decimal
    of_a_million: Decimal


OPTIONS = (
    StageOption(
        "`usage_plans`",
        "edge.md#api-keys-and-plans",
        "one customer who uses up what is for all",
        Edge(usage_plans=True),
    ),
    StageOption(
        "`validates_requests`",
        "edge.md#bodies-that-api-gateway-refuses",
        "paying for functions that only refuse",
        Edge(validates_requests=True),
    ),
    StageOption(
        "`caches_products`",
        "edge.md#a-cache-for-products",
        "a crowd that looks at the same products",
        Edge(caches_products=True),
    ),
    StageOption(
        "`domain`, in a zone that is there",
        "edge.md#a-domain",
        "clients that change when the API is made anew",
        Edge(domain="api.example.com", domain_zone="Z0123456789ABCDEFGHIJ"),
    ),
    StageOption("`firewall`", "edge.md#a-firewall", "floods of few addresses, scanners", Edge(firewall=True)),
    StageOption(
        "`firewall` with countries",
        "edge.md#a-firewall",
        "callers of countries that you do not sell to",
        Edge(firewall=True, blocked_countries=("KP",)),
    ),
    StageOption(
        "`firewall`, `distribution` and `only_distribution`",
        "edge.md#cloudfront-before-it",
        "slow handshakes far away, floods of the network",
        Edge(firewall=True, distribution=True, only_distribution=True),
    ),
    StageOption(
        "`provisioned`, at least 5 reads and 5 writes",
        "foundation.md#capacity-that-is-set-aside",
        "a bill of the table without an end",
        Foundation(provisioned=Capacity(least_reads=5, most_reads=500, least_writes=5, most_writes=500)),
    ),
    StageOption(
        "`own_keys`",
        "foundation.md#a-key-of-its-own",
        "people who may read functions or logs, but not use the key",
        Foundation(own_keys=True),
    ),
    StageOption(
        "`provisioned_concurrency`, one of `api_handler`",
        "foundation.md#functions-that-are-kept-warm",
        "the cold start of the first customers",
        Foundation(provisioned_concurrency={"api_handler": 1}),
    ),
    StageOption("`layer`", "foundation.md#dependencies-as-a-layer", "nothing", Foundation(layer=True)),
    StageOption(
        "`monthly_budget`", "foundation.md#a-budget", "bills that nobody looks at", Foundation(monthly_budget=100)
    ),
    StageOption(
        "`private_network`, for the stream's function",
        "foundation.md#a-private-network",
        "code that sends data elsewhere",
        Foundation(private_network=_NETWORK),
    ),
    StageOption(
        "`private_network` with `nat`, for the same",
        "foundation.md#a-private-network",
        "nothing more: some functions need the way out",
        Foundation(private_network=replace(_NETWORK, nat=True)),
    ),
)


@cache
def found_prices() -> dict[str, OptionPrice]:
    """What each adds to a month of the stage, by its name."""
    without = stages.read(STAGE)
    before = _sums(without)
    found = {}
    for option in OPTIONS:
        field = "edge" if isinstance(option.asked, Edge) else "foundation"
        standing, loaded = _sums(replace(without, **{field: option.asked}))
        found[option.name] = OptionPrice(standing - before[0], loaded - standing - (before[1] - before[0]))
    return found


def table() -> str:
    """Each option with its price and its purpose."""
    rows = ["| option | a month | a million interactions | protects from |", "|---|---|---|---|"]
    for option in OPTIONS:
        standing, of_a_million = found_prices()[option.name]
        link = f"[{option.name}]({option.place})"
        rows.append(f"| {link} | {standing:,.2f} | {of_a_million:,.2f} | {option.protects_from} |")
    return "\n".join(rows)


def _sums(stage: Stage) -> tuple[Decimal, Decimal]:
    return bill.total(bill.month(stage, 0)), bill.total(bill.month(stage, MILLION))
