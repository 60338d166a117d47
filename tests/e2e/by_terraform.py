"""The stage that `--form terraform` opens: SAM's package, translated, by Terraform with the real provider."""

from __future__ import annotations

import json
from pathlib import Path

import boto3

from tests.support.terraform import Terraform
from tools.local import deployed, resources
from tools.local.settings import LocalSettings
from tools.package import artifacts, finishing, viewer
from tools.package.terraform import packaging
from tools.stages import Stage


def deploy(settings: LocalSettings, stage: Stage, out: Path) -> str:
    """Both stacks in one root module; where its API answers."""
    bucket = f"{stage.stack}-{boto3.client('sts').get_caller_identity()['Account']}"
    _tell(out / artifacts.SAM, deployed.environment(settings, stage, bucket))
    terraform = Terraform(packaging.translate(stage.name, out, out))
    terraform.init()
    told = terraform.apply()
    viewer.put(stage)
    outputs = {"MailIdentityName": told["mail_identity_name"], "EventBusName": told["event_bus_name"]}
    resources.apply_what_the_emulator_leaves_out(outputs)
    resources.listen_to_the_bus(outputs, deployed.event_queue(stage))
    return deployed.api_url(settings, stage.name, {"RestAPIId": told["rest_api_id"]})


def functions_environment(stage: Stage) -> dict[str, str]:
    """The environment of the functions of a stage that is deployed."""
    function = boto3.client("lambda").get_function_configuration(FunctionName=f"{stage.stack}-{deployed.HANDLER}")
    return dict(function["Environment"]["Variables"])


def _tell(file: Path, environment: dict[str, str]) -> None:
    """Let the functions of a package know what they are told otherwise here."""
    template = json.loads(file.read_text())
    for properties in finishing.functions(template).values():
        properties.setdefault("Environment", {}).setdefault("Variables", {}).update(environment)
    finishing.publish_what_changed(template, "")
    file.write_text(json.dumps(template))
