"""ministack takes a rotation for done when it is asked for, and knows no schedules; AWS calls the function, in steps.

The shop's signing key is rotated by a function of its own, which nothing here would ever call otherwise.
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response, new_uuid, request_scope
from ministack.services import lambda_svc
from ministack.services import secretsmanager as secrets
from ministack.services.cloudformation import provisioners

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def apply() -> None:
    """Make a rotation call its function, and stacks able to schedule one."""
    rotate_by_itself, describe = secrets._rotate_secret, secrets._describe_secret  # noqa: SLF001

    def rotate(data: dict[str, Any]) -> Any:
        _, secret = secrets._resolve(data.get("SecretId"))  # noqa: SLF001
        function = data.get("RotationLambdaARN") or (secret or {}).get("RotationLambdaARN")
        if not secret or secret.get("DeletedDate") or not function:
            return rotate_by_itself(data)
        return begin(secret, function, data)

    def describe_rotated(data: dict[str, Any]) -> Any:
        _, secret = secrets._resolve(data.get("SecretId"))  # noqa: SLF001
        status, headers, body = describe(data)
        if secret and (rotated := secret.get("LastRotatedDate")):
            return json_response({**json.loads(body), "LastRotatedDate": rotated})
        return status, headers, body

    secrets._rotate_secret = rotate  # noqa: SLF001
    secrets._describe_secret = describe_rotated  # noqa: SLF001
    provisioners._RESOURCE_HANDLERS[SCHEDULE] = {"create": create, "update": update, "delete": delete}  # noqa: SLF001


def begin(secret: dict[str, Any], function: str, data: Mapping[str, Any]) -> Any:
    """Note the rotation and its rules, and let the function do the steps meanwhile unless they can wait."""
    version = data.get("ClientRequestToken") or new_uuid()
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules") or {}
    secret["RotationEnabled"] = True
    if data.get("RotateImmediately", True):
        given = (get_account_id(), get_region(), secret, function, version)
        threading.Thread(target=_run_steps, args=given, name="rotation", daemon=True).start()
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version})


def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """What a stack does for a rotation schedule; its Ref is the secret."""
    immediately = str(properties.get("RotateImmediatelyOnUpdate", "true")).lower() == "true"
    asked = {"SecretId": properties["SecretId"], "RotateImmediately": immediately}
    given = {name: properties[name] for name in ("RotationLambdaARN", "RotationRules") if name in properties}
    status, _, body = secrets._rotate_secret(asked | given)  # noqa: SLF001
    if status >= 400:  # noqa: PLR2004 - where refusals begin
        message = f"{SCHEDULE} failed: {body!r}"
        raise ValueError(message)
    return properties["SecretId"], {}


def update(
    _physical_id: str, _old: dict[str, Any], properties: dict[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    """Schedule it anew, as a stack does for changed properties."""
    return create("", properties, stack)


def delete(physical_id: str, _properties: dict[str, Any]) -> None:
    """Rotate no more; the secret stays."""
    _, secret = secrets._resolve(physical_id)  # noqa: SLF001
    if secret:
        secret["RotationEnabled"] = False


def _run_steps(account: str, region: str, secret: dict[str, Any], function: str, version: str) -> None:
    """Call the function for each step; the first that fails ends the rotation, as it does on AWS for the time being."""
    with request_scope(account, region):
        record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(  # noqa: SLF001
            function, account_id=account, region=region
        )
        if record is None or config is None:
            return
        called = lambda_svc._execution_record_for_config(record, config)  # noqa: SLF001
        for step in STEPS:
            event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
            if lambda_svc._execute_function_with_config_scope(called, event).get("error"):  # noqa: SLF001
                return
        secret["LastRotatedDate"] = int(time.time())
