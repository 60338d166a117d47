"""A stage that says every option, so that what the options add is linted, and translated, as the rest is."""

from __future__ import annotations

import copy
import re
from typing import Any

import msgspec

from tools import stages
from tools.package import edge, foundation
from tools.stages import Stage
from tools.stages.edge import Edge
from tools.stages.foundation import Capacity, Foundation, PrivateNetwork

NAME, NAME_COUNTING = "options", "options-counting"
BASE = "dev"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
EDGE = Edge(
    usage_plans=True,
    validates_requests=True,
    caches_products=True,
    domain="api.example.com",
    domain_zone="Z0123456789ABCDEFGHIJ",
    only_domain=True,
    firewall=True,
    blocked_countries=("KP",),
    distribution=True,
    distribution_certificate=CERTIFICATE,
    only_distribution=True,
    origin_keys=(1, 2),
)
COUNTING = msgspec.structs.replace(EDGE, only_distribution=False)  # the step before: it counts, and blocks nobody
# The layer is Chalice's, which makes it when the stage is packaged, and not what is added here.
FOUNDATION = Foundation(
    own_keys=True,
    layer=True,
    monthly_budget=100,
    provisioned_concurrency={"api_handler": 2, "authorize": 1},
    provisioned=Capacity(least_reads=5, most_reads=400, least_writes=6, most_writes=500, utilisation=60),
    private_network=PrivateNetwork(functions=("authorize", "handle_table_stream"), nat=True, zones=3),
)


def stage(base: str = BASE, said: Edge = EDGE) -> Stage:
    """The stage of that name, if it said them all."""
    return msgspec.structs.replace(stages.read(base), edge=said, foundation=FOUNDATION)


def with_options(template: dict[str, Any], base: str = BASE, said: Edge = EDGE) -> dict[str, Any]:
    """The packaged template of that stage, with every option."""
    made = copy.deepcopy(template)
    edge.add_to(made, stage(base, said))
    foundation.add_to(made, stage(base, said))
    return made


def switched_on(template: str) -> str:
    """The text of a template of infra/ whose switches are on, which are off by default."""
    return re.sub(r'^( +Default: )"false"$', r'\1"true"', template, flags=re.MULTILINE)
