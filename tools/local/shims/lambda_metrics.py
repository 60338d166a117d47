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
    write, emit = lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics  # noqa: SLF001

    def write_and_count(func: dict[str, Any], request_id: str, text: str, *rest: Any, **named: Any) -> None:
        write(func, request_id, text, *rest, **named)
        is_error, milliseconds = rest
        count(func.get("config") or func, is_error=is_error, milliseconds=milliseconds)

    def emit_throttle(name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: FBT001
        if throttle:
            emit(name, duration_ms, error, throttle)

    lambda_svc._emit_lambda_logs = write_and_count  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = emit_throttle  # noqa: SLF001


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
