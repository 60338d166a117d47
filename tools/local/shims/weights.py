"""ministack keeps the weights of a Lambda alias and sends every invocation to its first version; Lambda shares them.

The share is drawn for each invocation, as Lambda does, by whatever way it comes: the API, API Gateway or a stream.
"""

import random
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

Found = tuple[dict[str, Any] | None, dict[str, Any] | None]
_DRAW = random.SystemRandom()


def apply() -> None:
    """Make the invocations of an alias with weights go to both of its versions."""
    record_of, invoke = lambda_svc._effective_func_record_for_qualifier, lambda_svc._invoke  # noqa: SLF001

    def record_by_weight(func: dict[str, Any] | None, qualifier: str | None) -> Found:
        found: Found = record_of(func, drawn(func, qualifier, _DRAW.random))
        return found

    async def invoke_by_weight(
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Any:
        asked = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)  # noqa: SLF001
        version = drawn(lambda_svc._functions.get(name), asked, _DRAW.random)  # noqa: SLF001
        return await invoke(name, event, headers, version, query_params)

    lambda_svc._effective_func_record_for_qualifier = record_by_weight  # noqa: SLF001
    lambda_svc._invoke = invoke_by_weight  # noqa: SLF001


def drawn(func: dict[str, Any] | None, qualifier: str | None, draw: Callable[[], float]) -> str | None:
    """The version that an invocation of an alias with weights goes to; any other qualifier as it is."""
    alias = ((func or {}).get("aliases") or {}).get(qualifier) or {}
    left = draw() if alias.get("RoutingConfig") else 1.0
    for version, weight in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items():
        left -= weight
        if left < 0:
            return str(version)
    return qualifier
