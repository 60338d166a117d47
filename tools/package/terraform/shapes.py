"""Properties that Terraform has in another shape than CloudFormation."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.package.terraform.evaluation import snake
from tools.package.terraform.kind import Properties, TemplateResource
from tools.package.terraform.values import InFile, Interpolated, Reference

OF_SAM = "lambda:createdBy"


def table(source: TemplateResource) -> Properties:
    """Keys and indexes are attributes of the table; capacities stand beside them."""
    given = dict(source.properties)
    indexes = [_index(each) for each in given.pop("GlobalSecondaryIndexes", [])]
    attributes = [
        {"name": each["AttributeName"], "type": each["AttributeType"]} for each in given.pop("AttributeDefinitions")
    ]
    stream = {"stream_enabled": True, **given.pop("StreamSpecification")} if "StreamSpecification" in given else {}
    return {
        **_keys(given.pop("KeySchema")),
        **_capacity(given),
        **given,
        **stream,
        "attribute": attributes,
        "global_secondary_index": indexes,
    }


def _index(given: Properties) -> Properties:
    index = dict(given)
    projection = index.pop("Projection")
    names = {"non_key_attributes": projection["NonKeyAttributes"]} if "NonKeyAttributes" in projection else {}
    return {
        "name": index.pop("IndexName"),
        **_keys(index.pop("KeySchema")),
        "projection_type": projection["ProjectionType"],
        **names,
        **_capacity(index),
        **index,
    }


def _keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {f"{each['KeyType'].lower()}_key": each["AttributeName"] for each in schema}


def _capacity(given: Properties) -> Properties:
    """The capacity that is taken out of the properties."""
    capacity = given.pop("ProvisionedThroughput", None)
    if capacity is None:
        return {}
    return {"read_capacity": capacity["ReadCapacityUnits"], "write_capacity": capacity["WriteCapacityUnits"]}


def function(source: TemplateResource) -> Properties:
    """The code is a file of the package; each change of it or of the configuration is published as a version."""
    given = dict(source.properties)
    archive = f'"${{path.root}}/{given.pop("Code")["S3Key"]}"'
    if "LoggingConfig" in given:
        given["LoggingConfig"] = {"LogFormat": "Text", **given["LoggingConfig"]}
    return {
        **given,
        "Tags": [each for each in given.get("Tags", []) if each["Key"] != OF_SAM],
        "filename": Reference(archive),
        "source_code_hash": Reference(f"filebase64sha256({archive})"),
        "publish": True,
    }


def permission(source: TemplateResource) -> Properties:
    """Who may call an alias, which is named apart from its function."""
    called = source.properties["FunctionName"]
    if not isinstance(called, Reference) or not called.resource.startswith("aws_lambda_alias."):
        return source.properties
    return {**source.properties, "FunctionName": called.other("function_name"), "qualifier": called.other("name")}


def event_destination(source: TemplateResource) -> Properties:
    """The destination's name stands beside it, and types of events are in capitals."""
    destination = dict(source.properties["EventDestination"])
    name = destination.pop("Name")
    destination["MatchingEventTypes"] = [snake(each).upper() for each in destination["MatchingEventTypes"]]
    return {**source.properties, "event_destination_name": name, "EventDestination": destination}


def distribution(source: TemplateResource) -> Properties:
    """What CloudFormation takes for said, Terraform wants to hear."""
    config = source.properties["DistributionConfig"]
    said = {
        "restrictions": {"geo_restriction": {"restriction_type": "none", "locations": []}},
        "viewer_certificate": {"cloudfront_default_certificate": True},
    }
    changed = {
        "Origins": [_origin(each) for each in config["Origins"]],
        "DefaultCacheBehavior": {"cached_methods": ["GET", "HEAD"], **config["DefaultCacheBehavior"]},
    }
    return {**source.properties, "DistributionConfig": {**said, **config, **changed}}


def _origin(given: Properties) -> Properties:
    """An origin of S3 with an access control needs no other word of S3; another says its ports."""
    if "CustomOriginConfig" in given:
        return {**given, "CustomOriginConfig": {"http_port": 80, "https_port": 443, **given["CustomOriginConfig"]}}
    if "OriginAccessControlId" not in given:
        return given
    return {name: each for name, each in given.items() if name != "S3OriginConfig"}


def alarm(source: TemplateResource) -> Properties:
    """A metric of an expression holds its statistic and period."""
    given = dict(source.properties)
    queries = []
    for each in given.pop("Metrics", []):
        query = dict(each)
        if "MetricStat" in query:
            stat = dict(query.pop("MetricStat"))
            query["metric"] = {**stat.pop("Metric"), **stat}
        queries.append(query)
    return {**given, **({"metric_query": queries} if queries else {})}


def dashboard(source: TemplateResource) -> Properties:
    """What it shows lies in a file."""
    return {**source.properties, "DashboardBody": filed(source.properties["DashboardBody"], "dashboard.json")}


def api(source: TemplateResource) -> Properties:
    """The definition of the API lies in a file."""
    return {**source.properties, "Body": filed(source.properties["Body"], "definition.json")}


def deployment(source: TemplateResource) -> Properties:
    """What is deployed is another when the definition is."""
    rest_api = source.properties["RestApiId"]
    return {"rest_api_id": rest_api, "triggers": {"definition": Reference(f"sha256({rest_api.resource}.body)")}}


def deployment_group(source: TemplateResource) -> Properties:
    """The alarms that stop a deployment are known by their names alone."""
    given = dict(source.properties)
    alarms = given["AlarmConfiguration"]
    given["AlarmConfiguration"] = {**alarms, "Alarms": [each["Name"] for each in alarms["Alarms"]]}
    return given


def filed(value: Any, name: str) -> InFile:
    """JSON, or a text that is JSON, as a file that is filled in with what is known later."""
    references: dict[str, Reference] = {}
    if isinstance(value, str | Interpolated):
        value = json.loads(_template(value, references))
    else:
        value = _filled(value, references)
    return InFile(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n", references)


def _filled(value: Any, references: dict[str, Reference]) -> Any:
    """The value with a template for each text."""
    match value:
        case dict():
            return {name: _filled(each, references) for name, each in value.items()}
        case list():
            return [_filled(each, references) for each in value]
        case str() | Interpolated() | Reference():
            return _template(value, references)
    return value


def _template(value: Any, references: dict[str, Reference]) -> str:
    """A text as Terraform's templatefile reads it."""
    made = ""
    for part in value.parts if isinstance(value, Interpolated) else (value,):
        if isinstance(part, Reference):
            name = re.sub(r"\W+", "_", part.text.removeprefix("data."))
            references[name] = part
            made += f"${{{name}}}"
        else:
            made += part.replace("${", "$${").replace("%{", "%%{")
    return made
