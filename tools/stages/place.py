"""Where the caller's credentials lead: account and region, compared with where a stage lives."""

from __future__ import annotations

import boto3

from tools.refusal import Refusal
from tools.stages.settings import Stage


def region() -> str:
    """The region that clients are made for. Raises `Refusal` when none is set."""
    found = boto3.session.Session().region_name
    if not found:
        raise Refusal("No region is set: put AWS_DEFAULT_REGION into the environment.")
    return str(found)


def account() -> str:
    """The account that the credentials are of."""
    return str(boto3.client("sts").get_caller_identity()["Account"])


def require(stage: Stage) -> None:
    """Refuse to work on a stage from credentials that lead elsewhere than its file says."""
    here = region()
    if stage.region not in ("", here):
        raise Refusal(f"stages/{stage.name}.toml says region {stage.region}, and AWS_DEFAULT_REGION {here}.")
    if stage.account and stage.account != (found := account()):
        raise Refusal(f"stages/{stage.name}.toml says account {stage.account}, and the credentials are of {found}.")
