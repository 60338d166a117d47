"""Properties that are resources of their own in Terraform."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.package.terraform.evaluation import snake
from tools.package.terraform.kind import Made, Part, TemplateResource
from tools.package.terraform.values import Reference

# A version of a secret without any label may be forgotten by Secrets Manager, and Terraform would make it anew, in
# place of the one in use. One with a label of its own stays.
FIRST = "FIRST"


def of_bucket(terraform: str, renamed: Mapping[str, str | None] | None = None, block: str = "") -> Part:
    """A setting of a bucket that is a resource; `block` if its properties are in one."""

    def made(source: TemplateResource, value: Any) -> Iterator[Made]:
        arguments = {block: value} if block else value
        yield Made(terraform, source.label, {"bucket": source.ref("id"), **arguments}, renamed or {})

    return made


def lifecycle_rules(source: TemplateResource, value: Any) -> Iterator[Made]:
    """What becomes of objects in time; each rule says which ones, by default all."""
    rules = [{"filter": {}, **rule} for rule in value["Rules"]]
    arguments = {"bucket": source.ref("id"), "rule": rules}
    yield Made("aws_s3_bucket_lifecycle_configuration", source.label, arguments)


def generated_secret(source: TemplateResource, value: Any) -> Iterator[Made]:
    """The first value of a secret, made by Secrets Manager. Whatever is put in later, Terraform leaves alone."""
    password = Made(
        "aws_secretsmanager_random_password",
        source.label,
        {"password_length": value["PasswordLength"], "exclude_punctuation": value["ExcludePunctuation"]},
        is_data=True,
    )
    made = Reference(f"{password.address}.random_password")
    text: Any = made
    if "SecretStringTemplate" in value:
        text = {**json.loads(value["SecretStringTemplate"]), value["GenerateStringKey"]: made}
    arguments = {
        "secret_id": source.ref("id"),
        "secret_string": text,
        "version_stages": ["AWSCURRENT", FIRST],
    }
    yield password
    yield Made(
        "aws_secretsmanager_secret_version",
        source.label,
        arguments,
        lifecycle={"ignore_changes": Reference("all")},
    )


def inline_policies(source: TemplateResource, value: Any) -> Iterator[Made]:
    """The policies of a role."""
    for policy in value:
        suffix = "" if len(value) == 1 else f"_{snake(policy['PolicyName'])}"
        arguments = {"name": policy["PolicyName"], "role": source.ref("name"), "policy": policy["PolicyDocument"]}
        yield Made("aws_iam_role_policy", f"{source.label}{suffix}", arguments)


def managed_policies(source: TemplateResource, value: Any) -> Iterator[Made]:
    """AWS's own policies of a role."""
    for arn in value:
        suffix = "" if len(value) == 1 else f"_{snake(str(arn).rpartition('/')[2])}"
        arguments = {"role": source.ref("name"), "policy_arn": arn}
        yield Made("aws_iam_role_policy_attachment", f"{source.label}{suffix}", arguments)


def targets(source: TemplateResource, value: Any) -> Iterator[Made]:
    """Whom a rule calls."""
    for number, target in enumerate(value):
        suffix = f"_{number}" if number else ""
        named = {"Id": "target_id"}
        bus = {"event_bus_name": source.properties["EventBusName"]} if "EventBusName" in source.properties else {}
        arguments = {"rule": source.ref("name"), **bus, **target}
        yield Made("aws_cloudwatch_event_target", f"{source.label}{suffix}", arguments, named)


def method_settings(source: TemplateResource, value: Any) -> Iterator[Made]:
    """How methods of a stage of an API are throttled, cached, logged."""
    for each in value:
        settings = dict(each)
        path = settings.pop("ResourcePath").removeprefix("/") or "~1"  # within a path, API Gateway wants ~1 for a slash
        method = settings.pop("HttpMethod")
        named = snake(path.replace("~1", "/")).strip("_")
        suffix = "" if (path, method) == ("*", "*") else f"_{named}_{method.lower()}".replace("*", "all")
        arguments = {
            "rest_api_id": source.properties["RestApiId"],
            "stage_name": source.ref("stage_name"),
            "method_path": f"{path}/{method}",
            "settings": settings,
        }
        yield Made("aws_api_gateway_method_settings", f"{source.label}{suffix}", arguments)
