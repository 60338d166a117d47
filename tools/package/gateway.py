"""API Gateway's own answers, as problem documents like the app's.

They never pass the app: an unknown address, a method that an address does not take, a refused token, throttling.
Their templates know no logic, only `$context` variables, so each kind of answer has one status and one sentence.
"""

from typing import Any, NamedTuple

from chalicelib.api import permissions, problems, spelling
from chalicelib.core import schema


class GatewayAnswer(NamedTuple):
    """What one kind of refusal tells the caller, and headers that go with it."""

    status: int
    code: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


_INVALID = GatewayAnswer(400, "validation_failed", "The request does not have the shape that this address asks for.")
_FORBIDDEN = GatewayAnswer(403, "forbidden", "This is not allowed.")
_NOT_FOUND = GatewayAnswer(404, "not_found", "There is nothing at this address.")
WRONG_METHOD = GatewayAnswer(405, "method_not_allowed", "This address does not take that method; see the Allow header.")
_BUSY = (("Retry-After", "1"),)
_BROKEN = GatewayAnswer(500, "internal_error", "Something went wrong on our side. The requestId finds it in our logs.")
_LATE = GatewayAnswer(
    504, "gateway_timeout", "The shop did not answer in time; send the same Idempotency-Key to try again."
)

# What the path of every request begins with at the API's own address.
BASE = "/$context.stage"
ANY_METHOD = "x-amazon-apigateway-any-method"
_TEMPLATE = "application/json"  # the one type that API Gateway looks for; what is sent says the Content-Type header
_BODIES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_TEXT = {"type": "string"}

# Every type that API Gateway has. MISSING_AUTHENTICATION_TOKEN is its name for an address without a route.
REFUSALS = {
    "ACCESS_DENIED": _FORBIDDEN,
    "API_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_FAILURE": _BROKEN,
    "BAD_REQUEST_BODY": _INVALID,
    "BAD_REQUEST_PARAMETERS": _INVALID,
    "DEFAULT_4XX": GatewayAnswer(400, "bad_request", "The request could not be understood."),
    "DEFAULT_5XX": _BROKEN,
    "EXPIRED_TOKEN": _FORBIDDEN,
    "INTEGRATION_FAILURE": _LATE,
    "INTEGRATION_TIMEOUT": _LATE,
    "INVALID_API_KEY": _FORBIDDEN,
    "INVALID_SIGNATURE": _FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "QUOTA_EXCEEDED": GatewayAnswer(429, "quota_exceeded", "The quota of this API key is used up."),
    "REQUEST_TOO_LARGE": GatewayAnswer(413, "payload_too_large", spelling.TOO_LARGE),
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "THROTTLED": GatewayAnswer(429, "too_many_requests", "Too many requests at once; try again in a moment.", _BUSY),
    "UNAUTHORIZED": GatewayAnswer(
        401, "unauthorized", "A valid bearer token is needed.", (("WWW-Authenticate", "Bearer"),)
    ),
    "UNSUPPORTED_MEDIA_TYPE": GatewayAnswer(415, "unsupported_media_type", "Send the body as application/json."),
    "WAF_FILTERED": _FORBIDDEN,
}


def responses(origin: str) -> dict[str, Any]:
    """The GatewayResponses of an AWS::Serverless::Api whose answers pages of that origin may read."""
    return {kind: response(refusal, origin) for kind, refusal in REFUSALS.items()}


def response(refusal: GatewayAnswer, origin: str) -> dict[str, Any]:
    """One of the GatewayResponses."""
    return {
        "StatusCode": refusal.status,
        "ResponseParameters": {"Headers": _headers(refusal, origin)},
        "ResponseTemplates": {_TEMPLATE: _document(refusal)},
    }


def other_methods(origin: str) -> dict[str, Any]:
    """For every path of the API what answers the methods that it has no route for, as its definition says it.

    Without it API Gateway takes a known path with another method for an unknown address.
    """
    paths = dict.fromkeys(path for _, path in permissions.ROUTES)
    return {path: {ANY_METHOD: _answering(_wrong_method(path), origin)} for path in paths}


def lead_to(address: str, api: dict[str, Any]) -> None:
    """Let what an API of these properties answers by itself lead to the pages of that address.

    How a caller's path begins under a domain is none of the variables that such an answer knows.
    """
    answers = [each["ResponseTemplates"] for each in api["GatewayResponses"].values()]
    for methods in api["DefinitionBody"]["paths"].values():
        refusals = methods[ANY_METHOD]["x-amazon-apigateway-integration"]["responses"].values()
        answers += [each["responseTemplates"] for each in refusals]
    for templates in answers:
        templates[_TEMPLATE] = templates[_TEMPLATE].replace(BASE, address)


def _wrong_method(path: str) -> GatewayAnswer:
    return WRONG_METHOD._replace(headers=(("Allow", ", ".join(permissions.methods_of(path))),))


def _answering(refusal: GatewayAnswer, origin: str) -> dict[str, Any]:
    """A method that is nothing but this answer, whoever asks; a body of another kind than these is a 415."""
    headers, status = _headers(refusal, origin), {"statusCode": refusal.status}
    return {
        "responses": {str(refusal.status): {"description": refusal.code, "headers": dict.fromkeys(headers, _TEXT)}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "never",
            "requestTemplates": dict.fromkeys(_BODIES, schema.encode(status)),
            "responses": {
                "default": {
                    "statusCode": str(refusal.status),
                    "responseParameters": {f"method.response.header.{name}": each for name, each in headers.items()},
                    "responseTemplates": {_TEMPLATE: _document(refusal)},
                }
            },
        },
    }


def _document(refusal: GatewayAnswer) -> str:
    document = problems.problem(refusal.status, refusal.code, refusal.detail, None)
    here = {"type": problems.type_of(refusal.code, BASE), "instance": "$context.path"}
    return schema.encode(document | here | {"requestId": "$context.requestId"})


def _headers(refusal: GatewayAnswer, origin: str) -> dict[str, str]:
    """The headers of an answer: an expression for the request's id, the others quoted, as what is not looked up."""
    headers = {
        **problems.cors(origin).get_access_control_headers(),
        "Content-Type": problems.CONTENT_TYPE,
        **dict(refusal.headers),
    }
    return {**{name: f"'{value}'" for name, value in headers.items()}, "X-Request-Id": "context.requestId"}
