"""How the SAM template ends: what a merge into Chalice's cannot say, one step each.

Every function is versioned and called by its alias, so that what is deployed is a version that nothing changes any
more, traffic can be shifted from one to the next, and going back is to move the alias.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from tools.package import canary

ALIAS = "live"  # SAM makes it, by AutoPublishAlias in infra/merge-sam.json
FUNCTION = "AWS::Serverless::Function"
MAX_TEMPLATE_BYTES = 1_000_000  # of CloudFormation, for one that lies in a bucket
# What a function has that makes no version: the service would refuse to publish one that differs in these alone.
UNVERSIONED = {
    "AutoPublishCodeSha256",
    "CodeUri",
    "DeploymentPreference",
    "EventInvokeConfig",
    "Events",
    "ProvisionedConcurrencyConfig",
    "ReservedConcurrentExecutions",
    "Tags",
}
SHARED = ("Runtime", "Tags", "Tracing", "Architectures")

Template = dict[str, Any]
Step = Callable[[Template], None]


def finish(template: Template, code_sha256: str) -> None:
    """Do every step; `code_sha256` is that of the archive of the code."""
    for step in STEPS:
        step(template)
    publish_what_changed(template, code_sha256)


def written(template: Template) -> str:
    """The template in as few bytes as JSON takes."""
    return json.dumps(template, separators=(",", ":"), ensure_ascii=False)


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The properties of every function, by logical id."""
    resources = template["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == FUNCTION}


def call_integrations_by_alias(template: Template) -> None:
    """The API hands requests to the alias of its function."""
    for methods in _definition(template)["paths"].values():
        for method in methods.values():
            if "uri" in (integration := method["x-amazon-apigateway-integration"]):
                integration["uri"] = _by_alias(integration["uri"])


def call_authorizers_by_alias(template: Template) -> None:
    """The API asks the alias of its authorizer's function."""
    for scheme in _definition(template).get("securityDefinitions", {}).values():
        if authorizer := scheme.get("x-amazon-apigateway-authorizer"):
            authorizer["authorizerUri"] = _by_alias(authorizer["authorizerUri"])


def permit_by_alias(template: Template) -> None:
    """Whoever may call a function may call its alias, and nothing else of it."""
    ours = functions(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Permission":
            called = resource["Properties"]["FunctionName"]
            name = called.get("Ref") or called["Fn::GetAtt"][0]
            if name in ours:
                resource["Properties"]["FunctionName"] = {"Ref": f"{name}.Alias"}


def tell_aliases(template: Template) -> None:
    """Each function's alias, and the version that this template puts behind it, are outputs of the stack."""
    for name in functions(template):
        template["Outputs"][f"{name}Alias"] = {"Value": {"Ref": f"{name}.Alias"}}
        template["Outputs"][f"{name}Version"] = {"Value": {"Fn::GetAtt": [f"{name}.Version", "Version"]}}


def share_settings(template: Template) -> None:
    """What all functions of the app have stands once, in the globals; the smoke test, which is none, reads it too."""
    each = [function for name, function in functions(template).items() if name != canary.SMOKE]
    shared = template.setdefault("Globals", {}).setdefault("Function", {})
    shared |= _taken_out(each, [name for name in SHARED if name not in shared])
    variables = shared.setdefault("Environment", {}).setdefault("Variables", {})
    environments = [function.get("Environment", {}).get("Variables", {}) for function in each]
    variables |= _taken_out(environments, sorted({name for environment in environments for name in environment}))
    for function in each:
        if not function.get("Environment", {}).get("Variables", True):
            del function["Environment"]


def publish_what_changed(template: Template, code_sha256: str) -> None:
    """A function gets a new version when its code or its configuration is another, and only then.

    SAM by itself goes by the place of the code, the environment and the memory; by all properties, also by those of
    which no version can be made. The digest is the function's description as well, so each is one to the service.
    """
    everywhere = template.get("Globals", {}).get("Function", {})
    for properties in functions(template).values():
        versioned = {name: each for name, each in properties.items() if name not in UNVERSIONED}
        general = {name: each for name, each in everywhere.items() if name not in UNVERSIONED}
        properties["AutoPublishCodeSha256"] = _digest([code_sha256, general, versioned])


def _taken_out(each: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """The entries of these names that are the same in each; they are taken out of it."""
    same = [name for name in names if all(name in one and one[name] == each[0][name] for one in each)]
    taken = {name: each[0][name] for name in same}
    for one in each:
        for name in same:
            del one[name]
    return taken


def _definition(template: Template) -> dict[str, Any]:
    return dict(template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"])


def _by_alias(uri: Mapping[str, str]) -> dict[str, str]:
    return {"Fn::Sub": uri["Fn::Sub"].replace(".Arn}", f"Alias{ALIAS}}}")}  # the name that SAM gives it


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


STEPS: tuple[Step, ...] = (
    canary.watch,
    call_integrations_by_alias,
    call_authorizers_by_alias,
    permit_by_alias,
    tell_aliases,
    share_settings,
)
