"""The calls of CodeDeploy's API that hooks and the shop's tools make."""

import json
from collections.abc import Callable
from typing import Any

from ministack import app as ministack
from ministack.core import router

from tools.local.shims.codedeploy.deployment import Deployment

Asked = dict[str, Any]
DEPLOYMENTS: dict[str, Deployment] = {}
GROUPS: dict[str, dict[str, Any]] = {}


class InvalidCall(Exception):
    """What the API answers with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def apply() -> None:
    """Serve them."""
    router.SERVICE_PATTERNS["codedeploy"] = {
        "target_prefixes": ["CodeDeploy_20141006"],
        "host_patterns": [r"codedeploy\."],
        "credential_scope": "codedeploy",
    }
    ministack.SERVICE_HANDLERS["codedeploy"] = handle


async def handle(
    method: str,  # noqa: ARG001 - the signature of ministack's handlers
    path: str,  # noqa: ARG001 - as above
    headers: dict[str, str],
    body: bytes,
    query_params: Any,  # noqa: ARG001 - as above
) -> tuple[int, dict[str, str], bytes]:
    """Answer one call."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    status, answer = _answer(action, json.loads(body or b"{}"))
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


def _answer(action: str, asked: Asked) -> tuple[int, Asked]:
    if action not in _ACTIONS:
        return 400, {"__type": "UnknownOperationException", "message": f"{action} is not known here."}
    try:
        return 200, _ACTIONS[action](asked)
    except InvalidCall as refused:
        return 400, {"__type": refused.code, "message": str(refused)}


def _get(asked: Asked) -> Deployment:
    if asked.get("deploymentId") not in DEPLOYMENTS:
        raise InvalidCall("DeploymentDoesNotExistException", f"There is no deployment {asked.get('deploymentId')}.")
    return DEPLOYMENTS[asked["deploymentId"]]


def _get_deployment(asked: Asked) -> Asked:
    it = _get(asked)
    shown = {
        "deploymentId": it.deployment_id,
        "applicationName": it.application,
        "deploymentGroupName": it.group,
        "deploymentConfigName": it.config,
        "status": it.status,
        "createTime": it.created,
        "computePlatform": "Lambda",
        "rollbackInfo": {},
    }
    if it.error:
        shown["errorInformation"] = it.error
    if it.completed:
        shown["completeTime"] = it.completed
    return {"deploymentInfo": shown}


def _list_deployments(asked: Asked) -> Asked:
    wanted = asked.get("includeOnlyStatuses") or []
    return {
        "deployments": [
            it.deployment_id
            for it in DEPLOYMENTS.values()
            if asked.get("applicationName", it.application) == it.application
            and asked.get("deploymentGroupName", it.group) == it.group
            and (not wanted or it.status in wanted)
        ]
    }


def _stop_deployment(asked: Asked) -> Asked:
    it = _get(asked)
    if it.completed:
        raise InvalidCall("DeploymentAlreadyCompletedException", f"{it.deployment_id} is over.")
    it.stopped.set()
    return {"status": "Pending", "statusMessage": "The deployment is being stopped."}


def _get_deployment_target(asked: Asked) -> Asked:
    it = _get(asked)
    target = {
        "functionName": it.function,
        "functionAlias": it.alias,
        "currentVersion": it.old,
        "targetVersion": it.new,
        "targetVersionWeight": it.share,
    }
    return {
        "deploymentTarget": {
            "deploymentTargetType": "LambdaTarget",
            "lambdaTarget": {"status": it.status, "lambdaFunctionInfo": target},
        }
    }


def _list_targets(asked: Asked) -> Asked:
    it = _get(asked)
    return {"targetIds": [f"{it.function}:{it.alias}"]}


def _list_groups(asked: Asked) -> Asked:
    application = asked["applicationName"]
    named = [name for name, group in GROUPS.items() if group["ApplicationName"] == application]
    return {"applicationName": application, "deploymentGroups": named}


def _put_status(asked: Asked) -> Asked:
    execution_id = str(asked["lifecycleEventHookExecutionId"])
    _get(asked).report(execution_id, str(asked["status"]))
    return {"lifecycleEventHookExecutionId": execution_id}


_ACTIONS: dict[str, Callable[[Asked], Asked]] = {
    "GetDeployment": _get_deployment,
    "ListDeploymentGroups": _list_groups,
    "ListDeploymentTargets": _list_targets,
    "GetDeploymentTarget": _get_deployment_target,
    "ListDeployments": _list_deployments,
    "StopDeployment": _stop_deployment,
    "PutLifecycleEventHookExecutionStatus": _put_status,
}
