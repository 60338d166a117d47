"""An API made and changed by its definition alone, as Chalice does it, on the local AWS."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ministack.services import apigateway_v1 as gateway

from tests.support.mended import ministack
from tools.local.shims import api_definition, api_imports


def definition(*paths: str, title: str = "shop") -> dict[str, Any]:
    method = {"x-amazon-apigateway-integration": {"type": "mock", "requestTemplates": {}}}
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": "1"},
        "paths": {path: {"get": method} for path in paths},
    }


def asked(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
    """The status and the JSON that a call of the control plane is answered."""
    status, _, content = asyncio.run(gateway.handle_request(method, path, {}, json.dumps(body).encode(), query))
    return status, json.loads(content)


def paths_of(api: str) -> set[str]:
    return {each["path"] for each in gateway._resources[api].values() if each["resourceMethods"]}


def test_ministack_still_imports_nothing_and_knows_no_put() -> None:
    with ministack():
        _, api = asked("POST", "/restapis", {"mode": "import"}, definition("/things"))
        put, _ = asked("PUT", f"/restapis/{api['id']}", {"mode": "overwrite"}, definition("/things"))

        assert paths_of(api["id"]) == set()
        assert put >= 400


def test_an_api_is_imported_with_its_name_its_kind_and_its_paths() -> None:
    asked_for = {"mode": "import", "endpointConfigurationTypes": "REGIONAL"}
    with ministack(api_definition, api_imports):
        status, api = asked("POST", "/restapis", asked_for, definition("/things"))

        assert (status, api["name"], api["endpointConfiguration"]) == (201, "shop", {"types": ["REGIONAL"]})
        assert paths_of(api["id"]) == {"/things"}


def test_a_put_replaces_what_there_was_and_keeps_the_address() -> None:
    with ministack(api_definition, api_imports):
        _, made = asked("POST", "/restapis", {"mode": "import"}, definition("/things"))
        before = set(gateway._rest_apis)
        status, put = asked("PUT", f"/restapis/{made['id']}", {"mode": "overwrite"}, definition("/others", title="new"))

        assert (status, put["id"], put["name"]) == (200, made["id"], "new")
        assert paths_of(made["id"]) == {"/others"}
        assert set(gateway._rest_apis) == before


def test_what_cannot_be_put_is_refused() -> None:
    with ministack(api_definition, api_imports):
        _, made = asked("POST", "/restapis", {"mode": "import"}, definition("/things"))

        assert asked("PUT", "/restapis/nothing", {"mode": "overwrite"}, definition())[0] == 404
        assert asked("PUT", f"/restapis/{made['id']}", {"mode": "merge"}, definition())[0] == 400
