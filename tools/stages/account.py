"""`python -m tools.stages.account [TRUSTED]`: what an account has once in a region, made by an administrator.

The role by which API Gateway writes access logs, unless the account has one already, and, for the ARN of whoever may
take it, the role of who deploys. Shows what would change, and does it after a yes. Safe to repeat. Exit codes: 0 all is
there, 2 it is not.
"""

from __future__ import annotations

import sys

import boto3

from tools.refusal import complain
from tools.stages import changes, command, place, resources

INFRA = resources.TEMPLATE.parent
STACK, DEPLOYER = "ecommerce-account", "shop-deployer"
TAGS = {"Project": "ecommerce"}


def bring_up(trusted: str = "") -> None:
    """Bring both up; the role of who deploys only for somebody who is trusted with it."""
    place.region()
    has_role = bool(boto3.client("apigateway").get_account().get("cloudwatchRoleArn"))
    if has_role and changes.status(STACK) in changes.ABSENT:
        print("API Gateway has a role to write access logs with, which is not this project's.")
    else:
        _bring_up(STACK, "account.yaml", {})
    if trusted:
        _bring_up(DEPLOYER, "deployer.yaml", {"TrustedArn": trusted})


def _bring_up(stack: str, file: str, parameters: dict[str, str]) -> None:
    template = (INFRA / file).read_text(encoding="utf-8")
    changes.settle(changes.propose(stack, template, parameters, TAGS))


def main(arguments: list[str]) -> int:
    """Bring the account up; the exit code."""
    if len(arguments) > 1:
        return complain("usage: python -m tools.stages.account [TRUSTED]")
    return command.carry_out(lambda: bring_up(*arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
