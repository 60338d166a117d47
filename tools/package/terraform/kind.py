"""How a type of CloudFormation becomes one or more of Terraform's: what of it is not mechanical.

Mechanical is: a property `FunctionName` is `function_name`, an object is a block where the provider has a block of that
name, a map where it has a map, and JSON where it has a text. Lists of Key and Value, or Name and Value, are maps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.package.terraform import schema
from tools.package.terraform.evaluation import snake
from tools.package.terraform.schema import ArgumentSchema
from tools.package.terraform.values import Encoded, Interpolated, Reference
from tools.refusal import Refusal

Properties = dict[str, Any]


@dataclass(frozen=True)
class TemplateResource:
    """A resource of the template whose properties are evaluated."""

    name: str
    type: str
    label: str
    address: str
    properties: Properties
    is_protected: bool
    physical_name: str
    is_shifted: bool = False

    def ref(self, attribute: str) -> Reference:
        """An attribute of what it becomes."""
        return Reference(f"{self.address}.{attribute}", self.address)


@dataclass
class Made:
    """A resource of Terraform's, or a data source: its arguments, and what Terraform is told of its life.

    `origin` is the logical id of what it is translated from, `comments` are for its readers.
    """

    terraform: str
    label: str
    arguments: Properties
    renamed: Mapping[str, str | None] = field(default_factory=dict)
    lifecycle: Properties = field(default_factory=dict)
    depends_on: list[str] = field(default_factory=list)
    is_data: bool = False
    origin: str = ""
    comments: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """How others refer to it."""
        return f"{self.type}.{self.label}"

    @property
    def type(self) -> str:
        """Its type, with a word before those of data sources."""
        return f"data.{self.terraform}" if self.is_data else self.terraform


Part = Callable[[TemplateResource, Any], Iterator[Made]]


@dataclass(frozen=True)
class Translation:
    """What is not mechanical about a type.

    - `terraform`: the type there; empty if it becomes none of its own.
    - `ref`: the attribute that Ref means; `attributes` what GetAtt's do where it is not the same name, with `{}` for
      the resource's address.
    - `renamed`: properties by their path, `DistributionConfig.Origins`; to "" the object's properties stand where it
      stood, to None it is left out.
    - `named`: the argument that takes a name where the template leaves the name to CloudFormation.
    - `unprotected`: arguments of a stage that may be deleted.
    - `shape`: changes the properties before all this.
    - `parts`: properties that are resources of their own.
    """

    terraform: str
    ref: str = "id"
    attributes: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str | None] = field(default_factory=dict)
    named: str = ""
    unprotected: Mapping[str, Any] = field(default_factory=dict)
    shape: Callable[[TemplateResource], Properties] = lambda source: source.properties
    parts: Mapping[str, Part] = field(default_factory=dict)
    part_types: tuple[str, ...] = ()
    lifecycle: Callable[[TemplateResource], Properties] = lambda _: {}

    def made(self, source: TemplateResource) -> list[Made]:
        """All that a resource becomes, itself first."""
        properties = dict(self.shape(source))
        parts = [(part, properties.pop(name)) for name, part in self.parts.items() if name in properties]
        own = Made(self.terraform, source.label, properties, self.renamed, self.lifecycle(source))
        if self.named and not {name for name in own.arguments if self._argument(name) == self.named}:
            own.arguments = {self.named: source.physical_name, **own.arguments}
        if not source.is_protected:
            own.arguments |= self.unprotected
        return [own, *(made for part, value in parts for made in part(source, value))]

    def _argument(self, name: str) -> str | None:
        return self.renamed.get(name, snake(name))


def arguments(made: Made) -> Properties:
    """A resource's arguments by their names in Terraform; blocks are lists of them.

    Raises `Refusal` for a property that the provider's resource has no place for.
    """
    return _arguments(made, schema.of(made.type), made.arguments, "")


def _arguments(made: Made, takes: ArgumentSchema, properties: Properties, path: str) -> Properties:
    found: Properties = {}
    for name, value in properties.items():
        at = f"{path}{name}"
        to = made.renamed.get(at, snake(name))
        if to == "":
            found |= _arguments(made, takes, value, f"{at}.")
        elif to in takes.blocks:
            items = value if isinstance(value, list) else [value]
            found[to] = [_arguments(made, takes.blocks[to], each, f"{at}.") for each in items]
        elif to in takes.attributes:
            found[to] = _fitted(takes.attributes[to], value)
        elif to is not None:
            raise Refusal(f"{made.address}: {made.terraform} has no {to}, which {at} would be.")
    return found


def _fitted(kind: str, value: Any) -> Any:
    """A value as an attribute of this type takes it."""
    if kind in ("list", "set"):
        return value if isinstance(value, list) or (isinstance(value, Reference) and value.is_list) else [value]
    if isinstance(value, Reference | Interpolated | Encoded):
        return value
    match kind, value:
        case "map", list():
            return {each["Key" if "Key" in each else "Name"]: each["Value"] for each in value}
        case "string", _:
            return _text(value)
        case "bool" | "number", str():
            return json.loads(value)
    return value


def _text(value: Any) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case [str() | Reference() | Interpolated() as only]:
            return only
        case dict() | list():
            return Encoded(value)
    return value
