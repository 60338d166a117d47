"""A stage that says every option, so that what the options add is linted, and translated, as the rest is."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from tools import stages
from tools.package import edge
from tools.stages import Stage
from tools.stages.edge import Edge

NAME = "options"
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
)


def stage(base: str = BASE) -> Stage:
    """The stage of that name, if it said them all."""
    return msgspec.structs.replace(stages.read(base), edge=EDGE)


def with_options(template: dict[str, Any], base: str = BASE) -> dict[str, Any]:
    """The packaged template of that stage, with every option."""
    made = copy.deepcopy(template)
    edge.add_to(made, stage(base))
    return made
