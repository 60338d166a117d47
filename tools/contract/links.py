"""Which operations go on from what another has given: whatever its answer names first, by its id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tools.contract.routes import Route

Json = dict[str, Any]


def of(route: Route, fields: Sequence[str], routes: Iterable[Route]) -> Json:
    """The links of an answer with these fields: each operation that takes its id, and else what the path has said."""
    told, said = fields[:1], route.parameters
    following = (other for other in routes if other.name != route.name and set(told) & set(other.parameters))
    return {
        other.operation_id: {"operationId": other.operation_id, "parameters": _parameters(other, told)}
        for other in following
        if {*told, *said}.issuperset(other.parameters)
    }


def _parameters(other: Route, told: Sequence[str]) -> Json:
    return {name: f"$response.body#/{name}" if name in told else f"$request.path.{name}" for name in other.parameters}
