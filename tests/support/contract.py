"""Every answer that a test gets from the app, held to the document of the API.

Statuses, problem codes and headers must be told there, and a body must fit its schema. Of what is given, nothing may
stand in an answer that the document does not tell; callers are promised only that the rest stays.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
from chalice import Response
from chalice.app import Request

import app
from tools.contract import __main__ as contract
from tools.contract import routes

Json = dict[str, Any]

_FIRST_FAILURE = 400
_OPTIONAL = {"x-cart-token", "idempotent-replayed", "ratelimit", "ratelimit-policy", "retry-after"}
_OPEN = ("Problem", "FieldProblem")  # a code's own members are beside the common ones


class Undocumented(AssertionError):
    """The app answers what its document does not tell."""


def install() -> None:
    """Let every answer of the app in this process be checked, as the caller gets it."""
    app.app.middleware_handlers.insert(0, (check, "http"))


def check(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: refuse an answer that the document does not know. Raises `Undocumented`."""
    response = get_response(request)
    pattern = request.context.get("resourcePath")
    method = "GET" if request.method == "HEAD" else request.method
    operation = _operations().get((method, str(pattern)))
    if operation is not None and "Idempotent-Replayed" not in response.headers:  # an earlier version may have given it
        _check(operation, request, response)
    return response


def _check(operation: Json, request: Request, response: Response) -> None:
    told = operation["responses"].get(str(response.status_code))
    where = f"{operation['operationId']} answers {response.status_code}"
    if told is None:
        raise Undocumented(f"{where}, which its document does not tell: {response.body!r:.300}")
    told = _resolved(told)
    missing = {name.lower() for name in told.get("headers", {})} - {name.lower() for name in response.headers}
    if response.status_code >= _FIRST_FAILURE:
        code = json.loads(response.body)["code"]
        if code not in told["x-problem-codes"]:
            raise Undocumented(f"{where} as {code}, which its document does not tell")
    elif missing - _OPTIONAL:
        raise Undocumented(f"{where} without {sorted(missing)}")
    for kind, content in told.get("content", {}).items():
        if response.headers.get("Content-Type", "").startswith(kind) and kind.endswith("json"):
            _check_body(where, json.dumps(content["schema"]), json.loads(response.body))


def _check_body(where: str, schema: str, body: Any) -> None:
    faults = [f"{each.instance_path}: {each.message:.300}" for each in _validator(schema).iter_errors(body)]
    if faults:
        raise Undocumented(f"{where} as its document does not tell: {'; '.join(faults[:5])}")


@functools.lru_cache
def _document() -> Json:
    document: Json = json.loads(contract.FILE.read_text("utf-8"))
    return document


@functools.lru_cache
def _operations() -> dict[tuple[str, str], Json]:
    """The operation of each route, by its method and the path that app.py has for it."""
    paths = _document()["paths"]
    patterns = {(each.method, each.path): each.pattern for each in routes.read()}
    return {(method, pattern): paths[path][method.lower()] for (method, path), pattern in patterns.items()}


def _resolved(said: Json) -> Json:
    reference = said.get("$ref")
    if reference is None:
        return said
    found: Any = _document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


@functools.lru_cache(maxsize=500)
def _validator(schema: str) -> Any:
    components = copy.deepcopy(_document()["components"])
    for name, each in components["schemas"].items():
        if "properties" in each and "additionalProperties" not in each and name not in _OPEN:
            each["additionalProperties"] = False
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": components})
