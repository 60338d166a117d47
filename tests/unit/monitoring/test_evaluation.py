"""Alarms are judged as AWS documents it: the tables of "How CloudWatch alarms treat missing data"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tools.monitoring import evaluation
from tools.monitoring.evaluation import Sample

NOW = 1_800_000_000.0
MINUTE = 60
GOOD, BAD = 0.0, 9.0


def samples_of(periods: str) -> list[Sample]:
    """Minutes up to now, the oldest first: `0` is good, `X` is bad, `-` is missing."""
    values = {"0": GOOD, "X": BAD}
    starts = (NOW - MINUTE * (len(periods) - number) for number in range(len(periods)))
    return [Sample(at + 30, values[each]) for at, each in zip(starts, periods, strict=True) if each != "-"]


def judged(periods: str, alarm: Mapping[str, Any]) -> str:
    of_metric = {"Namespace": "Own", "MetricName": "Errors", "Statistic": "Sum", "Period": MINUTE, "Dimensions": []}
    compared = {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "StateValue": "before"}
    return evaluation.state({**of_metric, **compared, **alarm}, lambda *_: samples_of(periods), NOW)


@pytest.mark.parametrize(
    ("periods", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("0----", "OK", "OK", "OK", "OK"),
        ("-----", "INSUFFICIENT_DATA", "before", "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", "before", "ALARM", "OK"),
    ],
)
def test_three_of_three(periods: str, missing: str, ignore: str, breaching: str, not_breaching: str) -> None:
    expected = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}

    found = {treat: judged(periods, {"EvaluationPeriods": 3, "TreatMissingData": treat}) for treat in expected}

    assert found == expected


@pytest.mark.parametrize(
    ("periods", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-X--", "OK", "OK", "ALARM", "OK"),
        ("----0", "OK", "OK", "ALARM", "OK"),
        ("---X-", "ALARM", "before", "ALARM", "OK"),
    ],
)
def test_two_of_three(periods: str, missing: str, ignore: str, breaching: str, not_breaching: str) -> None:
    expected = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    of_three = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2}

    found = {treat: judged(periods, {**of_three, "TreatMissingData": treat}) for treat in expected}

    assert found == expected


def test_values_of_dynamodb_that_are_missing_never_count() -> None:
    of_dynamodb = {"Namespace": "AWS/DynamoDB", "EvaluationPeriods": 1, "TreatMissingData": "notBreaching"}

    assert judged("---", of_dynamodb) == "before"


def test_an_alarm_over_more_than_a_day_looks_at_full_hours() -> None:
    of_two_days = {"Period": 3600, "EvaluationPeriods": 48, "Statistic": "Sum", "Dimensions": []}
    alarm = {**of_two_days, "Namespace": "Own", "MetricName": "Runs"}

    found = evaluation.values(alarm, lambda *_: [Sample(NOW - 1, 1), Sample(NOW + 1, 1)], NOW + 1800)

    assert len(found) == 48 + evaluation.MORE_PERIODS
    assert found[-2:] == [None, 1]


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Sum", 15), ("Average", 3), ("Minimum", 1), ("Maximum", 5), ("SampleCount", 5), ("p50", 3), ("p90", 4.6)],
)
def test_statistics(statistic: str, value: float) -> None:
    samples = [Sample(NOW, each) for each in (5, 3, 1, 2, 4)]
    how = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    alarm = {"Namespace": "Own", "MetricName": "Time", how: statistic, "Period": 60, "EvaluationPeriods": 1}

    assert evaluation.values(alarm, lambda *_: samples, NOW)[-1] == pytest.approx(value)
