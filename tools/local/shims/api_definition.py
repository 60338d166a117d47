"""ministack reads paths and authorizers of an API's definition and nothing else; API Gateway reads all of it.

Left out are gateway responses, methods for any verb, and what a mock integration answers: the shop's 404s, 405s and
preflights, and of their headers quotes at the end and the request's id. A changed definition makes another API there,
with another address; on AWS it changes the one that is.
"""

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

from ministack.core.responses import new_uuid
from ministack.services import apigateway_v1 as gateway
from ministack.services.cloudformation import provisioners

API = "AWS::ApiGateway::RestApi"
ANY_METHOD, ANY = "x-amazon-apigateway-any-method", "any"
RESPONSES = "x-amazon-apigateway-gateway-responses"
INTEGRATION = "x-amazon-apigateway-integration"
PLAIN = ("httpMethod", "uri", "credentials", "requestParameters", "requestTemplates", "timeoutInMillis",
         "cacheKeyParameters", "contentHandling")  # fmt: skip
PATH_VARIABLE = re.compile(r"\$(?:context\.path\b|\{context\.path\})")
STAGE_VARIABLE = re.compile(r"\$(?:context\.stage\b|\{context\.stage\})")
PARTS = ("_resources", "_authorizers_v1", "_gateway_responses", "_models", "_request_validators")
ID_VARIABLE = re.compile(r"\$(?:context\.requestId\b|\{context\.requestId\})")

HEADERS, MAPPED = "responseParameters", "method.response.header."
ID_EXPRESSION = "context.requestId"

_asked: ContextVar[str] = ContextVar("asked", default="")


def apply() -> None:
    """Make an import take in the whole definition, and what it says be answered."""
    _read_whole_definitions()
    _know_the_path()
    _answer_mocks()
    handlers = provisioners._RESOURCE_HANDLERS[API]  # noqa: SLF001
    replace = handlers["update"]

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        if not isinstance(new.get("Body"), dict):
            return replace(physical_id, old, new, *rest)
        if new["Body"] != old.get("Body"):
            overwrite(physical_id, new["Body"])
        return replace(physical_id, {**old, "Body": new["Body"]}, new, *rest)

    handlers["update"] = update


def overwrite(api_id: str, definition: Mapping[str, Any]) -> None:
    """Make the API what the definition says, as PutRestApi with mode=overwrite; its address and stages stay."""
    beside = gateway._import_rest_api(definition)  # noqa: SLF001
    for part in PARTS:
        kept = getattr(gateway, part)
        kept[api_id] = kept.get(beside, {})
    gateway._delete_rest_api(beside)  # noqa: SLF001


def _read_whole_definitions() -> None:
    import_api, import_path = gateway._import_rest_api, gateway._import_path_item  # noqa: SLF001
    import_operation = gateway._import_operation  # noqa: SLF001

    def whole_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> Any:
        api_id = import_api(spec, base_data)
        for kind, response in (spec.get(RESPONSES) or {}).items():
            gateway._put_gateway_response(api_id, kind, response)  # noqa: SLF001
        return api_id

    def whole_path(api_id: str, path: str, item: dict[str, Any], *rest: Any) -> None:
        import_path(api_id, path, {ANY if name == ANY_METHOD else name: each for name, each in item.items()}, *rest)

    def whole_operation(api_id: str, resource_id: str, method: str, operation: dict[str, Any], *rest: Any) -> None:
        import_operation(api_id, resource_id, method, operation, *rest)
        if integration := (operation or {}).get(INTEGRATION):
            _put_integration(api_id, resource_id, method, integration)

    gateway._OPENAPI_HTTP_METHODS.add(ANY)  # noqa: SLF001
    gateway._import_rest_api = whole_api  # noqa: SLF001
    gateway._import_path_item = whole_path  # noqa: SLF001
    gateway._import_operation = whole_operation  # noqa: SLF001


def _put_integration(api_id: str, resource_id: str, method: str, integration: Mapping[str, Any]) -> None:
    """What an integration is, and each of its responses, whose names in a definition are what selects them."""
    data = {name: integration[name] for name in PLAIN if integration.get(name) is not None}
    data["type"] = str(integration.get("type", "")).upper()
    data["passthroughBehavior"] = str(integration.get("passthroughBehavior", "WHEN_NO_MATCH")).upper()
    gateway._put_integration(api_id, resource_id, method, data)  # noqa: SLF001
    for pattern, response in (integration.get("responses") or {}).items():
        selected = {**response, "selectionPattern": "" if pattern == "default" else pattern}
        status = str(response.get("statusCode", "200"))
        gateway._put_integration_response(api_id, resource_id, method, status, selected)  # noqa: SLF001


def _know_the_path() -> None:
    """Note what was asked for, for templates that tell it."""
    handle, fail = gateway.handle_execute, gateway._gateway_error_response  # noqa: SLF001

    async def handle_noted(api_id: str, stage: str, method: str, path: str, *rest: Any) -> Any:
        _asked.set(f"/{stage}{quote(path)}")
        return await handle(api_id, stage, method, path, *rest)

    def fail_whole(error: Any, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = fail(error, request)
        return status, headers, PATH_VARIABLE.sub(_asked.get(), body.decode()).encode()

    gateway.handle_execute = handle_noted
    gateway._gateway_error_response = fail_whole  # noqa: SLF001


def _answer_mocks() -> None:
    """Fill in the templates and headers of mock integrations; without a template there is no body."""
    answer = gateway._invoke_mock_v1  # noqa: SLF001

    def answer_filled(integration: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = answer(integration)
        responses, request_id = (integration.get("integrationResponses") or {}).values(), new_uuid()
        headers |= _told(responses, headers, request_id)
        if not any(each.get("responseTemplates") for each in responses):
            return status, headers, b""
        here = PATH_VARIABLE.sub(_asked.get(), STAGE_VARIABLE.sub(_asked.get().split("/")[1], body.decode()))
        filled = ID_VARIABLE.sub(request_id, here)
        return status, {**headers, "x-amzn-requestid": request_id}, filled.encode()

    gateway._invoke_mock_v1 = answer_filled  # noqa: SLF001


def _told(responses: Iterable[Mapping[str, Any]], headers: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Which of the headers say something else: all that is between the outer quotes, or the request's id."""
    said = {dest.removeprefix(MAPPED): each for one in responses for dest, each in (one.get(HEADERS) or {}).items()}
    told = {name: request_id if each == ID_EXPRESSION else each[1:-1] for name, each in said.items()}
    return {name: each for name, each in told.items() if headers.get(name) == said[name].strip("'")}
