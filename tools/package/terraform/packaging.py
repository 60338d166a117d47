"""Writes the Terraform form of a stage: translated from the templates that CloudFormation takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tools import stages
from tools.package import artifacts, canary, foundation, sam, translated
from tools.package.terraform import closing, code, hcl, root, texts
from tools.package.terraform.evaluation import snake
from tools.package.terraform.hcl import Block
from tools.package.terraform.kind import Made, arguments
from tools.package.terraform.modules import ALIAS, APPLICATION, MONITORING, RESOURCES, Module, Stack, exports
from tools.package.terraform.values import InFile, Reference, references
from tools.stages import Stage, parameters

TEMPLATE = Path(__file__).resolve().parents[3] / "infra" / "template.yaml"
SAM = "sam.json"
FORM = "terraform"
MODULES = (RESOURCES, APPLICATION, MONITORING)
# All that a package may have beside its modules. What else lies in its folder is the operator's.
AT_ROOT = (
    *("README.md", "backend.tf.example", "main.tf", "outputs.tf", "providers.tf", "terraform.tfvars", "variables.tf"),
    *("versions.tf", artifacts.CODE, artifacts.LAYER, canary.ARCHIVE),
)


def package(name: str, out: Path, python: str | None = None) -> Path:
    """Write the root module of a stage, its modules and the code to `out`/terraform/STAGE; that folder.

    Raises `Refusal` for what has no translation, and as `sam.package` does.
    """
    with TemporaryDirectory() as scratch:
        sam.package(name, Path(scratch), python)
        return translate(name, Path(scratch), out)


def translate(name: str, packaged: Path, out: Path) -> Path:
    """Write the same of what SAM's package of the stage holds."""
    folder = out / FORM / name
    files = written(stages.read(name), json.loads((packaged / SAM).read_text(encoding="utf-8")))
    forget(folder)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for each in (*sam.archives(packaged), packaged / canary.ARCHIVE):
        shutil.copy(each, folder / each.name)
    return folder


def forget(folder: Path) -> None:
    """Take away what was packaged before, and nothing else: a state, a lock, a backend may lie there."""
    for name in MODULES:
        shutil.rmtree(folder / "modules" / name, ignore_errors=True)
    code.forget_bucket(folder)
    folder.mkdir(parents=True, exist_ok=True)


def packaged_files(folder: Path) -> list[Path]:
    """The files of the package that lies in a folder."""
    within = [each for name in MODULES for each in (folder / "modules" / name).rglob("*")]
    return sorted(each for each in [*(folder / name for name in AT_ROOT), *within] if each.is_file())


def written(stage: Stage, template: dict[str, Any]) -> dict[str, str]:
    """The text of every file by its path in the folder; `template` is the stage's for SAM."""
    modules, told = divided(stage, template)
    given = values(stage)
    files = {
        "versions.tf": hcl.document([root.versions()]),
        "providers.tf": hcl.document([root.providers(stage)]),
        "variables.tf": hcl.document(root.variables(modules, given)),
        "main.tf": hcl.document([*root.main(modules), *root.removed(modules)]),
        "outputs.tf": hcl.document(root.outputs(modules, told)),
        "terraform.tfvars": hcl.assignments(
            {name: value for name, value in sorted(given.items()) if value is not None}
        ),
        **texts.files(stage),
    }
    for module in modules.values():
        files |= {f"modules/{module.name}/{name}": text for name, text in _module(module).items()}
    return files


def origins(stage: Stage, template: dict[str, Any]) -> dict[str, str]:
    """The logical id of what each resource is translated from, by its address."""
    modules, _ = divided(stage, template)
    return {
        f"module.{module.name}.{made.address}": made.origin
        for module in modules.values()
        for resources in module.resources.values()
        for made in resources
    }


def values(stage: Stage) -> dict[str, Any]:
    """What the variables are in the stage."""
    asked = {snake(name): value for name, value in parameters.of_resources(stage).items()}
    own = {
        "table_name": stage.stack,
        "table_in_use": stage.table_name,
        "region": stage.region or None,
        closing.VARIABLE: "false",
        code.VARIABLE: None,
    }
    fixed = {snake(name) for name in _fixed(_resources())}
    return {name: value for name, value in (asked | own).items() if name not in fixed}


def divided(stage: Stage, template: dict[str, Any]) -> tuple[dict[str, Module], dict[str, set[str]]]:
    """The modules, and which outputs of each the stacks tell."""
    modules = {name: Module(name) for name in MODULES}
    resources = _stack_of_resources(stage, modules[RESOURCES])
    resources.translate()
    application = Stack(
        translated.translate(template, stage.name),
        stage.stack,
        {"Stage": stage.name},
        stage.is_protected,
        {APPLICATION: modules[APPLICATION], MONITORING: modules[MONITORING]},
        exports(resources),
    )
    application.translate()
    if foundation.KEY not in template["Resources"]:
        modules[APPLICATION].released.append(f"aws_kms_key.{snake(foundation.KEY)}")
    closing.add_to(modules[APPLICATION])
    code.add_to(modules[APPLICATION], stage.name)
    modules[APPLICATION].variables[root.STREAM].given = Reference(f"local.{root.STREAM}")
    modules[APPLICATION].outputs["versions"] = _versions(application)
    told = {RESOURCES: _told(resources), APPLICATION: {*_told(application), "versions"}}
    return modules, told


def _stack_of_resources(stage: Stage, module: Module) -> Stack:
    template = _resources()
    fixed = {name: each for name, each in parameters.of_resources(stage).items() if name in _fixed(template)}
    return Stack(template, stage.resources_stack, fixed, stage.is_protected, {RESOURCES: module})


def _resources() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return found


def _fixed(template: dict[str, Any]) -> set[str]:
    """The parameters that a condition hangs on: a package is for one stage, so they are decided."""
    return {"Stage", *(name for name in template["Parameters"] if f"'Ref': '{name}'" in str(template["Conditions"]))}


def _told(stack: Stack) -> set[str]:
    module = next(iter(stack.modules.values()))
    return {snake(name) for name in stack.template["Outputs"]} & set(module.outputs)


def _versions(stack: Stack) -> tuple[Any, str]:
    functions = [f"aws_lambda_function.{label}" for label in stack.labels(ALIAS)]
    newest = {Reference(f"{each}.function_name"): Reference(f"{each}.version") for each in functions}
    return newest, "The newest version of each function, which a release shifts the traffic to."


def _module(module: Module) -> dict[str, str]:
    """The files of a module."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for service, resources in sorted(module.resources.items()):
        blocks = []
        for each in resources:
            made = arguments(each)
            beside = [value for value in made.values() if isinstance(value, InFile)]
            found |= {value.name: value.text for value in beside}
            used |= {one.resource for one in references(made) if one.resource.startswith("data.")}
            blocks.append(_block(each, made))
        found[f"{service}.tf"] = hcl.document(blocks)
    told = [root.output(name, value, about) for name, (value, about) in sorted(module.outputs.items())]
    used |= {one.resource for value, _ in module.outputs.values() for one in references(value)}
    found["variables.tf"] = hcl.document(
        Block("variable", (name,), {"description": each.description, "type": Reference("string")})
        for name, each in sorted(module.variables.items())
    )
    found |= {"outputs.tf": hcl.document(told)} if told else {}
    found["versions.tf"] = hcl.document([root.versions()])
    sources = [Block("data", tuple(each.split(".")[1:])) for each in sorted(used) if each.endswith(".current")]
    return found | ({"data.tf": hcl.document(sources)} if sources else {})


def _block(resource: Made, made: dict[str, Any]) -> Block:
    """A resource's block: attributes, blocks, and what Terraform is told of its life."""
    return Block(
        "data" if resource.is_data else "resource",
        (resource.terraform, resource.label),
        {**_attributes(made), **({"depends_on": _plain(resource.depends_on)} if resource.depends_on else {})},
        [*_blocks(made), *([Block("lifecycle", (), resource.lifecycle)] if resource.lifecycle else [])],
        resource.comments,
    )


def _attributes(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if not _is_blocks(value)}


def _blocks(made: dict[str, Any]) -> list[Block]:
    """The blocks of a resource, or of a block."""
    return [
        Block(name, (), _attributes(each), _blocks(each))
        for name, value in made.items()
        if _is_blocks(value)
        for each in value
    ]


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value) and value != []


def _plain(addresses: list[str]) -> list[Reference]:
    return [Reference(each) for each in dict.fromkeys(addresses)]
