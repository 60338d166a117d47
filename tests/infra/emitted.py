"""Which metrics there are under which dimensions: the shop's own by lines that it wrote, AWS's by its documentation.

CloudWatch finds a metric by exactly its dimensions: what is watched under others is always missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tools.local.shims import embedded_metrics
from tools.monitoring import dashboard
from tools.monitoring.alarms import ALARMS
from tools.monitoring.metrics import Maths

SEARCH = re.compile(r"""SEARCH\('\{(\w+),([\w,]+)\} MetricName="(\w+)" """)


class Known(NamedTuple):
    """A metric under a set of dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[str]

    @classmethod
    def of(cls, namespace: str, name: str, *dimensions: str) -> Known:
        return cls(namespace, name, frozenset(dimensions))


# From the pages "Metrics and dimensions" of each service.
OF_AWS = {
    ("AWS/Lambda", ("FunctionName",)): (
        "Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "IteratorAge",
    ),
    ("AWS/Lambda", ("FunctionName", "Resource")): ("Invocations", "Errors", "Throttles", "Duration"),
    ("AWS/Lambda", ("FunctionName", "Resource", "ExecutedVersion")): ("Invocations", "Errors", "Throttles", "Duration"),
    ("AWS/ApiGateway", ("ApiName", "Stage")): ("Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"),
    ("AWS/DynamoDB", ("TableName",)): (
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
    ),
    ("AWS/DynamoDB", ("TableName", "Operation")): ("SystemErrors", "SuccessfulRequestLatency", "ThrottledRequests"),
    ("AWS/SQS", ("QueueName",)): ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"),
}  # fmt: skip
ASIDE = {Known.of(namespace, name, *by) for (namespace, by), names in OF_AWS.items() for name in names}


def watched() -> set[Known]:
    """Every metric that an alarm or the dashboard names."""
    of_alarms = (each.of for each in ALARMS)
    metrics = [metric for of in of_alarms for metric in (of.inputs.values() if isinstance(of, Maths) else [of])]
    graphs = (each["properties"]["metrics"] for each in dashboard.body()["widgets"] if each["type"] == "metric")
    return {
        *(Known.of(each.namespace, each.name, *each.dimensions) for each in metrics),
        *(_shown(line) for lines in graphs for line in lines),
    }


def _shown(line: list[Any]) -> Known:
    """The metric of a curve, or the one that is looked for when it is shown."""
    if len(line) > 1:
        return Known.of(line[0], line[1], *line[2:-1:2])
    found = SEARCH.match(line[0]["expression"])
    assert found, line
    return Known.of(found[1], found[3], *found[2].split(","))


def written(lines: str) -> Iterator[Known]:
    """Every metric that stands in lines of a log."""
    for each in embedded_metrics.found(lines):
        yield Known.of(each.namespace, each.name, *each.dimensions)


def missing(lines: str) -> list[str]:
    """What is watched and neither written in these lines nor by AWS, in words."""
    lacking = watched() - ASIDE - {*written(lines)}
    return sorted(f"{each.namespace} {each.name} by {', '.join(sorted(each.dimensions))}" for each in lacking)


def line_of(name: str, *dimensions: str) -> str:
    """A line that writes that metric by these dimensions."""
    described = {"Namespace": "Ecommerce", "Dimensions": [[*dimensions]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    line = {"_aws": {"Timestamp": 0, "CloudWatchMetrics": [described]}, name: 1, **dict.fromkeys(dimensions, "test")}
    return json.dumps(line)
