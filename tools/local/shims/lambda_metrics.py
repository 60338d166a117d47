"""ministack counts calls of functions by Invoke alone, and none by version; Lambda counts every call.

API Gateway, the stream and the schedule call as well, and the alarms that take a release back are about what is
called through the alias. A call of a version that an alias leads to counts as one through it: who called is not known
where calls are counted.
"""

from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, lambda_svc


def apply() -> None:
    """Make every call count, under all the dimensions that Lambda has."""
    write = lambda_svc._emit_lambda_logs  # noqa: SLF001

    def write_and_count(func: dict[str, Any], request_id: str, text: str, *rest: Any, **named: Any) -> None:
        write(func, request_id, text, *rest, **named)
        is_error, milliseconds = rest
        count(func.get("config") or func, is_error=is_error, milliseconds=milliseconds)

    def count_refusal(name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001, FBT001
        if throttle and not duration_ms:  # what has one comes from Invoke, which tells of the same call again
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": name})

    lambda_svc._emit_lambda_logs = write_and_count  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = count_refusal  # noqa: SLF001


def count(config: dict[str, Any], *, is_error: bool, milliseconds: float) -> None:
    """Count a call that came to its end."""
    for dimensions in _dimensions(config["FunctionName"], str(config.get("Version", "$LATEST"))):
        for name, value, unit in (
            ("Invocations", 1, "Count"),
            ("Errors", int(is_error), "Count"),
            ("Duration", milliseconds, "Milliseconds"),
        ):
            cloudwatch.record_metric("AWS/Lambda", name, value, unit, dimensions)


def _dimensions(function: str, version: str) -> Iterator[dict[str, str]]:
    """The function alone, and each alias that leads to the version, without and with the version."""
    yield {"FunctionName": function}
    record = lambda_svc._functions.get(function) or {}  # noqa: SLF001
    for name, alias in (record.get("aliases") or {}).items():
        shares = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if version in {str(alias.get("FunctionVersion")), *map(str, shares)}:
            called = {"FunctionName": function, "Resource": f"{function}:{name}"}
            yield called
            yield {**called, "ExecutedVersion": version}
