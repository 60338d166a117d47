"""A secret that is rotated no more, on the local AWS."""

from __future__ import annotations

import asyncio
import json
import uuid
from types import ModuleType

from ministack.services import secretsmanager

from tests.support.mended import ministack
from tools.local.shims import rotation_ends


def cancelled(*shims: ModuleType) -> tuple[int, bool]:
    """The status of a cancellation, and whether the secret is rotated after it."""
    with ministack(*shims):
        secretsmanager._create_secret({"Name": (name := str(uuid.uuid4())), "SecretString": "first"})
        secretsmanager._rotate_secret({"SecretId": name, "RotationRules": {"AutomaticallyAfterDays": 30}})
        headers, body = {"x-amz-target": rotation_ends.CALL}, json.dumps({"SecretId": name}).encode()
        status, *_ = asyncio.run(secretsmanager.handle_request("POST", "/", headers, body, {}))
        return status, json.loads(secretsmanager._describe_secret({"SecretId": name})[2])["RotationEnabled"]


def test_ministack_still_knows_no_end_of_a_rotation() -> None:
    assert cancelled() == (400, True)


def test_a_rotation_ends_when_it_is_cancelled() -> None:
    assert cancelled(rotation_ends) == (200, False)


def test_there_is_nothing_to_cancel_of_what_is_not_there() -> None:
    assert rotation_ends.cancel({"SecretId": "nothing"})[0] == 400
