"""ministack does not know CancelRotateSecret, by which a stage that is taken away leaves its signing key alone."""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import json_response
from ministack.services import secretsmanager as secrets

CALL = "secretsmanager.CancelRotateSecret"


def apply() -> None:
    """Make the local AWS end a secret's rotation when it is asked to."""
    handle = secrets.handle_request

    async def handle_ends(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target") != CALL:
            return await handle(method, path, headers, body, query)
        return cancel(json.loads(body))

    secrets.handle_request = handle_ends


def cancel(asked: Mapping[str, str]) -> Any:
    """Rotate the secret no more; its versions stay as they are."""
    _, secret = secrets._resolve(asked["SecretId"])  # noqa: SLF001
    if not secret:
        missing = "Secrets Manager can't find the specified secret."
        return secrets.error_response_json("ResourceNotFoundException", missing, 400)
    secret["RotationEnabled"] = False
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})
