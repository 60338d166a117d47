"""All of a stage's app away again: what Chalice has made and what was added. The stage's resources stay."""

from contextlib import suppress

import boto3
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.utils import UI

from tools.package.chalice_form import found, settled
from tools.stages import Stage


def remove(factory: CLIFactory, config: Config, stage: Stage, secret: str) -> None:
    """Remove functions, API, rules, roles, triggers, rotation and logs. May be repeated, also after it broke off."""
    functions = found.function_names(config, stage.name)
    _stop_rotation(secret, functions)
    account = found.look(config, stage.name)
    for function in functions:
        if function in account.functions:
            settled.keep_one_trigger(function, uuid="")
    found.remember(config, stage.name)
    deployer = factory.create_deletion_deployer(session=factory.create_botocore_session(), ui=UI())
    deployer.deploy(config, chalice_stage_name=stage.name)
    settled.forget_begun_apis(config, stage.name)
    _forget_logs([*map(settled.log_group, functions), settled.access_log_group(stage)])
    found.memory(config, stage.name).unlink(missing_ok=True)


def _stop_rotation(secret: str, functions: list[str]) -> None:
    """Leave the secret as it is, and no longer to a function that goes."""
    secrets = boto3.client("secretsmanager")
    known = secrets.describe_secret(SecretId=secret)
    rotator = known.get("RotationLambdaARN", "").rpartition(":")[2]
    if known.get("RotationEnabled") and rotator in functions:
        secrets.cancel_rotate_secret(SecretId=secret)


def _forget_logs(groups: list[str]) -> None:
    logs = boto3.client("logs")
    for group in groups:
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=group)
