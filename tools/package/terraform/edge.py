"""The types that a stage's `[edge]` adds, as lines of the table of kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.package.edge import origin_key
from tools.package.terraform.kind import Made, Properties, TemplateResource, Translation
from tools.package.terraform.values import Encoded, Reference

CERTIFICATE, RECORD = "aws_acm_certificate", "aws_route53_record"
SECONDS_OF_RECORD = 300


def certificate(source: TemplateResource) -> Properties:
    """A certificate is there when it is proven whose domain it is for."""
    option = f"tolist({CERTIFICATE}.{source.label}.domain_validation_options)[0]"
    return {
        "certificate_arn": Reference(f"{CERTIFICATE}.{source.label}.arn", f"{CERTIFICATE}.{source.label}"),
        "validation_record_fqdns": [Reference(f"{RECORD}.{source.label}.fqdn", f"{RECORD}.{source.label}")],
        "proven": option,
    }


def proven(source: TemplateResource, option: Any) -> Iterator[Made]:
    """The certificate itself, and the record of DNS that proves it."""
    given = dict(source.properties)
    (domain,) = given.pop("DomainValidationOptions")
    yield Made(CERTIFICATE, source.label, given, lifecycle={"create_before_destroy": True})
    record = {
        "zone_id": domain["HostedZoneId"],
        "name": Reference(f"{option}.resource_record_name"),
        "type": Reference(f"{option}.resource_record_type"),
        "records": [Reference(f"{option}.resource_record_value")],
        "ttl": SECONDS_OF_RECORD,
        "allow_overwrite": True,
    }
    yield Made(RECORD, source.label, record)


def firewall(source: TemplateResource) -> Properties:
    """Its rules as AWS spells them, since they lie deeper in each other than blocks go."""
    given = dict(source.properties)
    rules = given.pop("Rules")
    return {**given, "rule_json": Encoded(rules)}


def secret(source: TemplateResource) -> Properties:
    """A key of the distribution's goes at once, since its name is asked for again when a release is taken back."""
    is_ours = source.name.startswith(origin_key.LOGICAL_ID)
    return {**source.properties, **({"recovery_window_in_days": 0} if is_ours else {})}


KINDS: dict[str, Translation] = {
    "AWS::ApiGateway::BasePathMapping": Translation(
        "aws_api_gateway_base_path_mapping", renamed={"RestApiId": "api_id", "Stage": "stage_name"}
    ),
    "AWS::ApiGateway::DomainName": Translation(
        "aws_api_gateway_domain_name", ref="domain_name", attributes={"RegionalHostedZoneId": "regional_zone_id"}
    ),
    "AWS::ApiGateway::UsagePlan": Translation(
        "aws_api_gateway_usage_plan",
        renamed={"UsagePlanName": "name", "Throttle": "throttle_settings", "Quota": "quota_settings"},
    ),
    "AWS::CertificateManager::Certificate": Translation(
        "aws_acm_certificate_validation",
        ref="certificate_arn",
        shape=certificate,
        parts={"proven": proven},
        part_types=(CERTIFICATE, RECORD),
    ),
    "AWS::CloudFront::Function": Translation(
        "aws_cloudfront_function",
        attributes={"FunctionARN": "arn"},
        renamed={"FunctionCode": "code", "FunctionConfig": "", "AutoPublish": "publish"},
    ),
    "AWS::Route53::RecordSet": Translation(
        RECORD,
        renamed={
            "HostedZoneId": "zone_id",
            "AliasTarget": "alias",
            "AliasTarget.DNSName": "name",
            "AliasTarget.HostedZoneId": "zone_id",
        },
    ),
    "AWS::WAFv2::LoggingConfiguration": Translation(
        "aws_wafv2_web_acl_logging_configuration",
        renamed={"LoggingFilter.Filters": "filter", "LoggingFilter.Filters.Conditions": "condition"},
    ),
    "AWS::WAFv2::WebACL": Translation(
        "aws_wafv2_web_acl",
        attributes={"Arn": "arn"},
        renamed={"VisibilityConfig.CloudWatchMetricsEnabled": "cloudwatch_metrics_enabled"},
        shape=firewall,
    ),
    "AWS::WAFv2::WebACLAssociation": Translation("aws_wafv2_web_acl_association", renamed={"WebACLArn": "web_acl_arn"}),
}
