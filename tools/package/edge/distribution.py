"""CloudFront before the API: it ends TLS near the caller, keeps nothing, and tells the API who is calling.

Without a domain the API says its own paths, with the stage's name in front; those are good here, too.

What comes past it is refused by the firewall, by a key that only the distribution and the firewall know. So the
header that tells who is calling is the distribution's word; a caller's own header of that name is overwritten.
"""

from __future__ import annotations

from typing import Any

from tools.package.edge import definition, domain, origin_key
from tools.package.edge.firewall import ADDRESS_HEADER, ORIGIN_HEADER
from tools.stages import Stage

# Managed by AWS, and named by numbers that are the same everywhere.
KEEPS_NOTHING = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FORWARDS_ALL = "216adef6-5c7f-47e4-b989-5492eafa07d3"
FORWARDS_ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
ZONE = "Z2FDTNDATAQYW2"  # of every distribution
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
FUNCTION = (
    "function handler(event) {{ var request = event.request; "
    "if (request.uri.startsWith('/{stage}/')) {{ request.uri = request.uri.slice({length}); }} "
    "request.headers['{header}'] = {{value: event.viewer.ip}}; return request; }}"
)


def add_to(template: dict[str, Any], stage: Stage) -> None:
    """Add the distribution, the keys between it and the firewall, and what notes who is calling.

    The firewall waits for it, since before it is everywhere nobody can come through it.
    """
    template["Resources"] |= {"NoteAddress": _note_address(stage), "Distribution": _made(stage)}
    template["Resources"] |= origin_key.resources(stage)
    template["Resources"]["Firewall"]["DependsOn"] = "Distribution"
    definition.tell_app(template, "CLIENT_ADDRESS_HEADER", ADDRESS_HEADER)
    target = {"Fn::GetAtt": ["Distribution", "DomainName"]}
    if not stage.edge.domain:
        definition.answer_at(template, target)
        return
    template["Outputs"]["DomainTarget"]["Value"] = target
    if stage.edge.domain_zone:
        domain.point_at(template, stage, target, ZONE)


def _made(stage: Stage) -> dict[str, Any]:
    edge = stage.edge
    certificate = {
        "AcmCertificateArn": edge.distribution_certificate,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    config = {
        "Enabled": True,
        "Comment": f"The API of the shop's stage {stage.name}.",
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "Origins": [_origin(stage)],
        "DefaultCacheBehavior": _behaviour(stage),
        "ViewerCertificate": certificate if edge.domain else {"CloudFrontDefaultCertificate": True},
    }
    aliases = {"Aliases": [edge.domain]} if edge.domain else {}
    return {
        "Type": "AWS::CloudFront::Distribution",
        "Properties": {"DistributionConfig": {**config, **aliases}, "Tags": definition.tags(stage.tags)},
    }


def _origin(stage: Stage) -> dict[str, Any]:
    """The API by its domain, which the caller's Host names, or by its own address."""
    host = "${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    where = {"DomainName": domain.TARGET} if stage.edge.domain else {
        "DomainName": {"Fn::Sub": host}, "OriginPath": f"/{stage.name}"}  # fmt: skip
    return {
        "Id": "api",
        **where,
        "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]},
        "OriginCustomHeaders": [
            {"HeaderName": ORIGIN_HEADER, "HeaderValue": origin_key.value(stage.edge.origin_keys[0])}
        ],
    }


def _behaviour(stage: Stage) -> dict[str, Any]:
    function = {"Fn::GetAtt": ["NoteAddress", "FunctionARN"]}
    return {
        "TargetOriginId": "api",
        "AllowedMethods": METHODS,
        "ViewerProtocolPolicy": "https-only",  # a token that came in the clear is not passed on, nor led elsewhere
        "CachePolicyId": KEEPS_NOTHING,
        "OriginRequestPolicyId": FORWARDS_ALL if stage.edge.domain else FORWARDS_ALL_BUT_HOST,
        "FunctionAssociations": [{"EventType": "viewer-request", "FunctionARN": function}],
    }


def _note_address(stage: Stage) -> dict[str, Any]:
    code = FUNCTION.format(stage=stage.name, length=len(stage.name) + 1, header=ADDRESS_HEADER.lower())
    config = {"Comment": "Tells the API who is calling.", "Runtime": "cloudfront-js-2.0"}
    return {
        "Type": "AWS::CloudFront::Function",
        "Properties": {
            "Name": {"Fn::Sub": "ecommerce-${Stage}-note-address"},
            "AutoPublish": True,
            "FunctionConfig": config,
            "FunctionCode": code,
        },
    }
