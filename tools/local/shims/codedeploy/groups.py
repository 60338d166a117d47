"""The applications of CodeDeploy, their deployment groups, and what a deployment of one is to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import lambda_svc

from tools.local.shims.codedeploy.deployment import DEPLOYMENTS, Deployment

Asked = dict[str, Any]
APPLICATIONS: dict[str, Asked] = {}
GROUPS: dict[str, Asked] = {}
TAGS: dict[str, dict[str, str]] = {}
RENAMED = {"newDeploymentGroupName": "deploymentGroupName"}


class InvalidCall(Exception):
    """What the API answers with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def spelled(value: Any) -> Any:
    """What a template says, in the spelling of the API."""
    if isinstance(value, Mapping):
        return {f"{key[0].lower()}{key[1:]}": spelled(each) for key, each in value.items()}
    return [spelled(each) for each in value] if isinstance(value, list) else value


def forget(name: str) -> None:
    """A group or an application goes, and with it what was deployed by it."""
    APPLICATIONS.pop(name, None)
    GROUPS.pop(name, None)
    for each in [each.deployment_id for each in DEPLOYMENTS.values() if name in (each.group, each.application)]:
        del DEPLOYMENTS[each]


def deployment(asked: Asked) -> Deployment:
    """What CreateDeployment asks for, by its AppSpec. Raises `InvalidCall` as the API does for one that cannot be."""
    group = _group(asked)
    said = json.loads(asked["revision"]["appSpecContent"]["content"])
    (resource,) = (each for named in said["Resources"] for each in named.values())
    wanted, hooks = resource["Properties"], {key: name for each in said.get("Hooks", ()) for key, name in each.items()}
    alias = lambda_svc._functions.get(wanted["Name"], {}).get("aliases", {}).get(wanted["Alias"], {})  # noqa: SLF001
    if alias.get("FunctionVersion") != wanted["CurrentVersion"]:
        raise InvalidCall("InvalidRevisionException", f"{wanted['Alias']} is not at {wanted['CurrentVersion']}.")
    alarms = group.get("alarmConfiguration") or {}
    return Deployment(
        application=asked["applicationName"],
        group=asked["deploymentGroupName"],
        function=wanted["Name"],
        alias=wanted["Alias"],
        old=wanted["CurrentVersion"],
        new=wanted["TargetVersion"],
        config=asked.get("deploymentConfigName") or group["deploymentConfigName"],
        alarms=tuple(each["name"] for each in alarms.get("alarms", ()) if alarms.get("enabled")),
        before=hooks.get("BeforeAllowTraffic"),
        after=hooks.get("AfterAllowTraffic"),
    )


def _create_application(asked: Asked) -> Asked:
    name = asked["applicationName"]
    if name in APPLICATIONS:
        raise InvalidCall("ApplicationAlreadyExistsException", f"There is an application {name}.")
    APPLICATIONS[name] = _with_id(asked, "applicationId")
    TAGS[_arn(f"application:{name}")] = _tags(asked)
    return {"applicationId": APPLICATIONS[name]["applicationId"]}


def _get_application(asked: Asked) -> Asked:
    name = asked["applicationName"]
    if name not in APPLICATIONS:
        raise InvalidCall("ApplicationDoesNotExistException", f"There is no application {name}.")
    return {"application": APPLICATIONS[name]}


def _delete_application(asked: Asked) -> Asked:
    forget(asked["applicationName"])
    return {}


def _create_group(asked: Asked) -> Asked:
    name = asked["deploymentGroupName"]
    _get_application(asked)
    if name in GROUPS:
        raise InvalidCall("DeploymentGroupAlreadyExistsException", f"There is a group {name}.")
    GROUPS[name] = _with_id({**asked, "computePlatform": "Lambda"}, "deploymentGroupId")
    TAGS[_arn(f"deploymentgroup:{asked['applicationName']}/{name}")] = _tags(asked)
    return {"deploymentGroupId": GROUPS[name]["deploymentGroupId"]}


def _group(asked: Asked) -> Asked:
    name = asked.get("currentDeploymentGroupName") or asked["deploymentGroupName"]
    if GROUPS.get(name, {}).get("applicationName") != asked["applicationName"]:
        raise InvalidCall("DeploymentGroupDoesNotExistException", f"There is no group {name}.")
    return GROUPS[name]


def _get_group(asked: Asked) -> Asked:
    return {"deploymentGroupInfo": _group(asked)}


def _update_group(asked: Asked) -> Asked:
    changed = {RENAMED.get(key, key): value for key, value in asked.items() if key != "currentDeploymentGroupName"}
    group = _group(asked) | changed
    del GROUPS[asked["currentDeploymentGroupName"]]
    GROUPS[group["deploymentGroupName"]] = group
    return {"hooksNotCleanedUp": []}


def _delete_group(asked: Asked) -> Asked:
    forget(asked["deploymentGroupName"])
    return {"hooksNotCleanedUp": []}


def _list_groups(asked: Asked) -> Asked:
    application = asked["applicationName"]
    named = [name for name, group in GROUPS.items() if group["applicationName"] == application]
    return {"applicationName": application, "deploymentGroups": named}


def _list_tags(asked: Asked) -> Asked:
    return {"Tags": [{"Key": key, "Value": value} for key, value in TAGS.get(asked["ResourceArn"], {}).items()]}


def _tag(asked: Asked) -> Asked:
    TAGS.setdefault(asked["ResourceArn"], {}).update({each["Key"]: each["Value"] for each in asked["Tags"]})
    return {}


def _untag(asked: Asked) -> Asked:
    for key in asked["TagKeys"]:
        TAGS.get(asked["ResourceArn"], {}).pop(key, None)
    return {}


def _with_id(asked: Asked, name: str) -> Asked:
    return {key: value for key, value in asked.items() if key != "tags"} | {name: new_uuid()}


def _tags(asked: Asked) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in asked.get("tags") or ()}


def _arn(name: str) -> str:
    return f"arn:aws:codedeploy:{get_region()}:{get_account_id()}:{name}"


ACTIONS: dict[str, Callable[[Asked], Asked]] = {
    "CreateApplication": _create_application,
    "GetApplication": _get_application,
    "DeleteApplication": _delete_application,
    "CreateDeploymentGroup": _create_group,
    "GetDeploymentGroup": _get_group,
    "UpdateDeploymentGroup": _update_group,
    "DeleteDeploymentGroup": _delete_group,
    "ListDeploymentGroups": _list_groups,
    "ListTagsForResource": _list_tags,
    "TagResource": _tag,
    "UntagResource": _untag,
}
