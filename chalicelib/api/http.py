"""The room that speaks HTTP: requests become calls, results become answers, errors become problem documents.

`endpoint_for(app)` gives the decorator that stands under every route in app.py. It admits the caller by the
permission matrix, decodes body and query, replays what an Idempotency-Key already did, and answers in JSON.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack, cast

from chalice import Chalice, Response
from chalice.app import Request

from chalicelib.api import caching, callers, idempotency, limits, negotiation, permissions, problems, spelling, versions
from chalicelib.api.calls import Answer, Call, Document
from chalicelib.api.limits import Limited
from chalicelib.api.permissions import Audience
from chalicelib.api.versions import Deprecated
from chalicelib.aws.rate_limits import LimitReached
from chalicelib.core import errors, log, schema, settings
from chalicelib.core.principal import Principal

Handler = Callable[..., Any]
CONTRACT = "contract"  # what a view knows of itself


class Declaration(TypedDict, total=False):
    """What app.py may say of a route beside what its view's annotation says, which is what it gives: None is a 204."""

    takes: type[Any]  # the shape of the body; bytes: as it came
    query: type[Any]
    status: int  # of success
    pending: int  # of a result that says it `is_pending`
    lists: str  # the name of the views in a page
    offers: tuple[str, ...]  # media types to choose from
    resume: Callable[[Call, str], Any]  # finishes a request whose first process died, by what it had begun
    owner: Callable[[Any], str]  # says from the body whose an anonymous request's Idempotency-Key is
    kept: str  # how long anybody may keep what is the same for all
    deprecated: Deprecated  # since when it is, and until when it stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one endpoint takes and gives; the names are those of `Declaration`."""

    takes: type[Any] | None = None
    query: type[Any] = spelling.NoQuery
    status: int = 200
    pending: int | None = None
    lists: str | None = None
    offers: tuple[str, ...] = (negotiation.JSON,)
    resume: Callable[[Call, str], Any] | None = None
    owner: Callable[[Any], str] | None = None
    kept: str = caching.PRIVATE
    deprecated: Deprecated | None = None
    authenticate: Callable[[str], Principal]
    require_open: Callable[[Principal], None]


def endpoint_for(
    app: Chalice, *, authenticate: Callable[[str], Principal], require_open: Callable[[Principal], None]
) -> Callable[..., Callable[[Handler], Handler]]:
    """The decorator for this app's views.

    `authenticate` reads an Authorization header on the routes that serve users and guests alike, which API
    Gateway cannot do; `require_open` looks a caller's session up again where the gateway's cache must not be trusted.
    """

    def endpoint(**declared: Unpack[Declaration]) -> Callable[[Handler], Handler]:
        contract = Contract(authenticate=authenticate, require_open=require_open, **declared)

        def wrap(view: Handler) -> Handler:
            @functools.wraps(view)
            def answer(**path: str) -> Response:
                return _answer(cast("Request", app.current_request), contract, view, path)

            answer.__dict__[CONTRACT] = contract
            return answer

        return wrap

    return endpoint


def contract_of(view: Handler) -> Contract:
    """What a route of app.py takes and gives, for whoever describes the routes."""
    return cast("Contract", view.__dict__[CONTRACT])


def answer_head(app: Chalice) -> None:
    """Give every route for GET one for HEAD, with the same view behind the same authorizer (F16).

    The view answers both alike; whoever brings the answer to the caller leaves the body of a HEAD away, and only so
    can say how long that of a GET would be.
    """
    for methods in app.routes.values():
        if "GET" in methods:
            methods["HEAD"] = copy.copy(methods["GET"])
            methods["HEAD"].method = "HEAD"


def _answer(request: Request, contract: Contract, view: Handler, path: dict[str, str]) -> Response:
    log.begin_request(problems.request_id(request), callers.correlation(request.headers))
    try:
        response = _serve(request, contract, view, path)
    except errors.ShopError as error:
        response = _problem(error, request)
    if contract.deprecated:
        response.headers |= versions.told(contract.deprecated, problems.base(request))
    return response


def _problem(error: errors.ShopError, request: Request) -> Response:
    if isinstance(error, errors.Unavailable):
        log.warning("UNAVAILABLE", detail=error.detail, cause=type(error.__cause__).__name__)
    if isinstance(error, LimitReached):
        limits.tell(error)
    return problems.answer(error, request)


def _serve(request: Request, contract: Contract, view: Handler, path: dict[str, str]) -> Response:
    route = permissions.route(request.method, request.context["resourcePath"])
    accepted = _negotiate(request, contract, route)
    principal = _principal(request, permissions.ROUTES[route], contract.authenticate)
    permissions.admit(permissions.ROUTES[route], principal)
    if principal and permissions.must_recheck(route, principal):
        contract.require_open(principal)
    if principal:
        log.enrich(userId=principal.user_id)
    call = _call(request, contract, principal, accepted)
    limited = limits.of(route, call.query, principal, call.source)
    try:
        named = {name: spelling.part_of_path(name, text) for name, text in path.items()}
        response = _perform(request, contract, functools.partial(view, **named), call, limited)
    except errors.ShopError as failure:
        response = _problem(limited.settle(failure), request)
    told = limited.headers(is_shared=contract.kept != caching.PRIVATE)
    response.headers = {**told, **response.headers}
    return response


def _perform(request: Request, contract: Contract, view: Handler, call: Call, limited: Limited) -> Response:
    """Do what is asked for, or bring what an earlier request with this key was answered, whatever the limits say."""
    try:
        result = view(replace(call, use=limited.begin()))
    except errors.ShopError as failure:
        if failure.is_recorded:
            raise
        replayed = problems.brought_here(_replay(call, contract, failure), request)
        limited.give_back()
        return replayed
    if contract.lists:
        result = call.page(contract.lists, result)
    headers = {"Cache-Control": contract.kept, **_varying(contract), **_headers(result)}
    is_read = request.method in ("GET", "HEAD")
    if is_read and caching.is_known(headers.get("ETag"), request.headers.get("if-none-match", "")):
        return Response("", status_code=304, headers={**headers})
    return _response(*_render(contract, result), headers)


def _negotiate(request: Request, contract: Contract, route: tuple[str, str]) -> str:
    """Refuse what can be read in two ways, and say in which media type to answer."""
    accepted = contract.offers[0]
    if not caching.is_shared(*route):
        spelling.require_once(request.to_original_event())
        accepted = negotiation.choose(request.headers.get("accept"), contract.offers)
    spelling.require_json(request.headers.get("content-type"))
    return accepted


def _varying(contract: Contract) -> dict[str, str]:
    return {"Vary": "Accept"} if len(contract.offers) > 1 else {}


def _call(request: Request, contract: Contract, principal: Principal | None, accepted: str) -> Call:
    body = _body(request, contract.takes)
    method, template = permissions.route(request.method, request.context["resourcePath"])
    said = _query(request, contract, (method, template))
    query = schema.decode_query(said, contract.query)
    route, path = f"{method} {template}", request.uri_params or {}
    anonymous = contract.owner(body) if contract.owner else callers.guest(request)
    caller = principal.user_id if principal else anonymous
    claim = idempotency.claim(
        request.headers.get("idempotency-key") if request.method == "POST" and contract.takes is not bytes else None,
        scope=f"{caller}\n{route}",
        named={**path, **{f"?{name}": value for name, value in said.items()}},
        request=lambda: schema.canonical(request.raw_body),
        render=lambda outcome: _render(contract, outcome, request),
    )
    filters = sorted((k, v) for k, v in said.items() if k not in ("cursor", "limit"))
    scope = f"{route} {sorted(path.items())}\n{filters}\n{principal.user_id if principal else ''}"
    context = request.lambda_context
    function = (getattr(context, "function_name", ""), getattr(context, "function_version", ""))
    address = callers.network(callers.source(request))
    base = problems.base(request)
    return Call(body, query, principal, request.headers, claim, scope, function, address, accepted, base)


def _body(request: Request, takes: type[Any] | None) -> Any:
    """The body as the route takes it. Where it takes none, nothing or `{}` may come (H5); with a GET nobody looks."""
    raw = cast("bytes", request.raw_body or b"")
    spelling.require_small(raw)
    if takes is bytes:
        return raw
    if takes is not None:
        return schema.decode(raw, takes)
    if raw and request.method not in ("GET", "HEAD"):
        schema.decode(raw, spelling.NoBody)
    return None


def _replay(call: Call, contract: Contract, failure: errors.ShopError) -> Response:
    """Answer a failed request from the record of an earlier one with its key, or let the failure stand."""
    recorded = call.claim.find()
    if recorded is None or recorded.is_forgotten:
        raise failure
    if recorded.body is not None:
        return _response(recorded.status, recorded.body, {"Idempotent-Replayed": "true"})
    if recorded.is_abandoned and contract.resume:
        return _resume(replace(call, claim=recorded.claim), contract, contract.resume, recorded.subject)
    raise idempotency.InProgress("The first request with this Idempotency-Key is still in progress; try again soon.")


def _resume(call: Call, contract: Contract, resume: Callable[[Call, str], Any], subject: str) -> Response:
    """Finish what an earlier request began, and record the answer unless it holds what must not be kept."""
    try:
        result = resume(call, subject)
    except errors.ShopError as failure:
        if failure.is_recorded:
            call.claim.finish_now(failure)
        raise
    if getattr(result, "may_be_kept", True):
        call.claim.finish_now(result)
    return _response(*_render(contract, result), {})


def _render(contract: Contract, outcome: Any, request: Request | None = None) -> tuple[int, str]:
    if isinstance(outcome, errors.ShopError):
        return problems.of(outcome, request)
    if isinstance(outcome, Document):
        return contract.status, outcome.content
    body = outcome.body if isinstance(outcome, Answer) else outcome
    status = contract.pending if contract.pending and body.is_pending else contract.status
    return (204, "") if body is None else (status, schema.encode(body))


def _response(status: int, body: str, headers: dict[str, str]) -> Response:
    kind = negotiation.JSON if status < 400 else problems.CONTENT_TYPE  # noqa: PLR2004 - where HTTP's errors begin
    return Response(body, status_code=status, headers={"Content-Type": kind, **headers})


def _headers(result: Any) -> dict[str, str]:
    if isinstance(result, Document):
        return {"Content-Type": result.kind, **result.headers}
    return result.headers if isinstance(result, Answer) else {}


def _principal(request: Request, audience: Audience, authenticate: Callable[[str], Principal]) -> Principal | None:
    """Who is calling: as the authorizer says, or by the header where the route has no authorizer but users."""
    header = request.headers.get("authorization")
    if audience is Audience.GUEST:
        return None if header is None else authenticate(header)
    signer = request.context.get("identity", {}).get("userArn")
    if signer and settings.users_by_iam() and permissions.is_user_management(request.context["resourcePath"]):
        return permissions.service_principal(signer)
    return permissions.from_context(request.context.get("authorizer") or {})


def _query(request: Request, contract: Contract, route: tuple[str, str]) -> dict[str, str]:
    """What the query says; of an answer that others will get, too, only what such an answer may depend on."""
    said: dict[str, str] = dict(request.query_params or {})
    return caching.told_apart(said, schema.names(contract.query)) if caching.is_shared(*route) else said
