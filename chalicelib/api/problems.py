"""Problem documents: every failure that leaves the shop, in the form of RFC 9457 (H4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from chalice import CORSConfig, Response
from chalice.app import Request

from chalicelib.api import caching, limits, permissions
from chalicelib.aws.rate_limits import LimitReached
from chalicelib.core import clock, errors, log, schema, settings

CONTENT_TYPE = "application/problem+json"
_STATUS = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.PaymentRequired: 402,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.ContentTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Unprocessable: 422,
    errors.PreconditionRequired: 428,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
# As RFC 9110 calls them; Python before 3.13 knows them by earlier names, and an answer must not depend on that.
_TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
GATEWAY_CODES = {
    404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type", 500: "internal_error",
}  # fmt: skip
_KEPT_TYPE = re.compile(r'\{"type":"[^":]*(/problems/[a-z_]+)"')
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method; see the Allow header.",
    415: "Send the body as application/json.",
    500: "Something went wrong on our side. The requestId finds it in our logs.",
}

# What a browser is told about every answer: none is a page, to be guessed at, framed, or to send an address on.
_CAREFUL = {
    "Cache-Control": caching.PRIVATE,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ONLY_HTTPS = "max-age=31536000"  # seconds: a year


class Everywhere(CORSConfig):
    """The cross-origin rules, and beside them what else every answer says unless it says otherwise.

    Chalice takes these headers for all that it makes of a route: its answers, and the preflights of every package.
    """

    def get_access_control_headers(self) -> dict[str, str]:
        """The headers of every answer; over plain HTTP, which is spoken on one machine alone, none asks for HTTPS."""
        headers: dict[str, str] = super().get_access_control_headers()
        embedding = "cross-origin" if headers["Access-Control-Allow-Origin"] == "*" else "same-origin"
        secure = {} if settings.stage() == settings.LOCAL else {"Strict-Transport-Security": _ONLY_HTTPS}
        return {**headers, **_CAREFUL, "Cross-Origin-Resource-Policy": embedding, **secure}


def cors(origin: str | None = None) -> CORSConfig:
    """The headers that every answer of this stage has, or of one whose pages come from that origin."""
    return Everywhere(
        allow_origin=origin or settings.cors_origin(),
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
                       "X-Api-Key", "X-Cart-Token", "X-Correlation-Id", "X-Request-Id"],
        expose_headers=["Deprecation", "ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit",
                        "RateLimit-Policy", "Retry-After", "Sunset",
                        "X-Cart-Token", "X-Request-Id"],
        max_age=3600,
    )  # fmt: skip


def answer(error: errors.ShopError, request: Request) -> Response:
    """The whole answer to a failed request."""
    status, body = of(error, request)
    headers = {"Retry-After": str(error.retry_after)} if hasattr(error, "retry_after") else {}
    if isinstance(error, LimitReached):
        headers |= limits.refusal_headers(error)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, status_code=status, headers={"Content-Type": CONTENT_TYPE, **headers})


def of(error: errors.ShopError, request: Request | None) -> tuple[int, str]:
    """The status and the problem document of an error."""
    status = status_of(type(error))
    faults = {"errors": [fault.view() for fault in error.errors]} if error.errors else {}
    return status, schema.encode(problem(status, error.code, error.detail, request, **faults, **error.facts))


def status_of(kind: type[errors.ShopError]) -> int:
    """The status that errors of a kind become."""
    return next(_STATUS[each] for each in kind.__mro__ if each in _STATUS)


def phrase(status: int) -> str:
    """What HTTP calls a status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem(status: int, code: str, detail: str, request: Request | None, **more: Any) -> dict[str, Any]:
    """An RFC 9457 problem document."""
    return {
        "type": type_of(code, base(request) if request else ""),
        "title": phrase(status),
        "status": status,
        "detail": detail,
        "instance": path(request) if request else "/",
        "code": code,
        "requestId": request_id(request),
        **more,
    }


def type_of(code: str, before: str) -> str:
    """Where it can be read what a code means; `before` is what the addresses of this API begin with."""
    return f"{before}/problems/{code}"


def brought_here(kept: Response, request: Request) -> Response:
    """An answer that was kept, for this request: its `type` leads where this caller can read it.

    The first request may have come by another address of the API. By the same one nothing changes.
    """
    found = _KEPT_TYPE.match(kept.body)
    if found:
        kept.body = '{"type":' + schema.encode(base(request) + found[1]) + kept.body[found.end() :]
    return kept


def for_gateway_answers(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: Chalice's own 404, 405, 415 and 500 as problem documents that browsers may read."""
    started = clock.monotonic()
    response = _shaped(request, get_response(request))
    response.headers |= {"X-Request-Id": request_id(request), **caching.varying(response.headers)}
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.metric("RequestFailed", Code=msgspec.json.decode(response.body)["code"])
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.metric("VersionFailed", Version=getattr(request.lambda_context, "function_version", None) or "unknown")
    log.info(
        "REQUEST", method=request.method, route=request.context.get("resourcePath"), status=response.status_code,
        duration=round((clock.monotonic() - started) * 1000, 1),
    )  # fmt: skip
    return response


def _shaped(request: Request, response: Response) -> Response:
    if response.status_code < 400 or response.headers.get("Content-Type") == CONTENT_TYPE:  # noqa: PLR2004
        return response
    status = response.status_code
    code = GATEWAY_CODES.get(status, GATEWAY_CODES[500])
    document = problem(status, code, _DETAILS.get(status, _DETAILS[500]), request)
    headers = {**cors().get_access_control_headers(), **response.headers, "Content-Type": CONTENT_TYPE}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(permissions.methods_of(request.context["resourcePath"]))
    return Response(schema.encode(document), status_code=status, headers=headers)


def request_id(request: Request | None) -> str:
    """The id that finds this request in the logs: the gateway's, else the function's."""
    if request is None:
        return ""
    return str(request.context.get("requestId") or invocation_id(request.lambda_context))


def invocation_id(context: Any) -> str:
    """The id of a function call that no request started."""
    return str(getattr(context, "aws_request_id", ""))


def path(request: Request) -> str:
    """The path as the caller wrote it, a stage's or a domain's beginning included: what the gateway's own answers say.

    Chalice's `request.path` is the route's pattern.
    """
    return str(request.context.get("path") or request.to_original_event().get("path") or request.path)


def base(request: Request) -> str:
    """What stands in the caller's path before that of the route: `/prod` of a stage, `/v1` of a domain, or nothing."""
    found = _as_written(request.context.get("resourcePath") or request.path).fullmatch(path(request))
    return found[1] if found else ""


@lru_cache(maxsize=256)
def _as_written(route: str) -> re.Pattern[str]:
    """How a route's path may come: behind one part more, and with a slash at the end."""
    parts = (".+" if part.startswith("{") else re.escape(part) for part in route.rstrip("/").split("/"))
    return re.compile(rf"((?:/[^/]+)??){'/'.join(parts)}/*")
