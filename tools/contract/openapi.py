"""The whole document of OpenAPI 3.1: every route, what is common to them, and the webhooks that the shop sends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from chalicelib.api import versions
from tools.contract import examples, operations, problem_schema, routes, webhooks
from tools.contract.routes import Route
from tools.contract.shapes import Shapes

Json = dict[str, Any]

_WORDS = """
A commerce backend: accounts, catalogue, carts, checkout, payments, orders, webhooks.

Every failure is a problem document (RFC 9457) whose `code` is stable; `GET /problems/{code}` says what it means and
what to do. Lists take `limit` and `cursor`; `"nextCursor": null` is the end. Send an `Idempotency-Key` with every POST
that creates or charges, and repeat it unchanged when no answer came. A guest's cart belongs to the `X-Cart-Token` that
the first item brings. HEAD answers like GET, without the body.

A route that will go is marked as deprecated here, and says so in every answer at least 180 days before: `Deprecation`
is since when, `Sunset` the instant from which it may be gone, `Link` what to use instead. Fields and codes may be added
at any time; nothing that is told here is taken away but so, and then `info.version` begins with another number.
"""
_INFO: Json = {
    "title": "ecommerce-api", "description": _WORDS.strip(), "license": {"name": "MIT", "identifier": "MIT"},
}  # fmt: skip
_SECTIONS = {
    "The shop itself": "What it is, whether it works, and what its problems mean.",
    "Accounts and sessions": "Opening an account, logging in, and what users do with their own.",
    "User management": "What admins do with accounts.",
    "Catalogue": "Products and their stock: read by anybody, changed by admins.",
    "Cart and coupons": "What somebody is about to buy.",
    "Orders and payments": "What was bought, and the money for it.",
    "Webhooks": "Being told what happens.",
}
_STRING: Json = {"type": "string"}
_KEY: Json = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~][ -~]*$"}
_PARAMETERS = {
    "CorrelationId": (
        "X-Correlation-Id",
        "A UUID, ULID, W3C trace id or X-Ray's, told in logs, events and mails. Another is ignored.",
        _STRING,
    ),
    "IdempotencyKey": (
        "Idempotency-Key", "Repeated within 24 hours it gives the same answer, and no second effect.", _KEY
    ),
    "IfMatch": (
        "If-Match", "The ETag that the change is based on; 412 if it is no longer the present one.", _STRING
    ),
    "IfNoneMatch": (
        "If-None-Match", "ETags that the caller knows; 304 if the present one is among them.", _STRING
    ),
    "PaymentSignature": (
        "Stripe-Signature",
        "The provider's signature over the body; the simulator sends Simulator-Signature.",
        _STRING,
    ),
}  # fmt: skip
_HEADERS = {
    "X-Request-Id": ("The id that finds this request in the logs.", _STRING),
    "Cache-Control": ("Who may keep the answer, and how long.", _STRING),
    "ETag": ("The tag of this state, for If-Match and If-None-Match.", _STRING),
    "X-Cart-Token": (
        "The token of a guest's cart, where one was made; send it with every request about the cart.",
        _STRING,
    ),
    "Idempotent-Replayed": ("Whether this is the answer of an earlier request with the same key.", {"const": "true"}),
    "WWW-Authenticate": ("How to sign in.", {"const": "Bearer"}),
    "RateLimit-Policy": ("How often this may be asked for: `q` times in `w` seconds, by the limit's name.", _STRING),
    "RateLimit": ("How often it still may be: `r` times, until the window ends in `t` seconds.", _STRING),
    "Retry-After": ("In how many seconds another try may help.", {"type": "integer", "minimum": 0}),
}
_ALWAYS_SAID = ("X-Request-Id", "Cache-Control", "WWW-Authenticate")  # by every answer that is told to have it
_SECURITY: Json = {
    "bearer": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "The `accessToken` of a login. A stage may ask services for AWS SigV4 instead on `/users`.",
    },
    "cart": {
        "type": "apiKey", "in": "header", "name": "X-Cart-Token",
        "description": "A guest's cart: the token that the answer to its first item brought.",
    },
}  # fmt: skip


def document() -> Json:
    """The document."""
    known = routes.read()
    queries = {route.contract.query.__name__ for route in known}
    shapes = Shapes(taken=_taken(known), given=_given(known))
    paths: dict[str, Json] = defaultdict(dict)
    for route in known:
        paths[route.path][route.method.lower()] = operations.operation(route, shapes, known)
    sections = dict.fromkeys(route.told.section for route in known)
    return {
        "openapi": "3.1.1",
        "info": {**_INFO, "version": versions.API},
        "servers": [{"url": ".", "description": "Where this document was read."}],
        "tags": [{"name": section, "description": _SECTIONS[section]} for section in sections],
        "paths": dict(paths),
        "webhooks": webhooks.operations(),
        "components": {
            "schemas": {**shapes.components(besides=queries), **problem_schema.schemas(), **webhooks.schemas()},
            "responses": operations.failures(known),
            "parameters": {component: _parameter(*said) for component, said in _PARAMETERS.items()},
            "examples": examples.components(),
            "headers": {name: _header(name, *said) for name, said in _HEADERS.items()},
            "securitySchemes": _SECURITY,
        },
    }  # fmt: skip


def _parameter(name: str, words: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": words, "schema": schema}


def _header(name: str, words: str, schema: Json) -> Json:
    return {"description": words, **({"required": True} if name in _ALWAYS_SAID else {}), "schema": schema}


def _taken(known: Iterable[Route]) -> Iterator[Any]:
    yield from operations.PARAMETERS.values()
    for route in known:
        yield route.contract.query
        if route.contract.takes not in (None, bytes):
            yield route.contract.takes


def _given(known: Iterable[Route]) -> Iterator[Any]:
    return (route.view for route in known if isinstance(route.view, type) and issubclass(route.view, msgspec.Struct))
