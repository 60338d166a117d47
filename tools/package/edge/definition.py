"""The definition of the API within a finished template, as the options read and write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

VERBS = ("get", "head", "post", "put", "patch", "delete")
Template = dict[str, Any]


class Operation(NamedTuple):
    """A method of a path, and what the definition says of it."""

    method: str
    path: str
    said: dict[str, Any]


def api(template: Template) -> dict[str, Any]:
    """The properties of the API."""
    properties: dict[str, Any] = template["Resources"]["RestAPI"]["Properties"]
    return properties


def of(template: Template) -> dict[str, Any]:
    """The whole definition."""
    definition: dict[str, Any] = api(template)["DefinitionBody"]
    return definition


def routes(template: Template) -> Iterator[Operation]:
    """Every method that the app answers: neither preflights nor methods that there is no route for."""
    for path, methods in of(template)["paths"].items():
        for method in VERBS:
            if method in methods:
                yield Operation(method.upper(), path, methods[method])


def declare(route: Operation, name: str, place: str, *, is_required: bool = False) -> None:
    """Say that the route knows this parameter, once."""
    parameters: list[dict[str, Any]] = route.said.setdefault("parameters", [])
    if not any((each["name"], each["in"]) == (name, place) for each in parameters):
        parameters.append({"name": name, "in": place, "required": is_required, "type": "string"})


def tell_app(template: Template, name: str, value: str) -> None:
    """Set a variable of the function behind the API."""
    function = template["Resources"]["APIHandler"]["Properties"]
    function.setdefault("Environment", {}).setdefault("Variables", {})[name] = value


def answer_at(template: Template, host: str | dict[str, Any], base: str = "") -> None:
    """The address of the API that the stack tells, which tools and people go by."""
    outputs = template["Outputs"]
    outputs["EndpointURL"] = {"Value": _address(host, f"{base}/")}
    outputs["HealthURL"] = {**outputs["HealthURL"], "Value": _address(host, f"{base}/health")}


def _address(host: str | dict[str, Any], path: str) -> str | dict[str, Any]:
    return f"https://{host}{path}" if isinstance(host, str) else {"Fn::Join": ["", ["https://", host, path]]}


def tags(of: dict[str, str]) -> list[dict[str, str]]:
    """Tags as CloudFormation writes most of them."""
    return [{"Key": key, "Value": value} for key, value in of.items()]
