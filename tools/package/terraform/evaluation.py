"""What a template of CloudFormation says in one stage: its conditions are decided, its functions are expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.package.terraform.values import Reference, joined
from tools.refusal import Refusal

PSEUDO = {
    "AWS::AccountId": Reference("data.aws_caller_identity.current.account_id", "data.aws_caller_identity.current"),
    "AWS::Partition": Reference("data.aws_partition.current.partition", "data.aws_partition.current"),
    "AWS::Region": Reference("data.aws_region.current.name", "data.aws_region.current"),
    "AWS::URLSuffix": Reference("data.aws_partition.current.dns_suffix", "data.aws_partition.current"),
}
ZONES = Reference("data.aws_availability_zones.current.names", "data.aws_availability_zones.current")
SUBSTITUTED = re.compile(r"\$\{(!?)([^}]+)\}")
SECRET = re.compile(r"\{\{resolve:secretsmanager:\$\{(\w+)\}\}\}")
NOTHING = object()  # what AWS::NoValue is: the property, or the item, is not there

Attribute = Callable[[str, str | None], Any]


@dataclass(frozen=True)
class Evaluation:
    """A template's values.

    `parameters` are those that are known; `variable` gives the others. `attribute` gives what Ref, without a name, and
    GetAtt of a resource mean; `imported` what another stack exports.
    """

    template: dict[str, Any]
    parameters: dict[str, str]
    stack: str
    attribute: Attribute
    imported: Callable[[str], Any]
    variable: Callable[[str], Any]

    def value(self, given: Any) -> Any:
        """The value of anything in the template."""
        if isinstance(given, list):
            return [found for each in given if (found := self.value(each)) is not NOTHING]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((name, of),) = given.items()
            if name in ("Ref", "Condition") and isinstance(of, str):
                return self._ref(of) if name == "Ref" else self.holds(of)
            if name.startswith("Fn::"):
                return self._function(name, of)
        return {name: found for name, each in given.items() if (found := self.value(each)) is not NOTHING}

    def holds(self, condition: str) -> bool:
        """Is a condition of the template's true?"""
        return bool(self.value(self.template["Conditions"][condition]))

    def is_there(self, resource: dict[str, Any]) -> bool:
        """Is this resource, or output, part of the stage?"""
        return "Condition" not in resource or self.holds(resource["Condition"])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name == "AWS::StackName":
            return self.stack
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        if name in self.template.get("Parameters", {}):
            return self.variable(name)
        return self.attribute(name, None)

    def _function(self, name: str, of: Any) -> Any:
        known: dict[str, Callable[[Any], Any]] = {
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: self.value(pair[0]) == self.value(pair[1]),
            "Fn::Not": lambda one: not self.value(one[0]),
            "Fn::And": lambda all_: all(self.value(each) for each in all_),
            "Fn::Or": lambda any_: any(self.value(each) for each in any_),
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::GetAtt": self._get_att,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::GetAZs": lambda _: ZONES,
            "Fn::ImportValue": lambda export: self.imported(self._plain(export)),
        }
        if name not in known:
            raise Refusal(f"{name} has no translation to Terraform: tools/package/terraform/evaluation.py knows none.")
        return known[name](of)

    def _if(self, given: list[Any]) -> Any:
        condition, then, otherwise = given
        return self.value(then if self.holds(condition) else otherwise)

    def _select(self, given: list[Any]) -> Any:
        number, found = int(given[0]), self.value(given[1])
        return Reference(f"{found.text}[{number}]", found.resource) if isinstance(found, Reference) else found[number]

    def _split(self, given: list[Any]) -> Any:
        """The items of a text that is known later."""
        separator, found = given[0], self.value(given[1])
        if not isinstance(found, Reference):
            raise Refusal("Fn::Split of a text that is known when a stage is packaged has no translation to Terraform.")
        return Reference(f'split("{separator}", {found.text})', found.resource, is_list=True)

    def _get_att(self, given: Any) -> Any:
        resource, _, attribute = given.partition(".") if isinstance(given, str) else (given[0], "", given[1])
        return self.attribute(resource, attribute)

    def _join(self, given: list[Any]) -> Any:
        separator, items = given
        parts: list[Any] = []
        for item in self.value(items):
            parts += [separator, item] if parts else [item]
        return joined(parts)

    def _sub(self, given: Any) -> Any:
        text, own = (given, {}) if isinstance(given, str) else given
        if found := SECRET.fullmatch(text):
            return self._secret(found[1])
        parts: list[Any] = []
        end = 0
        for part in SUBSTITUTED.finditer(text):
            parts += [text[end : part.start()], self._substituted(part, own)]
            end = part.end()
        return joined([*parts, text[end:]])

    def _secret(self, name: str) -> Reference:
        """What a secret of the template holds, which CloudFormation asks for while it works."""
        kept: Reference = self.attribute(name, None)
        address = kept.resource.replace("aws_secretsmanager_secret.", "aws_secretsmanager_secret_version.")
        return Reference(f"{address}.secret_string", address)

    def _substituted(self, found: re.Match[str], own: dict[str, Any]) -> Any:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in own:
            return self.value(own[name])
        return self._get_att(name) if "." in name else self._ref(name)

    def _plain(self, given: Any) -> str:
        found = self.value(given)
        if not isinstance(found, str):
            raise Refusal(f"Terraform has to know the export's name when a stage is packaged, not {given}.")
        return found


def snake(name: str) -> str:
    """A name of CloudFormation's as Terraform spells it: `FunctionName` is `function_name`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", spaced).lower()
