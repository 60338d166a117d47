"""What is set for single methods of a stage, on the local AWS: told by API Gateway's names, and heeded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway
from ministack.services.cloudformation import provisioners

from tests.support.mended import ministack
from tools.local.shims import method_settings
from tools.restore import gate

TOLD = {"*/*", "~1products~1{product_id}/GET"}


@contextmanager
def stage(*shims: ModuleType) -> Iterator[str]:
    """An API with a stage whose settings are as CloudFormation spells them."""
    with ministack(*shims):
        api_id = str(json.loads(gateway._create_rest_api({"name": "shop"})[2])["id"])
        limits = {"ThrottlingRateLimit": 7, "ThrottlingBurstLimit": 7}
        said = [{"ResourcePath": "/*", "HttpMethod": "*", **limits},
                {"ResourcePath": "/~1products~1{product_id}", "HttpMethod": "GET", **limits}]  # fmt: skip
        settings = provisioners._apigw_method_settings(said)
        gateway._create_stage(api_id, {"stageName": "dev", "methodSettings": settings})
        try:
            yield api_id
        finally:
            gateway._delete_rest_api(api_id)


def settings_of(api_id: str) -> dict[str, Any]:
    return dict(json.loads(gateway._get_stage(api_id, "dev")[2])["methodSettings"])


def throttle(api_id: str) -> float:
    kept = gateway._stages_v1[api_id]["dev"]
    return float(gateway._method_throttle_settings(kept, "/products/{product_id}", "GET")["throttlingRateLimit"])


def test_ministack_still_has_other_names_for_methods() -> None:
    with stage() as api_id:
        assert set(settings_of(api_id)) != TOLD


def test_settings_have_the_names_by_which_they_are_changed() -> None:
    with stage(method_settings) as api_id:
        changes = gate.throttled(settings_of(api_id), rate=0, burst=0)
        answered = json.loads(gateway._update_stage(api_id, "dev", {"patchOperations": changes})[2])

        assert set(settings_of(api_id)) == set(answered["methodSettings"]) == TOLD
        assert {each["throttlingRateLimit"] for each in settings_of(api_id).values()} == {0}


def test_a_method_is_throttled_by_its_own_settings_as_long_as_it_has_some() -> None:
    with stage(method_settings) as api_id:
        gateway._update_stage(api_id, "dev", {"patchOperations": gate.throttled([], rate=0, burst=0)})
        own = throttle(api_id)
        everything = {"*/*": {"throttlingRateLimit": 1}}
        replaced = {"op": "replace", "path": "/methodSettings", "value": everything}
        gateway._update_stage(api_id, "dev", {"patchOperations": [replaced]})

        assert (own, throttle(api_id)) == (7, 1)


@pytest.mark.parametrize("name", ["~1a~1{b}/GET", "/~1a~1{b}/GET", "a/{b}/GET", "/a/{b}/GET"])
def test_a_name_is_one_however_it_is_spelled(name: str) -> None:
    kept = method_settings.kept({name: 1})

    assert (kept, method_settings.told(kept)) == ({"/a/{b}/GET": 1}, {"~1a~1{b}/GET": 1})
