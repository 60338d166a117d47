"""The dashboard: what the shop earns first, then what it runs on. Five minutes a point, times in UTC.

A row is as wide as CloudWatch's grid, and its widgets share it evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.monitoring.functions import FUNCTIONS
from tools.monitoring.metrics import Maths, Metric, Statistic, of_api, of_function, of_queue, of_shop, of_table

COLUMNS = 24
HEADING_HEIGHT = 1
WIDGET_HEIGHT = 6
PERIOD_SECONDS = 300


@dataclass(frozen=True)
class Line:
    """What a curve is called, and of which metric it is."""

    label: str
    of: Metric | Maths


@dataclass(frozen=True)
class Widget:
    """Some curves in one unit; `view` says whether as a graph or as the last number."""

    title: str
    unit: str
    lines: Sequence[Line]
    view: Literal["timeSeries", "singleValue"] = "timeSeries"


@dataclass(frozen=True)
class Section:
    """A heading and rows of widgets."""

    title: str
    rows: Sequence[Sequence[Widget]]


def _functions(name: str, statistic: Statistic = "Sum") -> list[Line]:
    return [Line(each.name, of_function(each.logical_id, name, statistic)) for each in FUNCTIONS]


def _counts(*names: str) -> list[Line]:
    return [Line(name, of_shop(name)) for name in names]


def _revenue() -> Line:
    """A currency a curve: which there are is looked up when the dashboard is shown."""
    expression = """SEARCH('{Ecommerce,Currency,Stage} MetricName="Revenue" Stage="${Stage}"', 'Sum', 300)"""
    return Line("", Maths(expression, {}))


def _percentiles(metric: str, *statistics: Statistic) -> list[Line]:
    return [Line(each, of_api(metric, each)) for each in statistics]


SECTIONS = (
    Section(
        "Business",
        [
            [
                Widget("Orders", "orders", _counts("OrderCreated", "OrderConfirmed", "OrderCancelled", "OrderExpired")),
                Widget("Revenue", "units of the currency", [_revenue()]),
                Widget(
                    "Checkout",
                    "milliseconds",
                    [Line(each, of_shop("CheckoutLatency", each)) for each in ("p50", "p95", "p99")],
                ),
            ],
            [
                Widget(
                    "Payments in doubt",
                    "payments",
                    [Line("in doubt", of_shop("PaymentInDoubt", "Maximum"))],
                ),
                Widget("Payments", "charges", _counts("PaymentProcessed", "Refunded", "SettleFailed")),
                Widget("For people", "in 5 minutes", _counts("Incident", "LowStock", "StoreDrift")),
                Widget("Carts and accounts", "in 5 minutes", _counts("CartItemAdded", "CartExpired", "UserCreated")),
            ],
        ],
    ),
    Section(
        "API",
        [
            [
                Widget("Requests", "requests", [Line("all", of_api("Count"))]),
                Widget("Failures", "requests", [Line("5xx", of_api("5XXError")), Line("4xx", of_api("4XXError"))]),
                Widget("Latency", "milliseconds", _percentiles("Latency", "p50", "p95", "p99")),
                Widget("Failed by the app, cold starts", "in 5 minutes", _counts("RequestFailed", "ColdStart")),
            ]
        ],
    ),
    Section(
        "Functions",
        [
            [
                Widget("Calls", "calls", _functions("Invocations")),
                Widget("Crashes", "calls", _functions("Errors")),
            ],
            [
                Widget("Duration, 95th percentile", "milliseconds", _functions("Duration", "p95")),
                Widget("Throttles", "calls", _functions("Throttles")),
                Widget("At once", "processes", _functions("ConcurrentExecutions", "Maximum")),
            ],
        ],
    ),
    Section(
        "Table",
        [
            [
                Widget(
                    "Capacity used",
                    "units in 5 minutes",
                    [
                        Line("read", of_table("ConsumedReadCapacityUnits")),
                        Line("write", of_table("ConsumedWriteCapacityUnits")),
                    ],
                ),
                Widget(
                    "Throttles",
                    "events",
                    [
                        Line("read", of_table("ReadThrottleEvents")),
                        Line("write", of_table("WriteThrottleEvents")),
                    ],
                ),
                Widget(
                    "Latency",
                    "milliseconds",
                    [
                        Line(each, of_table("SuccessfulRequestLatency", "Average", Operation=each))
                        for each in ("GetItem", "Query", "TransactWriteItems")
                    ],
                ),
            ]
        ],
    ),
    Section(
        "What follows",
        [
            [
                Widget(
                    "Age of the stream",
                    "milliseconds",
                    [Line("oldest record", of_function("HandleTableStream", "IteratorAge", "Maximum"))],
                ),
                Widget(
                    "Dead letters",
                    "letters",
                    [Line("in the queue", of_queue("ApproximateNumberOfMessagesVisible"))],
                ),
                Widget("Webhooks", "deliveries", _counts("WebhookDelivered", "WebhookFailed", "WebhookSwitchedOff")),
                Widget("Webhooks behind", "lanes", [Line("behind", of_shop("WebhooksBehind", "Maximum"))]),
            ]
        ],
    ),
)


def body(sections: Sequence[Section] = SECTIONS) -> dict[str, Any]:
    """The dashboard as CloudWatch takes it, with `${…}` where the template knows more."""
    widgets: list[dict[str, Any]] = []
    y = 0
    for section in sections:
        widgets.append(_heading(section.title, y))
        y += HEADING_HEIGHT
        for row in section.rows:
            width = COLUMNS // len(row)
            widgets += [_widget(each, number * width, y, width) for number, each in enumerate(row)]
            y += WIDGET_HEIGHT
    return {"periodOverride": "inherit", "widgets": widgets}


def _heading(title: str, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "width": COLUMNS, "height": HEADING_HEIGHT}
    return {"type": "text", **place, "properties": {"markdown": f"## {title}"}}


def _widget(widget: Widget, x: int, y: int, width: int) -> dict[str, Any]:
    properties = {
        "title": widget.title,
        "view": widget.view,
        "region": "${AWS::Region}",
        "period": PERIOD_SECONDS,
        "metrics": [_metric(line) for line in widget.lines],
        "yAxis": {"left": {"min": 0, "label": widget.unit, "showUnits": False}},
    }
    return {"type": "metric", "x": x, "y": y, "width": width, "height": WIDGET_HEIGHT, "properties": properties}


def _metric(line: Line) -> list[Any]:
    if isinstance(line.of, Maths):
        return [{"expression": line.of.expression}]
    dimensions = [word for pair in line.of.dimensions.items() for word in pair]
    return [line.of.namespace, line.of.name, *dimensions, {"stat": line.of.statistic, "label": line.label}]
