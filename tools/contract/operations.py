"""One operation of OpenAPI for each route: its parameters, its body, its answers, and who may call it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Annotated, Any

import msgspec

from chalicelib.api import calls, limits, negotiation, problem_codes, problems
from chalicelib.api.permissions import Audience
from chalicelib.core import quotas
from chalicelib.core.principal import Role
from chalicelib.coupons.schemas import Code
from chalicelib.products.schemas import Category
from tools.contract import examples, links, prose, refusals
from tools.contract.routes import Route, camel
from tools.contract.shapes import Shapes

Json = dict[str, Any]

_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"


def _id(prefix: str, of: str) -> Any:
    return Annotated[str, msgspec.Meta(description=f"The id of {of}.", pattern=f"^{prefix}_{_ULID}$")]


_PROBLEM: Json = {"$ref": "#/components/schemas/Problem"}

# What a path's parameters may be.
PARAMETERS: dict[str, Any] = {
    "userId": _id("usr", "a user"),
    "sessionId": _id("ses", "a session"),
    "productId": _id("prd", "a product"),
    "itemId": _id("prd", "an item of a cart, which is its product's"),
    "imageId": _id("img", "an image"),
    "orderId": _id("ord", "an order"),
    "webhookId": _id("whk", "a webhook"),
    "deliveryId": _id("dlv", "a delivery"),
    "category": Category,
    "code": Code,
    "role": Role,
}
_PROBLEM_CODE = Annotated[str, msgspec.Meta(description="The code of a problem.", pattern="^[a-z0-9_]+$")]
_SECURITY: dict[Audience, list[Json]] = {
    Audience.PUBLIC: [],
    Audience.GUEST: [{}, {"bearer": []}, {"cart": []}],
    Audience.USER: [{"bearer": []}],
    Audience.SELF: [{"bearer": []}],
    Audience.ADMIN: [{"bearer": []}],
}


def operation(route: Route, shapes: Shapes, routes: Iterable[Route]) -> Json:
    """The operation of a route; `routes` are all there are, for what goes on from here."""
    body = _body(route, shapes)
    return {
        "operationId": route.operation_id,
        "tags": [route.told.section],
        "summary": route.name.replace("_", " ").capitalize(),
        "description": "\n\n".join(_words(route)),
        **({"deprecated": True} if route.contract.deprecated else {}),
        "parameters": [*_path(route, shapes), *_query(route, shapes), *_headers(route)],
        **({"requestBody": body} if body else {}),
        "responses": dict(_responses(route, shapes, routes)),
        "security": _SECURITY[route.audience],
    }


def _words(route: Route) -> Iterator[str]:
    yield _sentence(prose.for_callers(route.told.what))
    yield f"For: {route.told.who}."
    if counted := _limits(route):
        yield f"Limited, where the shop says nothing else: {', '.join(map(_often, counted))}."
    if gone := route.contract.deprecated:
        yield f"Deprecated since {gone.since}, gone after {gone.until}: use {gone.instead}."


def _often(limit: limits.Limit) -> str:
    quota = quotas.DEFAULTS[limit.name]
    return f"`{limit.name}` by {limit.by}, {quota.most} in {quota.seconds} seconds"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _path(route: Route, shapes: Shapes) -> Iterator[Json]:
    for name in route.parameters:
        kind = _PROBLEM_CODE if route.path == "/problems/{code}" else PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "schema": shapes.schema(kind)}


def _query(route: Route, shapes: Shapes) -> Iterator[Json]:
    for each in msgspec.structs.fields(route.contract.query):
        shown = shapes.field(route.contract.query, each.encode_name)
        yield {"name": each.encode_name, "in": "query", "required": each.required, "schema": shown}


def _headers(route: Route) -> Iterator[Json]:
    yield _parameter("CorrelationId")
    if route.is_repeatable:
        yield _parameter("IdempotencyKey")
    if route.is_conditional:
        yield _parameter("IfMatch")
    if route.is_tagged and route.method == "GET":
        yield _parameter("IfNoneMatch")
    if "receive" in route.asks:
        yield _parameter("PaymentSignature")


def _parameter(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _body(route: Route, shapes: Shapes) -> Json | None:
    takes = route.contract.takes
    if takes is None:
        return None
    schema = (
        {"type": "object", "description": "As the provider sends and signs it."}
        if takes is bytes
        else shapes.schema(takes)
    )
    return {"required": True, "content": {negotiation.JSON: {"schema": schema, **examples.request(route)}}}


def _responses(route: Route, shapes: Shapes, routes: Iterable[Route]) -> Iterator[tuple[str, Json]]:
    if route.view is not None:
        for status in filter(None, (route.contract.status, route.contract.pending)):
            yield str(status), _success(route, status, shapes, routes)
    if route.gives_nothing:
        yield "204", {"description": "Done; there is nothing to tell.", "headers": _always(route)}
    if route.is_tagged and route.method == "GET":
        yield "304", {"description": "It is still as the caller knows it.", "headers": _always(route)}
    for status, codes in _problems(route):
        yield str(status), {"$ref": f"#/components/responses/{_name(status, codes)}"}


def _success(route: Route, status: int, shapes: Shapes, routes: Iterable[Route]) -> Json:
    kinds = {offer: {"schema": _given(route, offer, shapes)} for offer in route.contract.offers}
    if negotiation.JSON in kinds:
        kinds[negotiation.JSON] |= examples.answer(route, status)
    said: Json = {"description": HTTPStatus(status).phrase, "headers": _always(route), "content": kinds}
    if status == route.contract.pending:
        said["description"] = "Accepted: whether the money has moved is not known yet."
    elif route.method == "POST" and (links_on := links.of(route, shapes.fields(route.view), routes)):
        said["links"] = links_on
    return said


def _given(route: Route, offer: str, shapes: Shapes) -> Json:
    if not offer.endswith("json"):
        return {"type": "string"}
    if route.view is calls.Document:
        return {"type": "object"}
    if route.contract.lists:
        return shapes.page(route.contract.lists, route.view)
    return shapes.schema(route.view)


def _always(route: Route) -> Json:
    names = ["X-Request-Id", "Cache-Control"]
    names += ["ETag"] * route.is_tagged
    names += ["X-Cart-Token"] * ("cart_headers" in route.asks)
    names += ["Idempotent-Replayed"] * route.is_repeatable
    names += ["RateLimit-Policy", "RateLimit"] * bool(_limits(route))
    return {name: _header(name) for name in names}


def _limits(route: Route) -> tuple[limits.Limit, ...]:
    return limits.ROUTES.get((route.method, route.pattern), ())


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def failures(routes: Iterable[Route]) -> Json:
    """The answers of failed requests, those alike under one name."""
    found = {_name(status, codes): _failure(status, codes) for route in routes for status, codes in _problems(route)}
    return dict(sorted(found.items()))


def _problems(route: Route) -> list[tuple[int, list[str]]]:
    """The codes that a route may answer, by their statuses."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in refusals.of(route):
        by_status[problem_codes.get(code).status].append(code)
    return sorted(by_status.items())


def _name(status: int, codes: list[str]) -> str:
    """A name for the answers of that status with these codes; what any route may answer needs no mention."""
    own = [code for code in codes if code not in refusals.EVERYWHERE] or codes
    return f"Problem{status}" + "And".join(camel(each)[:1].upper() + camel(each)[1:] for each in own)


def _failure(status: int, codes: list[str]) -> Json:
    headers = ["X-Request-Id", "Cache-Control"]
    headers += ["WWW-Authenticate"] * (status == HTTPStatus.UNAUTHORIZED)
    headers += ["RateLimit-Policy", "RateLimit"] * (status == HTTPStatus.TOO_MANY_REQUESTS)
    headers += ["Retry-After"] * (status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
    return {
        "description": f"{problems.phrase(status)}: {', '.join(f'`{code}`' for code in codes)}.",
        "headers": {name: _header(name) for name in headers},
        "content": {problems.CONTENT_TYPE: {"schema": _PROBLEM, **examples.of_problems(codes)}},
        "x-problem-codes": codes,
    }
