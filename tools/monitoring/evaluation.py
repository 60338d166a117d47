"""What CloudWatch makes of an alarm, told as AWS documents it ("How CloudWatch alarms treat missing data").

An alarm looks at more periods than it needs, takes the latest values that are there, and asks how to treat missing
ones only when there are too few. The last period ends now, but with the hour for one that looks at more than a day.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tools.monitoring.maths import Series, compute

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
MORE_PERIODS = 2
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class Sample(NamedTuple):
    """A value that was written, and when, in seconds since 1970."""

    at: float
    value: float


Samples = Callable[[str, str, Mapping[str, str]], Iterable[Sample]]


def state(alarm: Mapping[str, Any], samples: Samples, now: float) -> str:
    """The state of an alarm as PutMetricAlarm has it; `samples` finds values by namespace, name and dimensions."""
    needed = int(alarm["EvaluationPeriods"])
    asked = int(alarm.get("DatapointsToAlarm") or needed)
    there = [value for value in values(alarm, samples, now) if value is not None]
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [breaches(value, float(alarm["Threshold"])) for value in there[-needed:]]
    lacking = needed - len(breaching)
    bad = sum(breaching) + (lacking if _treats(alarm) == "breaching" else 0)
    if bad >= asked:
        return ALARM
    if lacking == 0 or _treats(alarm) in ("breaching", "notBreaching") or not all(breaching):
        return OK
    return _unsure(alarm, breaching)


def _unsure(alarm: Mapping[str, Any], breaching: list[bool]) -> str:
    """The state when all that is there is bad, or nothing is, and it is too little."""
    if _treats(alarm) == "ignore":
        return str(alarm["StateValue"])
    return ALARM if breaching else INSUFFICIENT


def _treats(alarm: Mapping[str, Any]) -> str:
    """How missing values count: those of AWS/DynamoDB never do, whatever the alarm says."""
    return "ignore" if alarm.get("Namespace") == "AWS/DynamoDB" else alarm.get("TreatMissingData") or "missing"


def values(alarm: Mapping[str, Any], samples: Samples, now: float) -> Series:
    """What the alarm compares, a value a period, the oldest first; None where nothing was written."""
    queries: list[Any] = alarm.get("Metrics") or []
    metrics = {each["Id"]: each["MetricStat"] for each in queries if "MetricStat" in each}
    period = int(next(iter(metrics.values()))["Period"] if metrics else alarm["Period"])
    windows = _windows(int(alarm["EvaluationPeriods"]), period, now)
    if not metrics:
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return _series(alarm, statistic, windows, samples)
    inputs = {name: _series(each["Metric"], each["Stat"], windows, samples) for name, each in metrics.items()}
    (answer,) = (each for each in queries if "Expression" in each)
    return compute(answer["Expression"], inputs)


def _windows(needed: int, period: int, now: float) -> list[tuple[float, float]]:
    """The periods, each from after a time to another."""
    end = now // HOUR_SECONDS * HOUR_SECONDS if needed * period > DAY_SECONDS else now
    return [(end - back * period, end - (back - 1) * period) for back in range(needed + MORE_PERIODS, 0, -1)]


def _series(metric: Mapping[str, Any], statistic: str, windows: list[tuple[float, float]], samples: Samples) -> Series:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    found = list(samples(metric["Namespace"], metric["MetricName"], dimensions))
    return [_statistic(statistic, [each.value for each in found if start < each.at <= end]) for start, end in windows]


def _statistic(name: str, found: list[float]) -> float | None:
    if not found:
        return None
    if name.startswith("p"):
        return _percentile(sorted(found), float(name[1:]))
    known: dict[str, float] = {
        "Sum": sum(found),
        "SampleCount": len(found),
        "Average": sum(found) / len(found),
        "Minimum": min(found),
        "Maximum": max(found),
    }
    return known[name]


def _percentile(ordered: list[float], percent: float) -> float:
    place = percent / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
