"""WAF before the API, in its region: rates, countries, injections, scripts and bad bots.

The payment provider gets past all of it: what it sends is signed, comes from few addresses, many at once after a sale,
and its client is a bot. The stage's throttle bounds what comes there. Who calls by a program is no bad bot here, since
that is what an API is for: such signals are counted only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tools.package.edge import definition, origin_key
from tools.package.edge.domain import BASE_PATH
from tools.stages import Stage

ADDRESS_HEADER = "True-Client-IP"
ORIGIN_HEADER = "x-origin-key"
PAST = "PastTheDistribution"
MAX_REQUESTS = 2000  # of one address
WINDOW_SECONDS = 300
WEBHOOK = "/payments/webhook"
# Of the managed rules, those that block every program, also a customer's own, one that runs where others keep bots as
# well (as the smoke test of a delivery does), and one that only looks whether the shop is there.
COUNTED = ("CategoryHttpLibrary", "CategoryMonitoring", "SignalKnownBotDataCenter", "SignalNonBrowserUserAgent")
SECRETS = ("authorization", "cookie", "x-api-key", "x-cart-token", ORIGIN_HEADER)
DECODED = ({"Priority": 0, "Type": "URL_DECODE"}, {"Priority": 1, "Type": "HTML_ENTITY_DECODE"})
PLAIN = ({"Priority": 0, "Type": "NONE"},)

Statement = dict[str, Any]


class Way(NamedTuple):
    """How requests come: the end of its rules' names, where an address is told if not the request's own, which ones."""

    suffix: str
    forwarded: dict[str, Any]
    scope: list[Statement]


def add_to(template: dict[str, Any], stage: Stage) -> None:
    """Add the rules, let them stand before the API's stage, and write down what they block."""
    arn = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}/stages/${Name}"
    template["Resources"] |= {
        "Firewall": {"Type": "AWS::WAFv2::WebACL", "Properties": _acl(stage)},
        "FirewallAssociation": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {
                "ResourceArn": {"Fn::Sub": [arn, {"Name": {"Ref": "RestAPI.Stage"}}]},
                "WebACLArn": {"Fn::GetAtt": ["Firewall", "Arn"]},
            },
        },
        "FirewallLogs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": "aws-waf-logs-ecommerce-${Stage}"},  # WAF takes no other beginning
                "RetentionInDays": stage.log_days,
                "Tags": definition.tags(stage.tags),
            },
        },
        "FirewallLogging": {"Type": "AWS::WAFv2::LoggingConfiguration", "Properties": _logging()},
    }


def _acl(stage: Stage) -> dict[str, Any]:
    rules = [*_others(stage), *_rates(stage), *_countries(stage), *_injections(stage), *_bots(stage)]
    return {
        "Name": f"ecommerce-{stage.name}",
        "Description": "What may reach the API of the shop.",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": _visible(f"ecommerce-{stage.name}"),
        "Rules": [{**rule, "Priority": number} for number, rule in enumerate(rules)],
        "Tags": definition.tags(stage.tags),
    }


def _rates(stage: Stage) -> list[dict[str, Any]]:
    return [_blocking(f"Rate{way.suffix}", {"RateBasedStatement": _rate(stage, way)}) for way in _ways(stage)]


def _rate(stage: Stage, way: Way) -> Statement:
    kind = {"AggregateKeyType": "FORWARDED_IP" if way.forwarded else "IP", **way.forwarded}
    counted = {"Limit": MAX_REQUESTS, "EvaluationWindowSec": WINDOW_SECONDS, **kind}
    return {**counted, "ScopeDownStatement": _all([_but_webhook(stage), *way.scope])}


def _countries(stage: Stage) -> list[dict[str, Any]]:
    codes = [*stage.edge.allowed_countries, *stage.edge.blocked_countries]
    return [_blocking(f"Countries{way.suffix}", _country(stage, way, codes)) for way in _ways(stage) if codes]


def _country(stage: Stage, way: Way, codes: list[str]) -> Statement:
    listed: Statement = {"GeoMatchStatement": {"CountryCodes": codes, **way.forwarded}}
    refused = {"NotStatement": {"Statement": listed}} if stage.edge.allowed_countries else listed
    return _all([_but_webhook(stage), *way.scope, refused])


def _injections(stage: Stage) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {"AllQueryArguments": {}},
        {"UriPath": {}},
        {"JsonBody": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "InvalidFallbackBehavior": "EVALUATE_AS_STRING",
                      "OversizeHandling": "CONTINUE"}},
    ]  # fmt: skip
    found = [{"XssMatchStatement": {"FieldToMatch": each, "TextTransformations": [*DECODED]}} for each in fields]
    return [
        _managed("SqlInjection", "AWSManagedRulesSQLiRuleSet", stage),
        _blocking("Scripts", _all([_but_webhook(stage), {"OrStatement": {"Statements": found}}])),
    ]


def _bots(stage: Stage) -> list[dict[str, Any]]:
    level = {"AWSManagedRulesBotControlRuleSet": {"InspectionLevel": "COMMON"}}
    overridden = [{"Name": name, "ActionToUse": {"Count": {}}} for name in COUNTED]
    more = {"ManagedRuleGroupConfigs": [level], "RuleActionOverrides": overridden}
    return [_managed("BadBots", "AWSManagedRulesBotControlRuleSet", stage, **more)]


def _others(stage: Stage) -> list[dict[str, Any]]:
    """With a distribution: who came past it, and so knows none of its keys, is blocked, or counted for the time being.

    The payment provider is not: its webhook may be registered at the API's own address still, and what it sends is
    signed.
    """
    if not stage.edge.distribution:
        return []
    known = [
        {"ByteMatchStatement": {"FieldToMatch": {"SingleHeader": {"Name": ORIGIN_HEADER}},
                                "PositionalConstraint": "EXACTLY", "SearchString": origin_key.value(number),
                                "TextTransformations": [*PLAIN]}}
        for number in sorted(stage.edge.origin_keys)
    ]  # fmt: skip
    rule = _blocking(PAST, _all([_but_webhook(stage), {"NotStatement": {"Statement": _any(known)}}]))
    return [rule if stage.edge.only_distribution else {**rule, "Action": {"Count": {}}, "RuleLabels": [{"Name": PAST}]}]


def _ways(stage: Stage) -> list[Way]:
    """Whose address is told by the distribution, and who has one of his own; both while both ways are open."""
    own: dict[str, Any] = {}
    told = {"ForwardedIPConfig": {"HeaderName": ADDRESS_HEADER, "FallbackBehavior": "MATCH"}}
    if not stage.edge.distribution:
        return [Way("", own, [])]
    if stage.edge.only_distribution:
        return [Way("", told, [])]
    past = {"LabelMatchStatement": {"Scope": "LABEL", "Key": PAST}}
    return [Way("", told, [{"NotStatement": {"Statement": past}}]), Way(PAST, own, [past])]


def _but_webhook(stage: Stage) -> Statement:
    """Everything but the payment provider's messages, whose path begins with the stage's name or the domain's base."""
    paths = [f"/{stage.name}{WEBHOOK}", *([f"/{BASE_PATH}{WEBHOOK}"] if stage.edge.domain else [])]
    each = [
        {"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "EXACTLY",
                                "SearchString": path, "TextTransformations": [*PLAIN]}}
        for path in paths
    ]  # fmt: skip
    return {"NotStatement": {"Statement": _any(each)}}


def _managed(name: str, group: str, stage: Stage, **more: Any) -> dict[str, Any]:
    statement = {"VendorName": "AWS", "Name": group, "ScopeDownStatement": _but_webhook(stage), **more}
    rule = {"Name": name, "Statement": {"ManagedRuleGroupStatement": statement}}
    return {**rule, "OverrideAction": {"None": {}}, "VisibilityConfig": _visible(name)}


def _blocking(name: str, statement: Statement) -> dict[str, Any]:
    return {"Name": name, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": _visible(name)}


def _all(statements: list[Statement]) -> Statement:
    return {"AndStatement": {"Statements": statements}} if len(statements) > 1 else statements[0]


def _any(statements: list[Statement]) -> Statement:
    return {"OrStatement": {"Statements": statements}} if len(statements) > 1 else statements[0]


def _visible(name: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": True}


def _logging() -> dict[str, Any]:
    blocked = {"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}]}
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group"  # WAF wants no `:*` at its end
    return {
        "ResourceArn": {"Fn::GetAtt": ["Firewall", "Arn"]},
        "LogDestinationConfigs": [{"Fn::Sub": f"{group}:${{FirewallLogs}}"}],
        "LoggingFilter": {"DefaultBehavior": "DROP", "Filters": [blocked]},
        "RedactedFields": [{"SingleHeader": {"Name": name}} for name in SECRETS],
    }
