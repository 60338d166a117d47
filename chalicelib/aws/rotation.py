"""Rotating the signing key in the four steps that Secrets Manager asks for, so that nobody is logged out.

The new version is signed with only after every process has had time to read it, and the version before stays valid
for checking, so tokens on either side of the rotation are good everywhere.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from chalicelib.aws import clients, keyring
from chalicelib.core import clock, ids, log
from chalicelib.core.errors import Misconfigured

_PENDING = "AWSPENDING"
_CURRENT = "AWSCURRENT"


def run(step: str, secret_id: str, version: str) -> None:
    """One step of the rotation of `secret_id` to `version`; each may be repeated.

    Raises `Misconfigured` for a step that does not exist or a version that is not being rotated to.
    """
    labels = clients.secretsmanager().describe_secret(SecretId=secret_id)["VersionIdsToStages"]
    if step != "createSecret" and version not in labels:
        message = f"Version {version} of {secret_id} is not being rotated to."
        raise Misconfigured(message)
    if _CURRENT in labels.get(version, []):
        return
    match step:
        case "createSecret":
            _create(secret_id, version)
        case "setSecret":
            return  # nothing but this secret knows the key
        case "testSecret":
            keyring.parse(_value(secret_id, version))
        case "finishSecret":
            _finish(secret_id, version, next((name for name in labels if _CURRENT in labels[name]), None))
        case _:
            message = f"{step!r} is not a step of a rotation."
            raise Misconfigured(message)
    log.info("KEY_ROTATION_STEP", step=step)


def _create(secret_id: str, version: str) -> None:
    try:
        _value(secret_id, version)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            raise
    else:
        return
    clients.secretsmanager().put_secret_value(
        SecretId=secret_id,
        ClientRequestToken=version,
        SecretString=keyring.new_version(clock.epoch() + 2 * keyring.CACHE_SECONDS, kid=ids.new("key")),
        VersionStages=[_PENDING],
    )


def _finish(secret_id: str, version: str, before: str | None) -> None:
    move = {"RemoveFromVersionId": before} if before else {}
    clients.secretsmanager().update_secret_version_stage(
        SecretId=secret_id, VersionStage=_CURRENT, MoveToVersionId=version, **move
    )


def _value(secret_id: str, version: str) -> str:
    answer = clients.secretsmanager().get_secret_value(SecretId=secret_id, VersionId=version, VersionStage=_PENDING)
    return answer["SecretString"]
