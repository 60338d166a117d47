"""API keys: a request without one that is in a plan is refused, and each plan bounds what a key may ask for.

Keys are made by `make api-key`, not by a template: their values would stand in it. Whoever only looks whether the shop
is there, or what it says of itself, needs none, nor does the payment provider, which signs what it sends, nor a
browser's preflight, which cannot have one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tools.package import gateway
from tools.package.edge import definition
from tools.stages import Stage

PUBLIC = {
    "/", "/problems", "/problems/{code}", "/health", "/docs", "/openapi.json", "/asyncapi.json", "/payments/webhook",
}  # fmt: skip
SCHEME = "api_key"
HEADER = "x-api-key"
MISSING = gateway.GatewayAnswer(403, "api_key_required", "A valid API key is needed, in the header X-Api-Key.")


class UsagePlan(NamedTuple):
    """How much a key of the plan may ask for."""

    name: str
    requests_per_second: int
    burst: int
    requests_per_month: int

    def of(self, stage: Stage) -> str:
        """The plan's name in an account, where every stage has its own."""
        return f"ecommerce-{stage.name}-{self.name}"


PLANS = (UsagePlan("free", 100, 200, 100_000), UsagePlan("premium", 1_000, 2_000, 10_000_000))


def add_to(template: dict[str, Any], stage: Stage) -> None:
    """Ask for a key on every route but the public ones, and make the plans."""
    said = definition.of(template)
    said["securityDefinitions"][SCHEME] = {"type": "apiKey", "name": HEADER, "in": "header"}
    for route in definition.routes(template):
        if route.path not in PUBLIC:
            route.said.setdefault("security", []).append({SCHEME: []})
    definition.api(template)["GatewayResponses"]["INVALID_API_KEY"] = gateway.response(MISSING, stage.cors_origin)
    for plan in PLANS:
        template["Resources"][f"{plan.name.title()}UsagePlan"] = _resource(plan, stage)


def _resource(plan: UsagePlan, stage: Stage) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::UsagePlan",
        "Properties": {
            "UsagePlanName": plan.of(stage),
            "ApiStages": [{"ApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": "RestAPI.Stage"}}],
            "Throttle": {"RateLimit": plan.requests_per_second, "BurstLimit": plan.burst},
            "Quota": {"Limit": plan.requests_per_month, "Period": "MONTH"},
            "Tags": definition.tags(stage.tags),
        },
    }
