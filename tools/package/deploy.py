"""`python -m tools.package.deploy STAGE`: `chalice deploy`, told of what only the account knows; `--delete` undoes it.

The checked-in config names everything but what contains an account id or comes from the table. That is looked up in the
account and put beside the stage's environment for this one run. What Chalice cannot say is added by `chalice_form`, in
the words of the SAM template. A run that broke off is repeated: it takes up what is there. SAM does all this in one
step, with versions behind an alias besides, and is the recommended way to production.
"""

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from chalice.cli.factory import CLIFactory
from chalice.deploy.deployer import ChaliceDeploymentError
from chalice.utils import UI

from tools import stages
from tools.package import runtime, viewer
from tools.package.chalice_form import additions, found, removal, settled
from tools.package.pinned import pin
from tools.package.sam import LEFT_OUT, MERGE, PROJECT, forget
from tools.refusal import Refusal, complain
from tools.stages import Stage, generated, parameters
from tools.stages.edge import Edge

EXPORTS = {
    "BUCKET_NAME": "BucketName",
    "IMAGE_BASE_URL": "ImageBaseUrl",
    "ALERT_TOPIC_ARN": "AlertTopicArn",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
}
NEEDED = {*EXPORTS.values(), "DeadLetterQueueArn", "JwtSecretArn"}


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


def deploy(stage: Stage, python: str) -> None:
    """Bring the stage up to this code, for that Python, with all that its SAM template says.

    Whatever broke off before is taken up.
    """
    refuse_what_only_sam_makes(stage)
    generated.require_current()
    exported = known(stage)
    viewer.put(stage)
    factory = factory_of(stage, exported)
    config, ui = factory.create_config_obj(chalice_stage_name=stage.name), Teller()
    sys.dont_write_bytecode = True  # Chalice would package it
    os.environ |= runtime.pip_settings(python)
    pin(python)
    forget()
    found.remember(config, stage.name)
    session = factory.create_botocore_session()
    queue = exported["DeadLetterQueueArn"]
    additions.register(session, stage, trigger_settings(queue), queue)
    deployer = factory.create_default_deployer(session=session, config=config, ui=ui)
    deployed = deployer.deploy(config, chalice_stage_name=stage.name)
    settled.settle(config, stage, secret=exported["JwtSecretArn"], rules=rotation_rules(), queue=queue)
    factory.create_deployment_reporter(ui=ui).display_report(deployed)


def refuse_what_only_sam_makes(stage: Stage) -> None:
    """Raise `Refusal` for options that Chalice's way cannot keep."""
    if found := only_by_sam(stage):
        raise Refusal(
            f"Nothing was deployed: {found[0]} is for stages that SAM deploys (make release); take it out of "
            f"stages/{stage.name}.toml, or deploy by SAM."
        )


def only_by_sam(stage: Stage) -> list[str]:
    """The options of the stage that are of the API, or of the functions in their stack."""
    asked, nothing = stage.foundation, Edge()
    options = {
        "own_keys": asked.own_keys,
        "layer": asked.layer,  # Chalice makes one, which nobody would find again when its notes are lost
        "provisioned_concurrency": asked.provisioned_concurrency,
        "private_network.functions": asked.private_network and asked.private_network.functions,
    }
    of_edge = [each for each in nothing.__struct_fields__ if getattr(stage.edge, each) != getattr(nothing, each)]
    of_foundation = [name for name, value in options.items() if value]
    return [*(f"edge.{each}" for each in of_edge), *(f"foundation.{each}" for each in of_foundation)]


def delete(stage: Stage) -> None:
    """Take the stage's app away; its resources stay, so that it can be deployed again with all its data."""
    exported = known(stage)
    factory = factory_of(stage, exported)
    removal.remove(factory, factory.create_config_obj(chalice_stage_name=stage.name), stage, exported["JwtSecretArn"])


def known(stage: Stage) -> dict[str, str]:
    """What the account knows of the stage. Raises `Refusal` when it is not ready for `chalice deploy`."""
    region = boto3.session.Session().region_name
    if not region:
        raise Refusal("Nothing was done: set AWS_DEFAULT_REGION to the region of the stage.")
    if stage.region not in ("", region):
        raise Refusal(f"Nothing was done: the stage {stage.name} lives in {stage.region}, and this is {region}.")
    exported = of_stage(stage.name, exports())
    if is_there(stage.stack):
        raise Refusal(
            f"Nothing was done: the stage {stage.name} is deployed by SAM, as the stack {stage.stack}; choose one way."
        )
    return {**exported, "TableStreamArn": parameters.table_stream_arn(stage)}


def is_there(stack: str) -> bool:
    """Is there such a stack?"""
    try:
        boto3.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return False
    return True


def factory_of(stage: Stage, exported: dict[str, str]) -> DeployFactory:
    """Chalice's factory for the stage, whose environment has what the account knows."""
    os.environ["TABLE_STREAM_ARN"] = exported["TableStreamArn"]  # the app asks for it while Chalice loads it
    return DeployFactory(stage.name, {variable: exported[name] for variable, name in EXPORTS.items()})


def exports() -> dict[str, str]:
    """Everything that the stacks of this account and region export."""
    pages = boto3.client("cloudformation").get_paginator("list_exports").paginate()
    return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}


def of_stage(stage: str, exported: dict[str, str]) -> dict[str, str]:
    """What the stack of a stage's resources exports, without the prefix. Raises `Refusal` if it is not there."""
    prefix = f"ecommerce-{stage}-"
    of_it = {name.removeprefix(prefix): value for name, value in exported.items() if name.startswith(prefix)}
    missing = NEEDED - set(of_it)
    if missing:
        raise Refusal(f"No stack exports {prefix}{min(missing)}: run `make resources STAGE={stage}` first.")
    return of_it


def trigger_settings(queue_arn: str) -> dict[str, Any]:
    """The trigger's settings in infra/merge-sam.json, as the Lambda service takes them."""
    (event,) = _merged("HandleTableStream")["Events"].values()
    given = ("FunctionResponseTypes", "BisectBatchOnFunctionError", "MaximumRetryAttempts", "FilterCriteria")
    settings = {name: event["Properties"][name] for name in given}
    return {**settings, "DestinationConfig": {"OnFailure": {"Destination": queue_arn}}}


def rotation_rules() -> dict[str, Any]:
    """When the signing key is rotated, as infra/merge-sam.json says it."""
    return dict(_merged("JwtSecretRotation")["RotationRules"])


def _merged(resource: str) -> dict[str, Any]:
    merge: dict[str, Any] = json.loads(MERGE.read_text())
    return dict(merge["Resources"][resource]["Properties"])


def main(arguments: list[str]) -> int:
    """Deploy or delete; the exit code."""
    parser = ArgumentParser("python -m tools.package.deploy", description="Deploy a stage by Chalice.")
    parser.add_argument("stage")
    parser.add_argument("--delete", action="store_true", help="take the app away; the stage's resources stay")
    parser.add_argument("--python", help="such as 3.13; what the stage says if left out")
    given = parser.parse_args(arguments)
    try:
        stage = stages.read(given.stage)
        delete(stage) if given.delete else deploy(stage, given.python or stage.python)
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    except (ChaliceDeploymentError, ClientError, BotoCoreError) as error:
        said = " ".join(str(error).split())
        return complain(f"It broke off: {said} Do the same again when that is mended; it goes on from there.", code=1)
    except KeyboardInterrupt:
        return complain("It was interrupted. Do the same again; it goes on from there.", code=130)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
