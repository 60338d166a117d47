"""A secret's rotation on the local AWS."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

from tests.support.mended import ministack
from tools.local.shims import rotations

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate:live"


@pytest.fixture
def secret() -> Iterator[str]:
    name = str(uuid.uuid4())
    with ministack():
        status, _, body = secretsmanager._create_secret({"Name": name, "SecretString": "first"})
        assert status == 200
        yield str(json.loads(body)["ARN"])
        secretsmanager._secrets.clear()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the rotation's function has been called with."""
    called: list[dict[str, Any]] = []

    def execute(_function: Any, event: dict[str, Any]) -> dict[str, Any]:
        called.append(event)
        return {"error": event["Step"] == "testSecret" and "bad" in event["ClientRequestToken"]}

    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref_in_scope", lambda *_, **__: ({}, {}, "rotate"))
    monkeypatch.setattr(lambda_svc, "_execute_function_with_config_scope", execute)
    return called


def rotate(secret: str, version: str) -> dict[str, Any]:
    """Ask for a rotation and wait for its end; the secret's description."""
    asked = {"SecretId": secret, "RotationLambdaARN": FUNCTION, "ClientRequestToken": version}
    assert secretsmanager._rotate_secret(asked)[0] == 200
    return described(secret)


def described(secret: str) -> dict[str, Any]:
    for thread in threading.enumerate():
        if thread.name == "rotation":
            thread.join(60)
    return dict(json.loads(secretsmanager._describe_secret({"SecretId": secret})[2]))


def test_ministack_still_rotates_without_a_function_and_knows_no_schedule(
    secret: str, calls: list[dict[str, Any]]
) -> None:
    found = rotate(secret, "second")

    assert calls == []
    assert found["VersionIdsToStages"]["second"] == ["AWSCURRENT"]
    assert rotations.SCHEDULE not in provisioners._RESOURCE_HANDLERS


def test_a_rotation_calls_its_function_for_each_step_and_tells_when_it_was(
    secret: str, calls: list[dict[str, Any]]
) -> None:
    with ministack(rotations):
        found = rotate(secret, "second")

    assert [call["Step"] for call in calls] == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert {(call["SecretId"], call["ClientRequestToken"]) for call in calls} == {(secret, "second")}
    assert found["LastRotatedDate"]
    assert (found["RotationEnabled"], found["RotationLambdaARN"]) == (True, FUNCTION)


def test_a_step_that_fails_ends_the_rotation(secret: str, calls: list[dict[str, Any]]) -> None:
    with ministack(rotations):
        found = rotate(secret, "bad")

    assert [call["Step"] for call in calls] == ["createSecret", "setSecret", "testSecret"]
    assert "LastRotatedDate" not in found


@pytest.mark.parametrize(("at_once", "steps"), [({}, 4), ({"RotateImmediatelyOnUpdate": "false"}, 0)])
def test_a_stack_schedules_a_rotation_and_takes_the_schedule_away(
    secret: str, calls: list[dict[str, Any]], at_once: dict[str, str], steps: int
) -> None:
    properties = {"SecretId": secret, "RotationLambdaARN": FUNCTION, "RotationRules": {"AutomaticallyAfterDays": 30}}
    with ministack(rotations):
        handlers = provisioners._RESOURCE_HANDLERS[rotations.SCHEDULE]
        physical_id, _ = handlers["create"]("Rotation", {**properties, **at_once}, "stack")
        made = described(secret)
        handlers["delete"](physical_id, properties)
        left = described(secret)

    assert (physical_id, len(calls)) == (secret, steps)
    assert (made["RotationEnabled"], made["RotationRules"]) == (True, {"AutomaticallyAfterDays": 30})
    assert left["RotationEnabled"] is False
