"""ministack knows nothing of the saved queries of CloudWatch Logs; the shop has some.

Stacks make them here, and the calls by which Terraform does. Nobody runs them.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs as logs
from ministack.services.cloudformation import provisioners

KIND = "AWS::Logs::QueryDefinition"
KEPT = ("name", "queryString", "logGroupNames", "queryLanguage")
QUERIES: dict[str, dict[str, Any]] = {}


def apply() -> None:
    """Make stacks able to save a query, and the service to keep, tell and forget it."""
    handlers = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS[KIND] = handlers  # noqa: SLF001
    handle = logs.handle_request

    async def handle_saved(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        answer = CALLS.get(headers.get("x-amz-target", "").rpartition(".")[2])
        return answer(json.loads(body)) if answer else await handle(method, path, headers, body, query)

    logs.handle_request = handle_saved


def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """Save a query; its Ref is an id. Raises `ValueError` for one without a name or a text, as CloudFormation does."""
    for required in ("Name", "QueryString"):
        if not properties.get(required):
            message = f"{KIND} needs {required}."
            raise ValueError(message)
    identity = new_uuid()
    return identity, _keep(identity, properties)


def update(
    physical_id: str, _old: dict[str, Any], properties: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    """Save it anew under its id."""
    return physical_id, _keep(physical_id, properties)


def delete(physical_id: str, _properties: dict[str, Any]) -> None:
    """Forget it."""
    QUERIES.pop(physical_id, None)


def put(asked: Mapping[str, Any]) -> Any:
    """Save a query, or the one of an id anew."""
    identity = asked.get("queryDefinitionId") or new_uuid()
    QUERIES[identity] = {name: asked[name] for name in KEPT if name in asked} | {"queryDefinitionId": identity}
    return json_response({"queryDefinitionId": identity})


def describe(asked: Mapping[str, Any]) -> Any:
    """All of them whose name begins so, on one page."""
    prefix = asked.get("queryDefinitionNamePrefix", "")
    return json_response({"queryDefinitions": [each for each in QUERIES.values() if each["name"].startswith(prefix)]})


def forget(asked: Mapping[str, Any]) -> Any:
    """Delete one, if it is there."""
    if QUERIES.pop(asked["queryDefinitionId"], None) is None:
        return error_response_json("ResourceNotFoundException", "There is no such query.", 400)
    return json_response({"success": True})


def _keep(identity: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a template says of a query, in the spelling of the calls; what GetAtt gives of it."""
    put({f"{name[0].lower()}{name[1:]}": each for name, each in properties.items()} | {"queryDefinitionId": identity})
    return {"QueryDefinitionId": identity}


CALLS = {"PutQueryDefinition": put, "DescribeQueryDefinitions": describe, "DeleteQueryDefinition": forget}
