"""`python -m tools.package.deploy STAGE`: `chalice deploy`, told of what only the account knows.

The checked-in config names everything but what contains an account id. That is read from the exports of the stack
of infra/template.yaml, the stream from the stage's table, and put beside the stage's environment for this one run.
What `chalice deploy` cannot say of the stream's trigger is said afterwards; the words are those of
infra/merge-sam.json. SAM does all this in one step and is the recommended way to production.
"""

import json
import os
import sys
from typing import Any

import boto3
from chalice.cli.factory import CLIFactory
from chalice.utils import UI

from tools import stages
from tools.package import runtime
from tools.package.pinned import pin
from tools.package.sam import LEFT_OUT, MERGE, PROJECT, forget
from tools.refusal import Refusal
from tools.stages import generated, parameters

EXPORTS = {
    "BUCKET_NAME": "BucketName",
    "IMAGE_BASE_URL": "ImageBaseUrl",
    "ALERT_TOPIC_ARN": "AlertTopicArn",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
}
TRIGGER = "handle_table_stream-dynamodb-event-source"


class DeployFactory(CLIFactory):
    """Chalice's factory, with more in the environment of one stage than the config on disk says."""

    def __init__(self, stage: str, environment: dict[str, str]) -> None:
        """Work on this project."""
        super().__init__(str(PROJECT), environ=os.environ)
        self._stage = stage
        self._environment = environment

    def load_project_config(self) -> dict[str, Any]:
        """The config on disk and what was found."""
        config: dict[str, Any] = super().load_project_config()
        config["stages"][self._stage]["environment_variables"] |= self._environment
        return config


class Teller(UI):
    """Chalice's voice, which takes a dependency left out for the failure that it is."""

    def write(self, msg: str) -> None:
        """Say it, or stop before anything is deployed."""
        if LEFT_OUT in msg:
            raise Refusal(f"Nothing was deployed. {msg}")
        super().write(msg)


def deploy(stage: str) -> None:
    """Bring the stage up to this code, then make its trigger report, halve, retry and give up as it should."""
    settings = stages.read(stage)
    generated.require_current()
    exported = of_stage(stage, exports())
    found = {variable: exported[name] for variable, name in EXPORTS.items()}
    factory = DeployFactory(stage, found | {"TABLE_STREAM_ARN": parameters.table_stream_arn(settings)})
    config, ui = factory.create_config_obj(chalice_stage_name=stage), Teller()
    sys.dont_write_bytecode = True  # Chalice would package it
    os.environ |= runtime.pip_settings(settings.python)
    pin(settings.python)
    forget()
    deployer = factory.create_default_deployer(session=factory.create_botocore_session(), config=config, ui=ui)
    deployed = deployer.deploy(config, chalice_stage_name=stage)
    trigger = config.deployed_resources(stage).resource_values(TRIGGER)
    boto3.client("lambda").update_event_source_mapping(
        UUID=trigger["event_uuid"], **trigger_settings(exported["DeadLetterQueueArn"])
    )
    factory.create_deployment_reporter(ui=ui).display_report(deployed)


def exports() -> dict[str, str]:
    """Everything that the stacks of this account and region export."""
    pages = boto3.client("cloudformation").get_paginator("list_exports").paginate()
    return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}


def of_stage(stage: str, exported: dict[str, str]) -> dict[str, str]:
    """What the stack of a stage's resources exports, without the prefix. Raises `Refusal` if it is not there."""
    prefix = f"ecommerce-{stage}-"
    found = {name.removeprefix(prefix): value for name, value in exported.items() if name.startswith(prefix)}
    missing = {*EXPORTS.values(), "DeadLetterQueueArn"} - set(found)
    if missing:
        raise Refusal(f"No stack exports {prefix}{min(missing)}: run `make resources STAGE={stage}` first.")
    return found


def trigger_settings(queue_arn: str) -> dict[str, Any]:
    """The trigger's settings in infra/merge-sam.json, as the Lambda service takes them."""
    merge: dict[str, Any] = json.loads(MERGE.read_text())
    (event,) = merge["Resources"]["HandleTableStream"]["Properties"]["Events"].values()
    given = ("FunctionResponseTypes", "BisectBatchOnFunctionError", "MaximumRetryAttempts", "FilterCriteria")
    settings = {name: event["Properties"][name] for name in given}
    return {**settings, "DestinationConfig": {"OnFailure": {"Destination": queue_arn}}}


def main(arguments: list[str]) -> int:
    """Deploy; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tools.package.deploy STAGE\n")
        return 2
    try:
        deploy(arguments[0])
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
