"""A name of the API's own, https://<domain>/v1, by TLS 1.2; with a zone of Route 53 its records and its certificate."""

from __future__ import annotations

from typing import Any

from tools.package import gateway
from tools.package.edge import definition
from tools.stages import Stage

BASE_PATH = "v1"
RECORDS = {"A": "ApiRecordA", "AAAA": "ApiRecordAaaa"}
TARGET = {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}
TARGET_ZONE = {"Fn::GetAtt": ["ApiDomain", "RegionalHostedZoneId"]}


def add_to(template: dict[str, Any], stage: Stage) -> None:
    """Add the domain, and let the stack tell the address under it."""
    edge, resources = stage.edge, template["Resources"]
    if not edge.domain_certificate:
        resources["ApiCertificate"] = _certificate(stage)
    resources["ApiDomain"] = _domain(stage)
    resources["ApiMapping"] = _mapping()
    if edge.domain_zone:
        point_at(template, stage, TARGET, TARGET_ZONE)
    if edge.only_domain:
        definition.api(template)["DisableExecuteApiEndpoint"] = True
    template["Outputs"]["DomainTarget"] = {"Description": f"What {edge.domain} has to be an alias of.", "Value": TARGET}
    definition.answer_at(template, edge.domain, f"/{BASE_PATH}")
    gateway.lead_to(f"https://{edge.domain}/{BASE_PATH}", definition.api(template))


def point_at(template: dict[str, Any], stage: Stage, target: dict[str, Any], zone: object) -> None:
    """Records of the domain in its zone, for both kinds of addresses."""
    for kind, name in RECORDS.items():
        template["Resources"][name] = {
            "Type": "AWS::Route53::RecordSet",
            "Properties": {
                "HostedZoneId": stage.edge.domain_zone,
                "Name": stage.edge.domain,
                "Type": kind,
                "AliasTarget": {"DNSName": target, "HostedZoneId": zone, "EvaluateTargetHealth": False},
            },
        }


def _certificate(stage: Stage) -> dict[str, Any]:
    option = {"DomainName": stage.edge.domain, "HostedZoneId": stage.edge.domain_zone}
    return {
        "Type": "AWS::CertificateManager::Certificate",
        "Properties": {
            "DomainName": stage.edge.domain,
            "ValidationMethod": "DNS",
            "DomainValidationOptions": [option],
            "Tags": definition.tags(stage.tags),
        },
    }


def _domain(stage: Stage) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::DomainName",
        "Properties": {
            "DomainName": stage.edge.domain,
            "RegionalCertificateArn": stage.edge.domain_certificate or {"Ref": "ApiCertificate"},
            "EndpointConfiguration": {"Types": ["REGIONAL"], "IpAddressType": "dualstack"},
            "SecurityPolicy": "TLS_1_2",
            "Tags": definition.tags(stage.tags),
        },
    }


def _mapping() -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::BasePathMapping",
        "Properties": {
            "DomainName": {"Ref": "ApiDomain"},
            "BasePath": BASE_PATH,
            "RestApiId": {"Ref": "RestAPI"},
            "Stage": {"Ref": "RestAPI.Stage"},
        },
    }
