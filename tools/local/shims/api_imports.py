"""ministack makes an empty API of ImportRestApi and knows no PutRestApi, by which Chalice deploys all of one.

What a definition says is read as `api_definition` reads it for CloudFormation.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1 as gateway

from tools.local.shims import api_definition

BINARY_TYPES = "x-amazon-apigateway-binary-media-types"
Answer = tuple[int, dict[str, str], bytes]


def apply() -> None:
    """Make both calls take in their body."""
    handle = gateway.handle_request

    async def handle_imports(
        method: str, path: str, headers: Any, body: bytes, query: Mapping[str, str | list[str]]
    ) -> Answer:
        root, _, api_id = path.strip("/").partition("/")
        is_of_an_api = root == "restapis" and "/" not in api_id
        if is_of_an_api and method == "POST" and _said(query, "mode") == "import":
            return import_api(json.loads(body), _said(query, "endpointConfigurationTypes"))
        if is_of_an_api and method == "PUT":
            return put_api(api_id, json.loads(body), _said(query, "mode"))
        answer: Answer = await handle(method, path, headers, body, query)
        return answer

    gateway.handle_request = handle_imports


def import_api(definition: dict[str, Any], endpoint_type: str) -> Answer:
    """A new API of the definition, as ImportRestApi makes it."""
    api_id = gateway._import_rest_api(definition, {"endpointConfiguration": {"types": [endpoint_type or "EDGE"]}})  # noqa: SLF001
    return _described(api_id, definition, 201)


def put_api(api_id: str, definition: dict[str, Any], mode: str) -> Answer:
    """The API as the definition says it, as PutRestApi makes it; it never merges here, which the shop does not ask."""
    if api_id not in gateway._rest_apis:  # noqa: SLF001
        return _refused("NotFoundException", "Invalid API identifier specified", 404)
    if mode != "overwrite":
        return _refused("BadRequestException", "The local AWS puts an API with mode=overwrite only", 400)
    api_definition.overwrite(api_id, definition)
    return _described(api_id, definition, 200)


def _described(api_id: str, definition: Mapping[str, Any], status: int) -> Answer:
    """The API with what its definition says of the API itself."""
    api = gateway._rest_apis[api_id]  # noqa: SLF001
    api |= {"name": definition["info"]["title"], "binaryMediaTypes": definition.get(BINARY_TYPES, [])}
    answer: Answer = gateway._v1_response(gateway._rest_api_view(api), status)  # noqa: SLF001
    return answer


def _refused(code: str, message: str, status: int) -> Answer:
    answer: Answer = gateway._v1_error(code, message, status)  # noqa: SLF001
    return answer


def _said(query: Mapping[str, str | list[str]], name: str) -> str:
    value = query.get(name, "")
    return value if isinstance(value, str) else (value or [""])[0]
