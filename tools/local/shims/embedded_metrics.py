"""ministack leaves metrics that stand in the lines of a log where they are; CloudWatch counts them.

All metrics of the shop itself are written so, and alarms and the dashboard are about them.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ministack.services import cloudwatch, lambda_svc


class Embedded(NamedTuple):
    """A value of a metric in a line, under one set of dimensions."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    unit: str
    at: float


def apply() -> None:
    """Make the metrics count that functions write into their log."""
    write = lambda_svc._emit_lambda_logs  # noqa: SLF001

    def write_and_count(func: dict[str, Any], request_id: str, text: str, *rest: Any, **named: Any) -> None:
        write(func, request_id, text, *rest, **named)
        count(text)

    lambda_svc._emit_lambda_logs = write_and_count  # noqa: SLF001


def count(text: str) -> None:
    """Count what the lines of a log say."""
    for each in found(text):
        key = (each.namespace, each.name, cloudwatch._dims_key(each.dimensions))  # noqa: SLF001
        point = {"Timestamp": each.at, "Value": each.value, "Unit": each.unit, "Dimensions": each.dimensions}
        cloudwatch._metric_bucket(key).append(point)  # noqa: SLF001


def found(text: str) -> Iterator[Embedded]:
    """Every value in the lines of a log, once for each set of dimensions that the line names."""
    for line in text.splitlines():
        if line.startswith("{") and '"_aws"' in line:
            said = json.loads(line)
            for described in said["_aws"]["CloudWatchMetrics"]:
                yield from _values(said, described)


def _values(said: dict[str, Any], described: dict[str, Any]) -> Iterator[Embedded]:
    at = said["_aws"]["Timestamp"] / 1000
    for names in described["Dimensions"]:
        dimensions = {name: str(said[name]) for name in names}
        for metric in described["Metrics"]:
            values = said[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                yield Embedded(
                    described["Namespace"], metric["Name"], dimensions, float(value), metric.get("Unit", "None"), at
                )
