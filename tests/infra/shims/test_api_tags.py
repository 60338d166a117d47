"""The tags of an API and of its stage on the local AWS."""

from __future__ import annotations

import json
from types import ModuleType

import pytest
from ministack.services import apigateway_v1 as gateway

from tests.support.mended import ministack
from tools.local.shims import api_tags

MADE = {"Project": "ecommerce", "Stage": "one"}
NOW = {"Project": "ecommerce", "Stage": "two"}


def after_a_change(path: str, *shims: ModuleType) -> tuple[dict[str, str], dict[str, str]]:
    """The tags that the API, or its stage, tells after one was changed, and after that one was taken away."""
    with ministack(*shims):
        api_id = json.loads(gateway._create_rest_api({"name": "shop", "tags": MADE})[2])["id"]
        gateway._stages_v1[api_id] = {"dev": {"stageName": "dev", "tags": dict(MADE)}}
        told = gateway._rest_apis[api_id] if not path else gateway._stages_v1[api_id]["dev"]
        arn = f"arn:aws:apigateway:us-east-1::/restapis/{api_id}{path}"
        try:
            gateway._tag_v1_resource(arn, {"tags": {"Stage": "two"}})
            changed = dict(told["tags"])
            gateway._untag_v1_resource(arn, ["Stage"])
            return changed, dict(told["tags"])
        finally:
            gateway._delete_rest_api(api_id)


def test_ministack_still_tells_the_first_tags() -> None:
    assert after_a_change("") == (MADE, MADE)


@pytest.mark.parametrize("path", ["", "/stages/dev"])
def test_the_present_tags_are_told(path: str) -> None:
    assert after_a_change(path, api_tags) == (NOW, {"Project": "ecommerce"})


def test_a_key_tells_its_present_tags() -> None:
    with ministack(api_tags):
        key = json.loads(gateway._create_api_key({"name": "acme", "tags": MADE})[2])["id"]
        gateway._tag_v1_resource(f"arn:aws:apigateway:us-east-1::/apikeys/{key}", {"tags": {"Stage": "two"}})
        told = json.loads(gateway._get_api_key(key)[2])["tags"]
        gateway._delete_api_key(key)

        assert told == NOW


def test_what_has_no_tags_of_its_own_is_asked_as_ever() -> None:
    with ministack(api_tags):
        assert gateway._tag_v1_resource("arn:aws:apigateway:us-east-1::/apikeys/nothing", {"tags": {}})[0] >= 400
