"""What each option at the edge adds to a stage's template and changes in it, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from chalicelib.api import caching, permissions
from chalicelib.core import schema
from chalicelib.products.schemas import CategoryQuery, ProductQuery
from tests.infra.packaging import network
from tests.infra.test_deployer import EDGE
from tools import stages
from tools.package import edge, finishing, gateway
from tools.package.edge import cache, checks, definition, distribution, domain, models, plans
from tools.stages.edge import Edge
from tools.templates import options
from tools.templates.options import CERTIFICATE as CERTIFICATE_ARN

pytestmark = [network, pytest.mark.no_cover]

Template = dict[str, Any]


def with_options(template: Template, **said: Any) -> Template:
    """The template of prod with these options."""
    made = copy.deepcopy(template)
    edge.add_to(made, msgspec.structs.replace(stages.read("prod"), edge=Edge(**said)))
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
    assert open_to_all == plans.PUBLIC
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


def test_only_what_is_told_of_products_is_kept_and_found_by_all_that_it_depends_on(template: Template) -> None:
    after = with_options(template, caches_products=True)

    assert come(template, after) == {}
    assert changed(template, after) == {
        "APIHandler.Environment", "RestAPI.CacheClusterEnabled", "RestAPI.CacheClusterSize", "RestAPI.DefinitionBody",
        "RestAPI.MethodSettings",
    }  # fmt: skip
    everything, *kept = definition.api(after)["MethodSettings"]
    (before,) = definition.api(template)["MethodSettings"]
    assert everything == {**before, "CachingEnabled": False}
    cached = {"HttpMethod": "GET", "CachingEnabled": True, "CacheTtlInSeconds": 300, "CacheDataEncrypted": True}
    paths = ["/~1products", "/~1products~1{product_id}", "/~1products~1category~1{category}"]
    assert kept == [{**before, **cached, "ResourcePath": path} for path in paths]
    keys = {path: {each.removeprefix("method.request.") for each in key_of(after, path)} for path in caching.SHARED}
    headers = {f"header.{name}" for name in cache.HEADERS}
    assert keys["/products/{product_id}"] == {"path.product_id", *headers}
    assert keys["/products/category/{category}"] == {"path.category", *headers, *queried(CategoryQuery)}
    assert keys["/products"] == {*headers, *queried(ProductQuery)}


def key_of(template: Template, path: str) -> list[str]:
    integration = definition.of(template)["paths"][path]["get"]["x-amazon-apigateway-integration"]
    return list(integration["cacheKeyParameters"])


def queried(shape: type[msgspec.Struct]) -> set[str]:
    return {f"querystring.{name}" for name in schema.names(shape)}


def test_nothing_is_kept_that_depends_on_who_asks() -> None:
    assert {permissions.ROUTES["GET", path] for path in caching.SHARED} == {permissions.Audience.PUBLIC}


ZONE, CERTIFICATE = "Z0123456789ABCDEFGHIJ", CERTIFICATE_ARN.replace("us-east-1", "eu-west-1")
DOMAIN = {"ApiDomain": "AWS::ApiGateway::DomainName", "ApiMapping": "AWS::ApiGateway::BasePathMapping"}
RECORDS = dict.fromkeys(["ApiRecordA", "ApiRecordAaaa"], "AWS::Route53::RecordSet")
MADE = {"ApiCertificate": "AWS::CertificateManager::Certificate"}


@pytest.mark.parametrize(
    ("said", "resources", "changes"),
    [
        ({"domain_zone": ZONE}, DOMAIN | RECORDS | MADE, set()),
        ({"domain_zone": ZONE, "domain_certificate": CERTIFICATE}, DOMAIN | RECORDS, set()),
        ({"domain_certificate": CERTIFICATE}, DOMAIN, set()),
        ({"domain_certificate": CERTIFICATE, "only_domain": True}, DOMAIN, {"RestAPI.DisableExecuteApiEndpoint"}),
    ],
)
def test_a_domain_has_what_is_not_there_yet(
    template: Template, said: dict[str, Any], resources: dict[str, str], changes: set[str]
) -> None:
    after = with_options(template, domain="api.example.com", **said)

    assert come(template, after) == resources
    assert changed(template, after) == {"Outputs", "RestAPI.DefinitionBody", "RestAPI.GatewayResponses", *changes}
    properties = after["Resources"]["ApiDomain"]["Properties"]
    assert (properties["SecurityPolicy"], properties["EndpointConfiguration"]["Types"]) == ("TLS_1_2", ["REGIONAL"])
    assert after["Resources"]["ApiMapping"]["Properties"]["BasePath"] == "v1"
    assert after["Outputs"]["HealthURL"]["Value"] == "https://api.example.com/v1/health"
    assert after["Outputs"]["DomainTarget"]["Value"] == domain.TARGET


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ({}, "/$context.stage"),
        ({"usage_plans": True}, "/$context.stage"),
        ({"usage_plans": True, "domain": "api.example.com", "domain_zone": ZONE}, "https://api.example.com/v1"),
        ({"firewall": True, "distribution": True}, "/$context.stage"),
    ],
)
def test_every_answer_of_the_gateway_leads_to_a_page_of_this_address(
    template: Template, said: dict[str, Any], before: str
) -> None:
    api = definition.api(with_options(template, **said))

    refusals = [each["ResponseTemplates"] for each in api["GatewayResponses"].values()]
    for methods in api["DefinitionBody"]["paths"].values():
        integration = methods[gateway.ANY_METHOD]["x-amazon-apigateway-integration"]
        refusals.append(integration["responses"]["default"]["responseTemplates"])
    documents = [json.loads(each["application/json"]) for each in refusals]
    assert {each["type"] for each in documents} == {f"{before}/problems/{each['code']}" for each in documents}


FIREWALL = {
    "Firewall": "AWS::WAFv2::WebACL",
    "FirewallAssociation": "AWS::WAFv2::WebACLAssociation",
    "FirewallLogs": "AWS::Logs::LogGroup",
    "FirewallLogging": "AWS::WAFv2::LoggingConfiguration",
}


def test_a_firewall_has_the_five_rules_and_lets_the_payment_provider_through(template: Template) -> None:
    after = with_options(template, firewall=True, blocked_countries=("KP",))

    assert come(template, after) == FIREWALL
    assert changed(template, after) == set()
    rules = after["Resources"]["Firewall"]["Properties"]["Rules"]
    assert [rule["Name"] for rule in rules] == ["Rate", "Countries", "SqlInjection", "Scripts", "BadBots"]
    assert [rule["Priority"] for rule in rules] == [0, 1, 2, 3, 4]
    rate = rules[0]["Statement"]["RateBasedStatement"]
    assert (rate["Limit"], rate["EvaluationWindowSec"], rate["AggregateKeyType"]) == (2000, 300, "IP")
    let_through = '"SearchString": "/prod/payments/webhook"'
    assert all(json.dumps(rule["Statement"]).count(let_through) == 1 for rule in rules)
    assert not json.dumps(rules).count("ForwardedIPConfig")


ONLY = {"distribution": True, "only_distribution": True}


@pytest.mark.parametrize("said", [{}, ONLY, {**ONLY, "domain": "api.example.com"}])
def test_no_rule_stops_the_payment_provider_wherever_its_webhook_was_registered(
    template: Template, said: dict[str, Any]
) -> None:
    after = with_options(template, firewall=True, blocked_countries=("KP",), **said)

    paths = ["/prod/payments/webhook", *(["/v1/payments/webhook"] if "domain" in said else [])]
    rules = [json.dumps(rule["Statement"]) for rule in after["Resources"]["Firewall"]["Properties"]["Rules"]]
    assert len(rules) == 5 + ("distribution" in said)
    assert {rule.count(f'"SearchString": "{path}"') for rule in rules for path in paths} == {1}


def test_no_bot_is_blocked_for_being_a_program_wherever_it_runs(template: Template) -> None:
    *_, bots = rules_of(with_options(template, firewall=True))

    group = bots["Statement"]["ManagedRuleGroupStatement"]
    assert group["Name"] == "AWSManagedRulesBotControlRuleSet"
    assert [each["Name"] for each in group["RuleActionOverrides"]] == [
        "CategoryHttpLibrary", "CategoryMonitoring", "SignalKnownBotDataCenter", "SignalNonBrowserUserAgent",
    ]  # fmt: skip
    assert all(each["ActionToUse"] == {"Count": {}} for each in group["RuleActionOverrides"])


def test_countries_are_blocked_or_allowed_or_nobodys_affair(template: Template) -> None:
    found = [
        json.dumps(with_options(template, firewall=True, **said)["Resources"]["Firewall"])
        for said in ({}, {"allowed_countries": ("DE", "FR")})
    ]

    assert "GeoMatchStatement" not in found[0]
    assert '{"NotStatement": {"Statement": {"GeoMatchStatement": {"CountryCodes": ["DE", "FR"]}}}}' in found[1]


def test_what_is_blocked_is_logged_without_secrets(template: Template) -> None:
    logging = with_options(template, firewall=True)["Resources"]["FirewallLogging"]["Properties"]

    assert logging["LoggingFilter"]["DefaultBehavior"] == "DROP"
    redacted = {each["SingleHeader"]["Name"] for each in logging["RedactedFields"]}
    assert redacted == {"authorization", "cookie", "x-api-key", "x-cart-token", "x-origin-key"}


DISTRIBUTION = {
    "OriginKey": "AWS::SecretsManager::Secret",
    "NoteAddress": "AWS::CloudFront::Function",
    "Distribution": "AWS::CloudFront::Distribution",
}


def test_a_distribution_keeps_nothing_and_the_api_takes_only_what_came_through_it(template: Template) -> None:
    after = with_options(template, firewall=True, distribution=True, only_distribution=True)

    assert come(template, after) == FIREWALL | DISTRIBUTION
    assert changed(template, after) == {"APIHandler.Environment", "Outputs"}
    config = after["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    behaviour, (origin,) = config["DefaultCacheBehavior"], config["Origins"]
    assert (behaviour["CachePolicyId"], behaviour["ViewerProtocolPolicy"]) == (distribution.KEEPS_NOTHING, "https-only")
    assert behaviour["OriginRequestPolicyId"] == distribution.FORWARDS_ALL_BUT_HOST
    assert origin["OriginPath"] == "/prod"
    rewritten = "if (request.uri.startsWith('/prod/')) { request.uri = request.uri.slice(5); }"
    assert rewritten in after["Resources"]["NoteAddress"]["Properties"]["FunctionCode"]
    first, rate = rules_of(after)[:2]
    assert (first["Name"], first["Action"]) == ("PastTheDistribution", {"Block": {}})
    assert after["Resources"]["Firewall"]["DependsOn"] == "Distribution"
    webhook, stranger = first["Statement"]["AndStatement"]["Statements"]
    assert webhook["NotStatement"]["Statement"]["ByteMatchStatement"]["SearchString"] == "/prod/payments/webhook"
    known = stranger["NotStatement"]["Statement"]["ByteMatchStatement"]
    assert known["SearchString"] == origin["OriginCustomHeaders"][0]["HeaderValue"]
    assert rate["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "FORWARDED_IP"
    assert after["Outputs"]["HealthURL"]["Value"]["Fn::Join"][1][1] == {"Fn::GetAtt": ["Distribution", "DomainName"]}


def rules_of(template: Template) -> list[dict[str, Any]]:
    return list(template["Resources"]["Firewall"]["Properties"]["Rules"])


def test_until_only_the_distribution_counts_who_comes_past_it_is_counted_and_known_by_his_own_address(
    template: Template,
) -> None:
    rules = rules_of(with_options(template, firewall=True, distribution=True, blocked_countries=("KP",)))

    past, *ways = rules[:5]
    assert (past["Name"], past["Action"]) == ("PastTheDistribution", {"Count": {}})
    assert past["RuleLabels"] == [{"Name": "PastTheDistribution"}]
    assert [rule["Name"] for rule in ways] == [
        "Rate", "RatePastTheDistribution", "Countries", "CountriesPastTheDistribution",
    ]  # fmt: skip
    said = [json.dumps(rule["Statement"]) for rule in ways]
    assert ["ForwardedIPConfig" in each for each in said] == [True, False, True, False]
    label = '{"LabelMatchStatement": {"Scope": "LABEL", "Key": "PastTheDistribution"}}'
    assert all(label in each for each in said)
    through = '{"NotStatement": {"Statement": ' + label
    assert [through in each for each in said] == [True, False, True, False]


def test_a_key_takes_the_place_of_another_in_three_releases_each_of_which_refuses_nobody(template: Template) -> None:
    steps = [
        with_options(template, firewall=True, distribution=True, only_distribution=True, origin_keys=keys)
        for keys in ((1,), (1, 2), (2, 1), (2,))
    ]

    sent = [json.dumps(each["Resources"]["Distribution"]) for each in steps]
    taken = [json.dumps(rules_of(each)[0]) for each in steps]
    for key, expected in (("${OriginKey}", [1, 1, 0, 0]), ("${OriginKey2}", [0, 0, 1, 1])):
        assert [each.count(key) for each in sent] == expected
    assert [each.count("${OriginKey}") for each in taken] == [1, 1, 1, 0]
    assert [each.count("${OriginKey2}") for each in taken] == [0, 1, 1, 1]
    assert (sent[0], taken[1], sent[2]) == (sent[1], taken[2], sent[3])  # one of both is changed at a time
    names = {each["Resources"]["OriginKey2"]["Properties"]["Name"] for each in steps[1:]}
    assert names == {"ecommerce/prod/edge/origin-key-2"}
    assert "OriginKey" not in steps[3]["Resources"]


def test_a_distribution_answers_under_the_domain_if_there_is_one(template: Template) -> None:
    named = {"domain": "api.example.com", "domain_zone": ZONE, "distribution_certificate": CERTIFICATE_ARN}
    after = with_options(template, firewall=True, distribution=True, **named)

    config = after["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert config["Aliases"] == ["api.example.com"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["Origins"][0]["DomainName"] == domain.TARGET
    assert config["DefaultCacheBehavior"]["OriginRequestPolicyId"] == distribution.FORWARDS_ALL
    alias = after["Resources"]["ApiRecordA"]["Properties"]["AliasTarget"]
    assert alias["DNSName"] == {"Fn::GetAtt": ["Distribution", "DomainName"]}
    assert after["Outputs"]["HealthURL"]["Value"] == "https://api.example.com/v1/health"


def test_a_template_with_every_option_has_all_that_is_linted_and_translated(template: Template) -> None:
    made = options.with_options(template, "prod")

    assert len(finishing.written(made)) < finishing.MAX_TEMPLATE_BYTES / 2
    types = set(come(template, with_options(template, **msgspec.structs.asdict(options.EDGE))).values())
    assert types == {f"AWS::{each}" for each in (*EDGE, "SecretsManager::Secret", "CloudFront::Distribution")}
    missing = {each for each in msgspec.structs.asdict(options.EDGE) if not getattr(options.EDGE, each)}
    assert missing == {"domain_certificate", "allowed_countries"}  # which exclude others
