"""What a metric is. CloudWatch finds one by namespace, name and exactly these dimensions, no more and no fewer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NAMESPACE = "Ecommerce"  # of the metrics that the shop itself writes
API = "ecommerce-${Stage}"
ALIAS = "live"

Statistic = Literal["Sum", "Maximum", "Average", "SampleCount", "p50", "p95", "p99"]


@dataclass(frozen=True)
class Metric:
    """A metric, and what is asked of its values in a period."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: Statistic = "Sum"


@dataclass(frozen=True)
class Maths:
    """What is computed of several metrics, and in words what comes out."""

    expression: str
    inputs: Mapping[str, Metric]
    words: str = field(default="", compare=False)


def of_shop(name: str, statistic: Statistic = "Sum", **dimensions: str) -> Metric:
    """One that the shop writes into its log, of the whole stage or of a part of it."""
    return Metric(NAMESPACE, name, {"Stage": "${Stage}", **dimensions}, statistic)


def of_function(logical_id: str, name: str, statistic: Statistic = "Sum") -> Metric:
    """One of a function with all its versions."""
    return Metric("AWS/Lambda", name, {"FunctionName": f"${{{logical_id}}}"}, statistic)


def new_version_of(logical_id: str) -> str:
    """The number of the version that the template makes, as CloudFormation fills it in."""
    return f"${{{logical_id}.Version.Version}}"


def of_new_version(logical_id: str, name: str, statistic: Statistic = "Sum") -> Metric:
    """One of what is called through a function's alias and meets its newest version, while another has a share."""
    function = f"${{{logical_id}}}"
    called = {"FunctionName": function, "Resource": f"{function}:{ALIAS}"}
    return Metric("AWS/Lambda", name, {**called, "ExecutedVersion": new_version_of(logical_id)}, statistic)


def of_api(name: str, statistic: Statistic = "Sum") -> Metric:
    """One of the API with all its routes."""
    return Metric("AWS/ApiGateway", name, {"ApiName": API, "Stage": "${Stage}"}, statistic)


def of_table(name: str, statistic: Statistic = "Sum", **dimensions: str) -> Metric:
    """One of the table."""
    return Metric("AWS/DynamoDB", name, {"TableName": "${TableName}", **dimensions}, statistic)


def of_queue(name: str, statistic: Statistic = "Maximum") -> Metric:
    """One of the queue of dead letters."""
    return Metric("AWS/SQS", name, {"QueueName": f"{API}-dead-letters"}, statistic)
