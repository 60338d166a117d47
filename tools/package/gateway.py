"""API Gateway's own answers, as problem documents like the app's.

They never pass the app: an unknown address, a refused token, throttling. Their templates know no logic, only
`$context` variables, so each kind of answer has one status and one sentence.
"""

from typing import Any, NamedTuple

from chalicelib import problems, wire


class Refusal(NamedTuple):
    """What one kind of refusal tells the caller, and headers that go with it."""

    status: int
    code: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


_INVALID = Refusal(400, "validation_failed", "The request does not have the shape that this address asks for.")
_FORBIDDEN = Refusal(403, "forbidden", "This is not allowed.")
_NOT_FOUND = Refusal(404, "not_found", "There is nothing at this address.")
_BUSY = (("Retry-After", "1"),)
_BROKEN = Refusal(500, "internal_error", "Something went wrong on our side. The requestId finds it in our logs.")
_LATE = Refusal(504, "gateway_timeout", "The shop did not answer in time; send the same Idempotency-Key to try again.")

# Every type that API Gateway has. MISSING_AUTHENTICATION_TOKEN is its name for an address without a route.
REFUSALS = {
    "ACCESS_DENIED": _FORBIDDEN,
    "API_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_FAILURE": _BROKEN,
    "BAD_REQUEST_BODY": _INVALID,
    "BAD_REQUEST_PARAMETERS": _INVALID,
    "DEFAULT_4XX": Refusal(400, "bad_request", "The request could not be understood."),
    "DEFAULT_5XX": _BROKEN,
    "EXPIRED_TOKEN": _FORBIDDEN,
    "INTEGRATION_FAILURE": _LATE,
    "INTEGRATION_TIMEOUT": _LATE,
    "INVALID_API_KEY": _FORBIDDEN,
    "INVALID_SIGNATURE": _FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "QUOTA_EXCEEDED": Refusal(429, "quota_exceeded", "The quota of this API key is used up."),
    "REQUEST_TOO_LARGE": Refusal(413, "payload_too_large", "A body may have at most 10 MB."),
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "THROTTLED": Refusal(429, "too_many_requests", "Too many requests at once; try again in a moment.", _BUSY),
    "UNAUTHORIZED": Refusal(401, "unauthorized", "A valid bearer token is needed.", (("WWW-Authenticate", "Bearer"),)),
    "UNSUPPORTED_MEDIA_TYPE": Refusal(415, "unsupported_media_type", "Send the body as application/json."),
    "WAF_FILTERED": _FORBIDDEN,
}


def responses(origin: str) -> dict[str, Any]:
    """The GatewayResponses of an AWS::Serverless::Api whose answers pages of that origin may read."""
    return {kind: _response(refusal, origin) for kind, refusal in REFUSALS.items()}


def _response(refusal: Refusal, origin: str) -> dict[str, Any]:
    document = problems.problem(refusal.status, refusal.code, refusal.detail, None)
    document |= {"instance": "$context.path", "requestId": "$context.requestId"}
    headers = {
        **problems.cors().get_access_control_headers(),
        "Access-Control-Allow-Origin": origin,
        "Content-Type": problems.CONTENT_TYPE,
        **dict(refusal.headers),
    }
    return {
        "StatusCode": refusal.status,
        "ResponseParameters": {"Headers": {name: f"'{value}'" for name, value in headers.items()}},
        # The key is the one type that API Gateway looks for; what is sent says the header above.
        "ResponseTemplates": {"application/json": wire.encode(document)},
    }
