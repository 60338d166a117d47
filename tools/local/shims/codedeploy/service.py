"""The calls of CodeDeploy's API that hooks, the shop's tools and Terraform make."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ministack import app as ministack
from ministack.core import router
from ministack.core.responses import get_account_id, get_region, request_scope

from tools.local.shims.codedeploy import groups
from tools.local.shims.codedeploy.deployment import DEPLOYMENTS, Deployment, DeploymentFailed
from tools.local.shims.codedeploy.groups import InvalidCall

Asked = dict[str, Any]


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


def _create_deployment(asked: Asked) -> Asked:
    it = groups.deployment(asked)
    DEPLOYMENTS[it.deployment_id] = it
    threading.Thread(target=_run, args=(it, get_account_id(), get_region()), daemon=True).start()
    return {"deploymentId": it.deployment_id}


def _run(it: Deployment, account: str, region: str) -> None:
    with request_scope(account, region), suppress(DeploymentFailed):  # its status tells of it
        it.run()


def _put_status(asked: Asked) -> Asked:
    execution_id = str(asked["lifecycleEventHookExecutionId"])
    _get(asked).report(execution_id, str(asked["status"]))
    return {"lifecycleEventHookExecutionId": execution_id}


_ACTIONS: dict[str, Callable[[Asked], Asked]] = {
    **groups.ACTIONS,
    "CreateDeployment": _create_deployment,
    "GetDeployment": _get_deployment,
    "ListDeploymentTargets": _list_targets,
    "GetDeploymentTarget": _get_deployment_target,
    "ListDeployments": _list_deployments,
    "StopDeployment": _stop_deployment,
    "PutLifecycleEventHookExecutionStatus": _put_status,
}
