"""What each option at the edge adds to a stage's template and changes in it, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from tests.infra.packaging import network
from tools import stages
from tools.package import edge
from tools.package.edge import checks, definition, models, plans
from tools.stages.edge import Edge

pytestmark = [network, pytest.mark.no_cover]

Template = dict[str, Any]


def with_options(template: Template, **options: Any) -> Template:
    """The template of prod with these options."""
    made = copy.deepcopy(template)
    edge.add_to(made, msgspec.structs.replace(stages.read("prod"), edge=Edge(**options)))
    return made


def come(before: Template, after: Template) -> dict[str, str]:
    """The resources that came, with their types."""
    return {name: each["Type"] for name, each in after["Resources"].items() if name not in before["Resources"]}


def changed(before: Template, after: Template) -> set[str]:
    """Everything else of the template that is another, with what a resource has of it."""
    parts = {part for part in before | after if part != "Resources" and before.get(part) != after.get(part)}
    for name, each in before["Resources"].items():
        now = after["Resources"][name]["Properties"]
        parts |= {f"{name}.{key}" for key in each["Properties"] | now if each["Properties"].get(key) != now.get(key)}
    return parts


def test_without_an_option_a_template_is_what_it_was(template: Template) -> None:
    assert with_options(template) == template


def test_plans_ask_for_a_key_wherever_somebody_does_something(template: Template) -> None:
    after = with_options(template, usage_plans=True)

    assert come(template, after) == dict.fromkeys(["FreeUsagePlan", "PremiumUsagePlan"], "AWS::ApiGateway::UsagePlan")
    assert changed(template, after) == {"RestAPI.DefinitionBody", "RestAPI.GatewayResponses"}
    open_to_all = {route.path for route in definition.routes(after) if not asks_for_a_key(route.said)}
    assert open_to_all == {"/health", "/payments/webhook"} < plans.PUBLIC
    others = [each for methods in definition.of(after)["paths"].values() for name, each in methods.items()
              if name in ("options", "x-amazon-apigateway-any-method")]  # fmt: skip
    assert others
    assert not any(map(asks_for_a_key, others))


def asks_for_a_key(said: dict[str, Any]) -> bool:
    return {plans.SCHEME: []} in said.get("security", [])


def test_a_route_that_asks_for_a_token_asks_for_both(template: Template) -> None:
    after = with_options(template, usage_plans=True)

    said = definition.of(after)["paths"]["/orders"]["post"]["security"]
    assert said == [{"authorize": []}, {plans.SCHEME: []}]


def test_the_plans_bound_what_the_requirements_say(template: Template) -> None:
    made = with_options(template, usage_plans=True)["Resources"]

    limits = [(each["UsagePlanName"], each["Throttle"], each["Quota"]) for each in
              (made[name]["Properties"] for name in ("FreeUsagePlan", "PremiumUsagePlan"))]  # fmt: skip
    assert limits == [
        ("ecommerce-prod-free", {"RateLimit": 100, "BurstLimit": 200}, {"Limit": 100_000, "Period": "MONTH"}),
        ("ecommerce-prod-premium", {"RateLimit": 1_000, "BurstLimit": 2_000}, {"Limit": 10_000_000, "Period": "MONTH"}),
    ]


def test_checks_are_of_the_definition_alone_and_leave_the_payment_provider_alone(template: Template) -> None:
    after = with_options(template, validates_requests=True)

    assert come(template, after) == {}
    assert changed(template, after) == {"RestAPI.DefinitionBody"}
    checked = {(route.method, route.path) for route in definition.routes(after) if checks.VALIDATORS[:-1] in route.said}
    bodies = {(route.method, route.path): each["schema"]["$ref"].rpartition("/")[2]
              for route in definition.routes(after)
              for each in route.said.get("parameters", []) if each["in"] == "body"}  # fmt: skip
    assert bodies == {route: shape.__name__ for route, shape in models.bodies().items()}
    assert checked == {*bodies, *(route for route, known in models.queries().items() if known)}
    assert ("POST", "/payments/webhook") not in checked
    assert set(bodies.values()) < set(definition.of(after)["definitions"])
