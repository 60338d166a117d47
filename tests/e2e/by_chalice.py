"""The stage that `--form chalice` opens: from a copy of the project, by `python -m tools.package.deploy`.

`python -m tests.e2e.by_chalice STAGE`, in the copy, is that tool, with two differences: it asks more often whether a
function is ready, which takes half a second here, and it does not rotate the signing key at once: a second rotation
within a week, as a test makes it, logs everybody out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tests.infra.packaging import copied, run
from tests.support import hasty
from tools.local import deployed, resources
from tools.local.settings import LocalSettings
from tools.package import runtime
from tools.stages import Stage


def package(_stage: str, out: Path) -> Path:
    """A copy of the project, which Chalice packages by itself."""
    if not out.exists():
        out.mkdir(parents=True)
        copied(out)
    return out


def deploy(settings: LocalSettings, stage: Stage, project: Path) -> str:
    """The stack of the resources, and the app by Chalice; where its API answers."""
    outputs = deployed.deploy_resources(stage)
    resources.listen_to_the_bus(outputs, deployed.event_queue(stage))
    run(project, "-m", "tests.e2e.by_chalice", stage.name)
    for function in boto3.client("lambda").list_functions()["Functions"]:
        _tell(function, deployed.environment(settings, stage, outputs["BucketName"]))
    apis = boto3.client("apigateway").get_rest_apis()["items"]
    (api,) = (each["id"] for each in apis if each["name"] == stage.stack)
    return deployed.api_url(settings, stage.name, {"RestAPIId": api})


def functions_environment(stage: Stage) -> dict[str, str]:
    """The environment of the functions of a stage that is deployed."""
    function = boto3.client("lambda").get_function_configuration(FunctionName=stage.stack)
    return dict(function["Environment"]["Variables"])


def _tell(function: dict[str, Any], environment: Mapping[str, str]) -> None:
    variables = function["Environment"]["Variables"] | environment
    service = boto3.client("lambda")
    service.update_function_configuration(FunctionName=function["FunctionName"], Environment={"Variables": variables})


def _later(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**params, "RotateImmediately": False}


def main(stage: str) -> None:
    """Deploy."""
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("provide-client-params.secrets-manager.RotateSecret", _later)
    hasty.main("tools.package.deploy", stage, "--python", runtime.own())


if __name__ == "__main__":
    main(sys.argv[1])
