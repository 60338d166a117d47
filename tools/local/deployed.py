"""A packaged stage on the local AWS: the stack of its resources, and the SAM stack with real Lambda processes."""

import json
from pathlib import Path

import boto3

from tools.local import stacks
from tools.local.resources import TEMPLATE
from tools.local.settings import LocalSettings
from tools.stages import Stage, parameters

ARTIFACTS = "ecommerce-artifacts"


def deploy_resources(stage: Stage) -> dict[str, str]:
    """The stack of what must never be lost; its outputs."""
    boto3.client("ses").verify_email_identity(EmailAddress=stage.mail_identity)
    return stacks.deploy(stage.resources_stack, TEMPLATE.read_text(), parameters.of_resources(stage))


def deploy_package(stage: Stage, out: Path) -> dict[str, str]:
    """The stack of what `make package` wrote into `out`; its outputs."""
    template = json.loads((out / "sam.json").read_text())
    code = upload(out / "deployment.zip")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code
    return stacks.deploy(stage.stack, json.dumps(template), parameters.of_app(stage))


def upload(file: Path) -> str:
    """Put a file into the bucket of artifacts; its place."""
    store = boto3.client("s3")
    store.create_bucket(Bucket=ARTIFACTS)
    store.upload_file(str(file), ARTIFACTS, file.name)
    return f"s3://{ARTIFACTS}/{file.name}"


def api_url(settings: LocalSettings, stage: str, outputs: dict[str, str]) -> str:
    """Where the deployed API answers, on the local AWS' port."""
    return f"{settings.cloud_url}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"
