"""WAF before the API, in its region: rates, countries, injections, scripts and bad bots.

The payment provider gets past all of it: what it sends is signed, comes from few addresses, many at once after a sale,
and its client is a bot. The stage's throttle bounds what comes there. Who calls by a program is no bad bot here, since
that is what an API is for: such signals are counted only.
"""

from __future__ import annotations

from typing import Any

from tools.package.edge import definition
from tools.package.edge.domain import BASE_PATH
from tools.stages import Stage

ADDRESS_HEADER = "True-Client-IP"
ORIGIN_HEADER = "x-origin-key"
MAX_REQUESTS = 2000  # of one address
WINDOW_SECONDS = 300
WEBHOOK = "/payments/webhook"
# Of the managed rules, those that take every program for a bad bot.
COUNTED = ("CategoryHttpLibrary", "SignalNonBrowserUserAgent")
SECRETS = ("authorization", "cookie", "x-api-key", "x-cart-token", ORIGIN_HEADER)
DECODED = ({"Priority": 0, "Type": "URL_DECODE"}, {"Priority": 1, "Type": "HTML_ENTITY_DECODE"})
PLAIN = ({"Priority": 0, "Type": "NONE"},)

Statement = dict[str, Any]


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
    rules = [*_keep_others_out(stage), _rate(stage), *_countries(stage), *_injections(stage), *_bots(stage)]
    return {
        "Name": f"ecommerce-{stage.name}",
        "Description": "What may reach the API of the shop.",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": _visible(f"ecommerce-{stage.name}"),
        "Rules": [{**rule, "Priority": number} for number, rule in enumerate(rules)],
        "Tags": definition.tags(stage.tags),
    }


def _rate(stage: Stage) -> dict[str, Any]:
    rate = {
        "Limit": MAX_REQUESTS,
        "EvaluationWindowSec": WINDOW_SECONDS,
        "ScopeDownStatement": _but_webhook(stage),
        **({"AggregateKeyType": "FORWARDED_IP", **_forwarded(stage)} if stage.edge.distribution else
           {"AggregateKeyType": "IP"}),
    }  # fmt: skip
    return _blocking("Rate", {"RateBasedStatement": rate})


def _countries(stage: Stage) -> list[dict[str, Any]]:
    codes = [*stage.edge.allowed_countries, *stage.edge.blocked_countries]
    if not codes:
        return []
    listed: Statement = {"GeoMatchStatement": {"CountryCodes": codes, **_forwarded(stage)}}
    refused = {"NotStatement": {"Statement": listed}} if stage.edge.allowed_countries else listed
    return [_blocking("Countries", _all([_but_webhook(stage), refused]))]


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


def _keep_others_out(stage: Stage) -> list[dict[str, Any]]:
    """With a distribution: only what came through it, which alone knows the key, and what the payment provider sends.

    Its webhook may be registered at the API's own address still, and what it sends is signed.
    """
    if not stage.edge.distribution:
        return []
    known = {
        "ByteMatchStatement": {
            "FieldToMatch": {"SingleHeader": {"Name": ORIGIN_HEADER}},
            "PositionalConstraint": "EXACTLY",
            "SearchString": {"Fn::Sub": "{{resolve:secretsmanager:${OriginKey}}}"},
            "TextTransformations": [*PLAIN],
        }
    }
    return [_blocking("PastTheDistribution", _all([_but_webhook(stage), {"NotStatement": {"Statement": known}}]))]


def _but_webhook(stage: Stage) -> Statement:
    """Everything but the payment provider's messages, whose path begins with the stage's name or the domain's base."""
    paths = [f"/{stage.name}{WEBHOOK}", *([f"/{BASE_PATH}{WEBHOOK}"] if stage.edge.domain else [])]
    each = [
        {"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "EXACTLY",
                                "SearchString": path, "TextTransformations": [*PLAIN]}}
        for path in paths
    ]  # fmt: skip
    return {"NotStatement": {"Statement": {"OrStatement": {"Statements": each}} if len(each) > 1 else each[0]}}


def _forwarded(stage: Stage) -> dict[str, Any]:
    """Who is calling, as the distribution tells it."""
    told = {"HeaderName": ADDRESS_HEADER, "FallbackBehavior": "MATCH"}
    return {"ForwardedIPConfig": told} if stage.edge.distribution else {}


def _managed(name: str, group: str, stage: Stage, **more: Any) -> dict[str, Any]:
    statement = {"VendorName": "AWS", "Name": group, "ScopeDownStatement": _but_webhook(stage), **more}
    rule = {"Name": name, "Statement": {"ManagedRuleGroupStatement": statement}}
    return {**rule, "OverrideAction": {"None": {}}, "VisibilityConfig": _visible(name)}


def _blocking(name: str, statement: Statement) -> dict[str, Any]:
    return {"Name": name, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": _visible(name)}


def _all(statements: list[Statement]) -> Statement:
    return {"AndStatement": {"Statements": statements}}


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
