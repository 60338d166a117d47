"""What UpdateRestApi changes of an API on the local AWS."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from ministack.services import apigateway_v1 as gateway

from tests.support.mended import ministack
from tools.local.shims import api_patches

ADD = {"op": "add", "path": "/binaryMediaTypes/image~1png"}
COMPRESS = {"op": "replace", "path": "/minimumCompressionSize", "value": "1024"}


def updated(*shims: ModuleType) -> dict[str, Any]:
    with ministack(*shims):
        made = json.loads(gateway._create_rest_api({"name": "shop", "binaryMediaTypes": ["a/b"]})[2])
        try:
            return dict(json.loads(gateway._update_rest_api(made["id"], {"patchOperations": [ADD, COMPRESS]})[2]))
        finally:
            gateway._delete_rest_api(made["id"])


def test_ministack_still_makes_no_list_of_the_types() -> None:
    found = updated()

    assert isinstance(found["binaryMediaTypes"], dict)
    assert found["minimumCompressionSize"] == "1024"


def test_types_are_a_list_and_the_size_is_a_number() -> None:
    found = updated(api_patches)

    assert found["binaryMediaTypes"] == ["a/b", "image/png"]
    assert found["minimumCompressionSize"] == 1024


@pytest.mark.parametrize(
    ("operation", "types"),
    [
        ({"op": "remove", "path": "/binaryMediaTypes/a~1b"}, []),
        ({"op": "replace", "path": "/binaryMediaTypes/a~1b", "value": "c/d"}, ["c/d"]),
        ({"op": "add", "path": "/binaryMediaTypes/a~1b"}, ["a/b"]),
        ({"op": "replace", "path": "/name", "value": "x"}, ["a/b"]),
    ],
)
def test_a_type_can_go_and_be_replaced(operation: dict[str, str], types: list[str]) -> None:
    assert api_patches.patched(["a/b"], [operation]) == types


def test_an_api_that_is_not_there_is_refused() -> None:
    with ministack(api_patches):
        assert gateway._update_rest_api("nothing", {"patchOperations": [ADD]})[0] == 404
