"""Divides what a stage's two templates say into Terraform's modules, which hand each other what they need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tools.package.terraform.evaluation import Evaluation, snake
from tools.package.terraform.kind import Made, TemplateResource, Translation
from tools.package.terraform.kinds import KINDS
from tools.package.terraform.values import Interpolated, Reference, joined
from tools.refusal import Refusal

RESOURCES, APPLICATION, MONITORING = "resources", "application", "monitoring"
WATCHES = ("AWS::CloudWatch::", "AWS::Logs::QueryDefinition")
VERSION, ALIAS, ROLE = "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::IAM::Role"
HASHED = ("AWS::ApiGateway::Deployment", VERSION)  # SAM's logical ids of these end with a hash
MAX_NAME = 64
OF_ITSELF = re.compile(r"\$\{\{\}\.([^}]+)\}")


@dataclass
class Variable:
    """What a module is given: a description, and what the root module gives."""

    description: str
    given: Any


@dataclass
class Module:
    """A module: resources by the service that they are of, what it is given, what it tells.

    `released` are the addresses of what the stage may have had and has not now, and which is not destroyed for it.
    """

    name: str
    resources: dict[str, list[Made]] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    outputs: dict[str, tuple[Any, str]] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)

    def give(self, name: str, description: str, given: Any) -> Reference:
        """Let the root module give it something; how its resources refer to that."""
        self.variables[name] = Variable(description, given)
        return Reference(f"var.{name}")


@dataclass
class Stack:
    """A template as the modules that its resources go to."""

    template: dict[str, Any]
    name: str
    parameters: dict[str, str]
    is_protected: bool
    modules: dict[str, Module]
    exports: dict[str, str] = field(default_factory=dict)

    def translate(self) -> None:
        """Put every resource and output into its module. Raises `Refusal` for what has no translation."""
        for name, resource in self.template["Resources"].items():
            module = self._home(name)
            if not self._kind(name).terraform:
                continue
            if self._evaluation(module).is_there(resource):
                self._put(module, name, resource)
            elif outlives_its_stack(resource):
                module.released.append(self._address(name))
        main = next(iter(self.modules.values()))
        for name, output in self.template.get("Outputs", {}).items():
            evaluation = self._evaluation(main)
            if evaluation.is_there(output):
                main.outputs[snake(name)] = (evaluation.value(output["Value"]), output.get("Description", ""))

    def labels(self, kind: str) -> list[str]:
        """The labels of all resources of a type of CloudFormation's."""
        return [_label(name, kind) for name, each in self.template["Resources"].items() if each["Type"] == kind]

    def _put(self, module: Module, name: str, resource: dict[str, Any]) -> None:
        source = self._source(module, name, resource)
        made = self._kind(name).made(source)
        made[0].depends_on += self._dependencies(module, resource)
        for each in made:
            each.origin, each.comments = name, _left(resource)
        if self.is_protected and outlives_its_stack(resource):
            made[0].lifecycle["prevent_destroy"] = True
        service = resource["Type"].split("::")[1].lower()
        module.resources.setdefault(service, []).extend(made)

    def _source(self, module: Module, name: str, resource: dict[str, Any]) -> TemplateResource:
        kind, label = self._kind(name), _label(name, resource["Type"])
        return TemplateResource(
            name,
            resource["Type"],
            label,
            f"{kind.terraform}.{label}",
            self._evaluation(module).value(resource.get("Properties", {})),
            self.is_protected,
            f"{self.name}-{_short(name, resource['Type'])}"[:MAX_NAME],
            "CodeDeployLambdaAliasUpdate" in resource.get("UpdatePolicy", {}),
        )

    def _dependencies(self, module: Module, resource: dict[str, Any]) -> list[str]:
        """What the template says, and the policies of a role for whoever works by it."""
        said = resource.get("DependsOn", [])
        names = [said] if isinstance(said, str) else list(said)
        found = [self._address(name) for name in names if self._home(name) is module and self._kind(name).terraform]
        roles = [each["Fn::GetAtt"][0] for each in resource.get("Properties", {}).values() if self._is_role(each)]
        return found + [address for role in roles for address in self._policies(role)]

    def _is_role(self, value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("Fn::GetAtt"), list):
            return False
        return bool(self.template["Resources"][value["Fn::GetAtt"][0]]["Type"] == ROLE)

    def _policies(self, role: str) -> list[str]:
        resource = self.template["Resources"][role]
        return [each.address for each in KINDS[ROLE].made(self._source(self._home(role), role, resource))[1:]]

    def _evaluation(self, module: Module) -> Evaluation:
        def attribute(name: str, asked: str | None) -> Any:
            return self._attribute(module, name, asked)

        def imported(export: str) -> Any:
            return self._imported(module, export)

        def variable(name: str) -> Reference:
            described = self.template["Parameters"][name].get("Description", "")
            return module.give(snake(name), described, Reference(f"var.{snake(name)}"))

        return Evaluation(self.template, self.parameters, self.name, attribute, imported, variable)

    def _attribute(self, module: Module, name: str, asked: str | None) -> Any:
        kind, home, address = self._kind(name), self._home(name), self._address(name)
        attribute = kind.ref if asked is None else kind.attributes.get(asked, snake(asked))
        if home is module:
            return _of_itself(attribute, address)
        output = re.sub(r"\W+", "_", f"{address.removeprefix('aws_')}_{snake(asked) if asked else kind.ref}")
        home.outputs[output] = (_of_itself(attribute, address), f"For the module {module.name}.")
        return module.give(output, f"Comes from the module {home.name}.", Reference(f"module.{home.name}.{output}"))

    def _imported(self, module: Module, export: str) -> Any:
        if export not in self.exports:
            raise Refusal(f"{self.name} imports {export}, which infra/template.yaml does not export in this stage.")
        output = self.exports[export]
        return module.give(output, f"Comes from the module {RESOURCES}.", Reference(f"module.{RESOURCES}.{output}"))

    def _address(self, name: str) -> str:
        resource = self.template["Resources"][name]
        if resource["Type"] == VERSION:
            return self._address(resource["Properties"]["FunctionName"]["Ref"])
        return f"{self._kind(name).terraform}.{_label(name, resource['Type'])}"

    def _kind(self, name: str) -> Translation:
        kind = self.template["Resources"][name]["Type"]
        if kind not in KINDS:
            raise Refusal(f"{name} is a {kind}, of which tools/package/terraform/kinds.py knows no translation.")
        return KINDS[kind]

    def _home(self, name: str) -> Module:
        main = next(iter(self.modules))
        watches = self.template["Resources"][name]["Type"].startswith(WATCHES)
        return self.modules[MONITORING if watches and MONITORING in self.modules else main]


def outlives_its_stack(resource: dict[str, Any]) -> bool:
    """Would CloudFormation leave it behind?"""
    return str(resource.get("DeletionPolicy", "")).startswith("Retain")


def exports(stack: Stack) -> dict[str, str]:
    """The outputs of a stack by the names that others import them by."""
    evaluation = Evaluation(stack.template, stack.parameters, stack.name, _none, _none, _none)
    there = [(name, each) for name, each in stack.template["Outputs"].items() if evaluation.is_there(each)]
    return {evaluation.value(each["Export"]["Name"]): snake(name) for name, each in there if "Export" in each}


def _none(*_: object) -> Any:
    raise Refusal("The name of an export follows from the stage alone.")


def _short(name: str, kind: str) -> str:
    """A logical id without what SAM puts into it twice, and without its hashes and the stage's name."""
    if kind in HASHED:
        name = re.sub(r"[0-9a-f]{10}$", "", name)
    if kind == ALIAS:
        name = name.removesuffix("Aliaslive")
    if kind == "AWS::ApiGateway::Stage":
        name = re.sub(r"^(.*API)\w+(Stage)$", r"\1\2", name)
    return re.sub(r"^(.{4,})\1", r"\1", name)


def _label(name: str, kind: str) -> str:
    return snake(_short(name, kind))


def _left(resource: dict[str, Any]) -> list[str]:
    """What a linter is told to leave as it is, and why, in the words that it looks for."""
    left = resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    return [f"checkov:skip={each['id']}:{each['comment']}" for each in left]


def _of_itself(attribute: str, address: str) -> Any:
    """An attribute of a resource, or a text with some in it."""
    if "${" not in attribute:
        return Reference(f"{address}.{attribute}", address)
    parts: list[str | Reference] = []
    end = 0
    for found in OF_ITSELF.finditer(attribute):
        parts += [attribute[end : found.start()], Reference(f"{address}.{found[1]}", address)]
        end = found.end()
    whole: str | Reference | Interpolated = joined([*parts, attribute[end:]])
    return whole
