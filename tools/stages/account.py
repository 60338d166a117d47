"""`python -m tools.stages.account [TRUSTED] [--github OWNER/NAME] [--safety PARTS]`: what an account has once.

An administrator makes it: the role by which API Gateway writes access logs, unless the account has one already, and,
for the ARN of whoever may take it, the role of who deploys. For a repository on GitHub that role can be taken by its
environments named for the stages that live here, and another one, which only looks, by its pull requests; no key is
stored. What watches the account is made part by part, as named, and stays until it is said to go. Shows what would
change, and does it after a yes. Safe to repeat. Exit codes: 0 all is there, 2 it is not.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser

import boto3
from cfnlint.decode import cfn_yaml

from tools import stages
from tools.refusal import Refusal, is_confirmed
from tools.stages import changes, command, place, resources, safety

INFRA = resources.TEMPLATE.parent
STACK, DEPLOYER = "ecommerce-account", "shop-deployer"
TAGS = {"Project": "ecommerce"}
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
ISSUER, AUDIENCE = "token.actions.githubusercontent.com", "sts.amazonaws.com"


def bring_up(trusted: str = "", github: str = "", watched: str = "") -> None:
    """Bring all up; the roles of who deploys only for somebody who is trusted with them."""
    if github and not REPOSITORY.fullmatch(github):
        raise Refusal(f"GITHUB is owner/name, such as acme/shop, and not {github!r}.")
    place.region()
    parts = safety.parameters(watched, _given(safety.STACK)) if watched else {}
    has_role = bool(boto3.client("apigateway").get_account().get("cloudwatchRoleArn"))
    if has_role and changes.status(STACK) in changes.ABSENT:
        print("API Gateway has a role to write access logs with, which is not this project's.")
    else:
        _bring_up(STACK, "account.yaml", {})
    if github:
        _let_github_in()
    if trusted or github:
        _bring_up(DEPLOYER, "deployer.yaml", _trusted(trusted, github))
    if parts:
        _bring_up(safety.STACK, safety.FILE, parts)


def environments(github: str) -> list[str]:
    """How GitHub's tokens name the environments of the stages that live in this account and region.

    Raises `Refusal` when a protected stage shares its account with one that is not: who may deploy the one has all
    rights there (it makes roles of functions), whatever region it deploys to and whoever has to review the other.
    """
    region, account = place.region(), place.account()
    of_account = [stage for stage in map(stages.read, stages.names()) if stage.account in ("", account)]
    here = [stage.name for stage in of_account if stage.region in ("", region)]
    if not here:
        raise Refusal(f"No stage lives in {account} and {region}: say so in its file.")
    guarded = [stage.name for stage in of_account if stage.is_protected]
    open_ = [stage.name for stage in of_account if not stage.is_protected]
    if guarded and open_:
        raise Refusal(
            f"Who deploys {open_[0]} could change {guarded[0]} past its reviewers, for both live in {account}: give "
            f"each an account, and say it as `account` in stages/{open_[0]}.toml and stages/{guarded[0]}.toml."
        )
    return [f"repo:{github}:environment:{name}" for name in here]


def _trusted(trusted: str, github: str) -> dict[str, str]:
    """Who is trusted: those of now, and of the others whoever was before."""
    before = _given(DEPLOYER)
    given = {"TrustedArn": trusted} if trusted else {}
    if github:
        given |= {"GitHubRepository": github, "GitHubEnvironments": ",".join(environments(github))}
    return {**before, **given}


def _given(stack: str) -> dict[str, str]:
    """What the stack was told when it was last brought up."""
    found = changes.describe(stack) or {}
    return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}


def _let_github_in() -> None:
    """The account knows who signs the tokens of GitHub's runners: once in an account, for all who trust it."""
    iam, arn = boto3.client("iam"), f":oidc-provider/{ISSUER}"
    there = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    if known := next((each["Arn"] for each in there if each["Arn"].endswith(arn)), None):
        if AUDIENCE not in iam.get_open_id_connect_provider(OpenIDConnectProviderArn=known)["ClientIDList"]:
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=known, ClientID=AUDIENCE)
        return
    print(f"In the account: Add     OpenID Connect provider {ISSUER}")
    if not is_confirmed("Do it?"):
        raise Refusal("GitHub was not let in: say YES=1 to do it.")
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE], Tags=tags)


def _bring_up(stack: str, file: str, parameters: dict[str, str]) -> None:
    changes.settle(changes.propose(stack, _written_close(file), parameters, TAGS))


def _written_close(file: str) -> str:
    """A template without comments and indentation, for a call takes 51,200 bytes.

    A bucket takes more, but what lies in one may be from others, and this is done with all rights.
    """
    return json.dumps(cfn_yaml.load(str(INFRA / file)), separators=(",", ":"))


def main(arguments: list[str]) -> int:
    """Bring the account up; the exit code."""
    parser = ArgumentParser("python -m tools.stages.account")
    parser.add_argument("trusted", nargs="?", default="", help="the ARN of whoever may take the role of who deploys")
    parser.add_argument("--github", default="", help="the repository, owner/name, whose workflows may take it")
    parser.add_argument("--safety", default="", help=f"what watches the account: {', '.join(safety.PARTS)}, an address")
    given = parser.parse_args(arguments)
    return command.carry_out(lambda: bring_up(given.trusted, given.github, given.safety))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
