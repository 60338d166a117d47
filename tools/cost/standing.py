"""What a stage is charged for whether anybody comes or not: what stands in its two templates, with its options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml
from msgspec.structs import replace

from tools.cost import functions
from tools.cost.load import HOURS, SECONDS
from tools.cost.units import Assumed, Measured
from tools.package import edge, foundation, sam
from tools.package.terraform.evaluation import Evaluation
from tools.stages import Stage, parameters

TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"
GIGABYTE = 1e9
PRODUCTS = 1_000  # of the catalogue that was measured
# What is counted by its type: the price, and the hours that it is charged for, or once a month.
COUNTED = {
    "AWS::SecretsManager::Secret": ("secrets", 1),
    "AWS::KMS::Key": ("keys", 1),
    "AWS::CloudWatch::Dashboard": ("dashboards", 1),
    "AWS::WAFv2::WebACL": ("firewalls", 1),
    "AWS::EC2::NatGateway": ("nat_hours", HOURS),
    "AWS::EC2::EIP": ("address_hours", HOURS),
}
# What is counted in other ways: its metrics, zones, rules, capacity or alarms.
LOOKED_INTO = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::EC2::VPCEndpoint",
}
# What is charged by use alone, or not at all. A type that is in none of the three fails a test, and so does one that
# no stage has. What Chalice and SAM make of functions and API themselves is in no template that is looked at here.
WITHOUT_RENT = {
    "AWS::ApiGateway": {"BasePathMapping", "DomainName"},
    "AWS::ApplicationAutoScaling": {"ScalableTarget"},
    "AWS::Budgets": {"Budget"},
    "AWS::CertificateManager": {"Certificate"},
    "AWS::CloudFront": {"Distribution", "Function", "OriginAccessControl"},
    "AWS::EC2": {
        "InternetGateway", "Route", "RouteTable", "SecurityGroup", "Subnet", "SubnetRouteTableAssociation", "VPC",
        "VPCGatewayAttachment",
    },
    "AWS::Events": {"EventBus"},
    "AWS::IAM": {"Role"},
    "AWS::KMS": {"Alias"},
    "AWS::Lambda": {"Permission"},
    "AWS::Logs": {"LogGroup", "QueryDefinition"},
    "AWS::Route53": {"RecordSet"},
    "AWS::S3": {"Bucket", "BucketPolicy"},
    "AWS::SES": {"ConfigurationSet", "ConfigurationSetEventDestination", "EmailIdentity"},
    "AWS::SNS": {"Subscription", "Topic", "TopicPolicy"},
    "AWS::SQS": {"Queue", "QueuePolicy"},
    "AWS::SecretsManager": {"RotationSchedule"},
    "AWS::Serverless": {"Function"},
    "AWS::WAFv2": {"LoggingConfiguration", "WebACLAssociation"},
}  # fmt: skip
# The options before the API that make no resource that is charged by itself: they need the whole definition of the API.
IN_THE_DEFINITION = {"usage_plans": False, "validates_requests": False, "caches_products": False}
BOT_CONTROL = "AWSManagedRulesBotControlRuleSet"  # is subscribed to, beside the rule

Resources = dict[str, dict[str, Any]]


class Charge(NamedTuple):
    """So much of what a price is for; `what` says it in other words than the price's unit where that is needed."""

    price: str
    amount: float
    what: str = ""


def amounts(stage: Stage, resources: Resources, measured: Measured, assumed: Assumed) -> Iterator[Charge]:
    """What stands, month by month."""
    types = Counter(each.get("Type", "") for each in resources.values())
    for kind, (price, times) in COUNTED.items():
        yield Charge(price, types[kind] * times)
    yield Charge("alarm_metrics", sum(map(_metrics_of, resources.values())))
    scaled = types["AWS::ApplicationAutoScaling::ScalingPolicy"] * assumed.alarms_of_a_scaling_policy
    yield Charge("alarm_metrics", scaled, "metrics in alarms of auto-scaling")
    yield Charge("metrics", measured.metrics_idle, "metrics of the shop that runs on schedule write")
    yield Charge("table_gb", PRODUCTS * assumed.product_bytes / GIGABYTE, "GB of the catalogue")
    yield Charge("table_recovery_gb", PRODUCTS * assumed.product_bytes / GIGABYTE)
    yield Charge("objects_gb", assumed.kept_picture_gb)
    yield Charge("alert_mails", assumed.alert_mails)
    yield Charge("queue_requests", assumed.dead_letters, "dead letters")
    yield from _options(stage, resources)


def found_resources(stage: Stage) -> Resources:
    """The resources of both stacks as they are in that stage."""
    template = cfn_yaml.load(str(TEMPLATE))
    evaluation = Evaluation(template, parameters.of_resources(stage), "", _named, _named, _named)
    there = {name: each for name, each in template["Resources"].items() if evaluation.is_there(each)}
    known = {name: evaluation.value(each) for name, each in there.items() if each["Type"] in LOOKED_INTO}
    application = sam.merge_of(stage)
    edge.add_to(application, replace(stage, edge=replace(stage.edge, **IN_THE_DEFINITION)))
    foundation.add_to(application, stage)
    found: Resources = there | known | application["Resources"]
    return found


def _options(stage: Stage, resources: Resources) -> Iterator[Charge]:
    for name, number in stage.foundation.provisioned_concurrency.items():
        warm = number * functions.gigabytes(name) * SECONDS
        yield Charge("lambda_warm_gb_seconds", warm, f"GB-seconds of {name} kept warm")
    yield Charge("endpoint_hours", sum(map(_zones_of, resources.values())) * HOURS)
    firewalls = [_properties(each, "AWS::WAFv2::WebACL") for each in resources.values()]
    rules = [rule for each in firewalls for rule in each.get("Rules", ())]
    yield Charge("firewall_rules", len(rules))
    yield Charge("bot_controls", sum(BOT_CONTROL in str(rule) for rule in rules))
    if stage.edge.caches_products:
        yield Charge("api_cache_hours", HOURS)


def _metrics_of(resource: dict[str, Any]) -> int:
    """How many metrics an alarm looks at, each of which is charged."""
    alarm = _properties(resource, "AWS::CloudWatch::Alarm")
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else int(bool(alarm))


def _zones_of(resource: dict[str, Any]) -> int:
    endpoint = _properties(resource, "AWS::EC2::VPCEndpoint")
    return len(endpoint["SubnetIds"]) if endpoint.get("VpcEndpointType") == "Interface" else 0


def _properties(resource: dict[str, Any], kind: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = resource.get("Properties", {}) if kind in (None, resource.get("Type")) else {}
    return found


def _named(name: str, *_: object) -> str:
    """What only the account knows, by its name."""
    return name
