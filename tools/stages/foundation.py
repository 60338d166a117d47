"""The options below the API, each off until a stage's `[foundation]` says otherwise: docs/foundation.md."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

ON_THE_INTERNET = ("deliver_webhooks",)
WITH_THE_PROVIDER = ("api_handler", "check_store", "run_scheduled_work")
WAITED_FOR = ("api_handler", "authorize")  # by customers, to whom a cold start is a delay
MAX_UNITS = 40_000  # of DynamoDB, for a table until its quota is raised
MIN_UTILISATION, MAX_UTILISATION = 20, 90  # percent, which DynamoDB's auto-scaling takes
ZONES = (2, 3)


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table and each of its indexes can do a second: set aside, and scaled between the least and the most."""

    least_reads: int
    most_reads: int
    least_writes: int
    most_writes: int
    utilisation: int = 70


class PrivateNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network without a way in, and by itself without one out, for the functions that are named."""

    functions: tuple[str, ...]
    nat: bool = False
    zones: int = 2


class Foundation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a stage, off unless said."""

    own_keys: bool = False
    layer: bool = False
    monthly_budget: int = 0
    provisioned_concurrency: dict[str, int] = {}
    provisioned: Capacity | None = None
    private_network: PrivateNetwork | None = None


def judgements(asked: Foundation, reserved: Mapping[str, int], provider: str) -> list[tuple[bool, str]]:
    """What each option may be, as a stage is judged: is it so, and the sentence if not.

    `reserved` is what is set aside for functions, `provider` who takes the money.
    """
    return [
        (asked.monthly_budget >= 0, "foundation.monthly_budget is a number of dollars, or 0 for none."),
        *_of_capacity(asked.provisioned),
        *_of_concurrency(asked.provisioned_concurrency, reserved),
        *_of_network(asked.private_network, provider),
    ]


def _of_capacity(capacity: Capacity | None) -> list[tuple[bool, str]]:
    if capacity is None:
        return []
    key = "foundation.provisioned"
    bounds = {"reads": (capacity.least_reads, capacity.most_reads),
              "writes": (capacity.least_writes, capacity.most_writes)}  # fmt: skip
    return [
        *((least >= 1, f"{key}.least_{what} is at least 1.") for what, (least, _) in bounds.items()),
        *((least <= most, f"{key}.most_{what} is at least least_{what}.") for what, (least, most) in bounds.items()),
        *((most <= MAX_UNITS, f"{key}.most_{what} is at most {MAX_UNITS}.") for what, (_, most) in bounds.items()),
        (
            MIN_UTILISATION <= capacity.utilisation <= MAX_UTILISATION,
            f"{key}.utilisation is a percentage from {MIN_UTILISATION} to {MAX_UTILISATION}.",
        ),
    ]


def _of_concurrency(asked: Mapping[str, int], reserved: Mapping[str, int]) -> list[tuple[bool, str]]:
    key = "foundation.provisioned_concurrency"
    strange = min(set(asked) - set(WAITED_FOR), default="")
    return [
        (not strange, f"{key} names {strange}; nobody waits for others than {' and '.join(WAITED_FOR)}."),
        *((number >= 1, f"{key}.{name} is at least 1; leave it out for none.") for name, number in asked.items()),
        *(
            (
                number <= reserved.get(name, number),
                f"{key}.{name} is at most reserved_concurrency.{name}, out of which Lambda takes it.",
            )
            for name, number in asked.items()
        ),
    ]


def _of_network(network: PrivateNetwork | None, provider: str) -> list[tuple[bool, str]]:
    if network is None:
        return []
    key, outside = "foundation.private_network", set(ON_THE_INTERNET)
    if provider == "stripe":
        outside.update(WITH_THE_PROVIDER)
    stuck = "" if network.nat else min(outside & set(network.functions), default="")
    return [
        (network.zones in ZONES, f"{key}.zones is {' or '.join(map(str, ZONES))}."),
        (len(set(network.functions)) == len(network.functions), f"{key}.functions names a function twice."),
        (not stuck, f"{key}.functions has {stuck}, which calls the internet: take it out, or say nat = true."),
    ]
