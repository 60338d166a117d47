"""The options at the edge of a stage, added to its finished template: one module an option, docs/edge.md says what for.

| file | job |
|---|---|
| `definition.py` | the API's definition, as they read and write it |
| `models.py` | what the app takes, as API Gateway says it |
| `plans.py` | API keys, and the plans that they belong to |
| `checks.py` | requests that API Gateway refuses by itself |
| `cache.py` | what API Gateway keeps for all |
| `domain.py` | a name of its own, with its certificate |
| `firewall.py` | WAF before the API |
| `distribution.py` | CloudFront before both |
| `origin_key.py` | by what the firewall knows what came through it |
"""

from __future__ import annotations

from typing import Any

from tools.package.edge import cache, checks, distribution, domain, firewall, plans
from tools.stages import Stage


def add_to(template: dict[str, Any], stage: Stage) -> None:
    """Add every option that the stage asks for; without any the template stays as it is."""
    edge = stage.edge
    if edge.usage_plans:
        plans.add_to(template, stage)
    if edge.validates_requests:
        checks.add_to(template)
    if edge.caches_products:
        cache.add_to(template)
    if edge.domain:
        domain.add_to(template, stage)
    if edge.firewall:
        firewall.add_to(template, stage)
    if edge.distribution:
        distribution.add_to(template, stage)
