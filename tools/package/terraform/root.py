"""The root module: the modules with what each is given, the provider, the variables with a stage's values, outputs."""

from __future__ import annotations

from typing import Any

from tools.package.terraform.hcl import Block
from tools.package.terraform.modules import APPLICATION, MONITORING, RESOURCES, Module
from tools.package.terraform.values import Reference
from tools.stages import Stage

TERRAFORM = ">= 1.7"  # the first that lets go of a resource by a block
PROVIDER = "~> 5.0"
STREAM = "table_stream_arn"
# Variables of the root module that no template has.
OWN = {
    "region": "The region to deploy to; where the credentials lead if it is null.",
    "table_in_use": "The table that the functions use. After a restore it is another one than table_name.",
}


def versions() -> Block:
    """Which Terraform and which provider it takes."""
    provider = {"source": "hashicorp/aws", "version": PROVIDER}
    return Block("terraform", (), {"required_version": TERRAFORM}, [Block("required_providers", (), {"aws": provider})])


def providers(stage: Stage) -> Block:
    """The provider: a stage's account, when its file says one, and the tags of all that it has."""
    account = {"allowed_account_ids": [stage.account]} if stage.account else {}
    tags = Block("default_tags", (), {"tags": stage.tags})
    return Block("provider", ("aws",), {"region": Reference("var.region"), **account}, [tags])


def variables(modules: dict[str, Module], given: dict[str, Any]) -> list[Block]:
    """What can be said at all: the parameters of the templates that no condition hangs on."""
    described = {
        name: variable.description
        for module in modules.values()
        for name, variable in module.variables.items()
        if variable.given == Reference(f"var.{name}")
    }
    return [_variable(name, about, given) for name, about in sorted((described | OWN).items())]


def _variable(name: str, description: str, given: dict[str, Any]) -> Block:
    default = {"default": None} if given[name] is None else {}
    return Block("variable", (name,), {"description": description, "type": Reference("string"), **default})


def main(modules: dict[str, Module]) -> list[Block]:
    """The stream of the table in use, and the modules."""
    own = "var.table_in_use == var.table_name"
    stream = f"{own} ? module.{RESOURCES}.{STREAM} : data.aws_dynamodb_table.in_use[0].stream_arn"
    calls = [_call(modules[name]) for name in (RESOURCES, APPLICATION, MONITORING)]
    return [
        Block("locals", (), {STREAM: Reference(stream)}),
        Block(
            "data",
            ("aws_dynamodb_table", "in_use"),
            {"count": Reference(f"{own} ? 0 : 1"), "name": Reference("var.table_in_use")},
        ),
        *calls,
    ]


def _call(module: Module) -> Block:
    given = {name: variable.given for name, variable in sorted(module.variables.items())}
    return Block("module", (module.name,), {"source": f"./modules/{module.name}", **given})


def removed(modules: dict[str, Module]) -> list[Block]:
    """What stays in AWS when the stage gives it up: the state forgets it, as a stack leaves it behind."""
    return [
        Block(
            "removed",
            (),
            {"from": Reference(f"module.{module.name}.{address}")},
            [Block("lifecycle", (), {"destroy": False})],
        )
        for module in modules.values()
        for address in module.released
    ]


def outputs(modules: dict[str, Module], told: dict[str, set[str]]) -> list[Block]:
    """What both stacks tell; where both tell the same, the application's."""
    found = {
        name: (modules[place].outputs[name], Reference(f"module.{place}.{name}"))
        for place in (RESOURCES, APPLICATION)
        for name in told[place]
    }
    return [output(name, value, about) for name, ((_, about), value) in sorted(found.items())]


def output(name: str, value: Any, description: str) -> Block:
    """An output."""
    said = {"description": description} if description else {}
    return Block("output", (name,), {**said, "value": value})
