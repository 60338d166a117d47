"""`python -m tools.stages.api_keys STAGE NAME --plan PLAN | --delete`: make an API key in a plan, or delete it.

A new key is shown this once. Safe to repeat: one that is there is put into the plan that is asked for, and not shown
again. Exit codes: 0 it is done, 2 it is not.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from typing import Any

import boto3

from tools import stages
from tools.package.edge.plans import PLANS
from tools.refusal import Refusal
from tools.stages import command, place
from tools.stages.settings import Stage

SHOWN = "Shown"  # a key's tag, `no` from its making until it is in a plan
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def make(stage: Stage, plan: str, name: str) -> str | None:
    """Let that name have a key in the plan and in no other one; the key's value if it is new.

    A key whose tag says that it was not shown is what a run has left that broke off, so another one is made. Any other
    is somebody's, and stays even where it is in no plan, as while it is moved.
    """
    place.require(stage)
    wanted, others = _plans(stage, plan)
    found = _key(stage, name)
    if found and _was_never_shown(found):
        boto3.client("apigateway").delete_api_key(apiKey=found["id"])
        found = None
    made = found or _new(stage, name)
    if not _is_in(made, [wanted]):
        _leave(made, others)
        boto3.client("apigateway").create_usage_plan_key(usagePlanId=wanted, keyId=made["id"], keyType="API_KEY")
    if found:
        return None
    _note_shown(made)
    return str(made["value"])


def keep(stage: Stage, plan: str, name: str) -> str:
    """The value of that name's key, which is made if there is none: for tools, which show it to nobody."""
    made = make(stage, plan, name)
    if made is None and (found := _key(stage, name)):
        return str(boto3.client("apigateway").get_api_key(apiKey=found["id"], includeValue=True)["value"])
    return made or ""


def delete(stage: Stage, name: str) -> bool:
    """Delete the key of that name, so that it lets nobody in any more; was there one?"""
    place.require(stage)
    found = _key(stage, name)
    if found:
        boto3.client("apigateway").delete_api_key(apiKey=found["id"])
    return found is not None


def _new(stage: Stage, name: str) -> dict[str, Any]:
    tags = {**stage.tags, SHOWN: "no"}
    return dict(boto3.client("apigateway").create_api_key(name=_named(stage, name), enabled=True, tags=tags))


def _was_never_shown(key: dict[str, Any]) -> bool:
    known = boto3.client("apigateway").get_api_key(apiKey=key["id"])
    return bool(known.get("tags", {}).get(SHOWN) == "no")


def _note_shown(key: dict[str, Any]) -> None:
    """Note it before the value is shown: a key that is lost can be made anew, one that is used cannot."""
    client = boto3.client("apigateway")
    arn = f"arn:{client.meta.partition}:apigateway:{client.meta.region_name}::/apikeys/{key['id']}"
    client.tag_resource(resourceArn=arn, tags={SHOWN: "yes"})


def _named(stage: Stage, name: str) -> str:
    if not NAME.fullmatch(name):
        raise Refusal("NAME is 1 to 100 letters, digits, and . _ -, such as acme.")
    return f"{stage.stack}-{name}"


def _key(stage: Stage, name: str) -> dict[str, Any] | None:
    """The key of that name, without its value; what AWS finds only begins with it."""
    wanted = _named(stage, name)
    pages = boto3.client("apigateway").get_paginator("get_api_keys").paginate(nameQuery=wanted)
    return next((dict(each) for page in pages for each in page["items"] if each["name"] == wanted), None)


def _plans(stage: Stage, plan: str) -> tuple[str, list[str]]:
    """The id of the stage's plan, and those of its others. Raises `Refusal` for a plan that there is not."""
    pages = boto3.client("apigateway").get_paginator("get_usage_plans").paginate()
    there = {each["name"]: str(each["id"]) for page in pages for each in page["items"]}
    wanted = {each.name: there.get(each.of(stage)) for each in PLANS}
    if plan not in wanted:
        raise Refusal(f"PLAN is one of {', '.join(wanted)}.")
    if not (found := wanted.pop(plan)):
        raise Refusal(
            f"{stage.name} has no plan: say usage_plans = true under [edge] in stages/{stage.name}.toml, and release."
        )
    return found, [each for each in wanted.values() if each]


def _is_in(key: dict[str, Any], plans: list[str]) -> bool:
    return any(key["id"] == each["id"] for plan in plans for each in _keys_of(plan))


def _leave(key: dict[str, Any], plans: list[str]) -> None:
    for plan in plans:
        if _is_in(key, [plan]):
            boto3.client("apigateway").delete_usage_plan_key(usagePlanId=plan, keyId=key["id"])


def _keys_of(plan: str) -> list[dict[str, Any]]:
    pages = boto3.client("apigateway").get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan)
    return [each for page in pages for each in page["items"]]


def _carry_out(stage: Stage, plan: str, name: str, *, is_end: bool) -> None:
    if is_end:
        print(f"{name} has no key any more." if delete(stage, name) else f"{name} had no key.")
        return
    if not plan:  # a key that is there is moved to it, so nothing is taken for it
        raise Refusal(f"PLAN is one of {', '.join(each.name for each in PLANS)}; or DELETE=1, to delete the key.")
    value = make(stage, plan, name)
    if value is None:
        print(f"{name} has a key in the plan {plan} already; it was shown when it was made.")
    else:
        print(f"{name} has a key in the plan {plan}, shown only now: {value}")


def main(arguments: list[str]) -> int:
    """Make or delete a key; the exit code."""
    parser = ArgumentParser("python -m tools.stages.api_keys", description="Make or delete an API key.")
    parser.add_argument("stage")
    parser.add_argument("name", help="whose it is")
    parser.add_argument("--plan", default="", help=f"one of {', '.join(each.name for each in PLANS)}")
    parser.add_argument("--delete", action="store_true", help="delete the key")
    given = parser.parse_args(arguments)
    return command.carry_out(lambda: _carry_out(stages.read(given.stage), given.plan, given.name, is_end=given.delete))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
