"""Alarms of the local AWS: what ministack leaves out, and that it looks again by itself. tests/infra/test_alarms.py
sees every alarm of the shop ring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from tools.local.shims import alarms

NOON = 1_800_000_000.0
QUERIES: list[dict[str, Any]] = [{"Id": "answer", "Expression": "100 * failed / all", "ReturnData": True}]
for _name in ("failed", "all"):
    _metric = {"Namespace": "Own", "MetricName": _name, "Dimensions": []}
    QUERIES.append({"Id": _name, "MetricStat": {"Metric": _metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False})
COMPARED = {
    "AlarmName": "own",
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "breaching",
}
OF_ONE_METRIC = {
    **COMPARED,
    "Namespace": "Own",
    "MetricName": "failed",
    "Statistic": "Sum",
    "Period": 60,
    "Dimensions": [{"Name": "Stage", "Value": "prod"}],
}
create = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]["create"]


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the shim changes is put back."""
    for module, name in (
        (provisioners, "_cw_metric_alarm_record"),
        (cloudwatch, "_put_metric_alarm"),
        (cloudwatch, "_evaluate_alarm"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    yield
    cloudwatch.reset()


def write(name: str, value: float, **dimensions: str) -> None:
    points = cloudwatch._metric_bucket(("Own", name, cloudwatch._dims_key(dimensions)))
    points.append({"Timestamp": NOON - 1, "Value": value, "Dimensions": dimensions})


def state() -> str:
    return str(cloudwatch._alarms["own"]["StateValue"])


def test_ministack_takes_no_maths_by_itself() -> None:
    with pytest.raises(ValueError, match="not supported"):
        create("Own", {**COMPARED, "Metrics": QUERIES}, "stack")


def test_ministack_takes_values_under_any_dimensions_by_itself_and_none_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cloudwatch.time, "time", lambda: NOON)

    create("Own", OF_ONE_METRIC, "stack")
    assert state() == "INSUFFICIENT_DATA"
    write("failed", 2, Stage="dev")
    cloudwatch._evaluate_alarm(cloudwatch._alarms["own"])
    assert state() == "ALARM"


def test_maths_are_computed() -> None:
    alarms.mend()
    create("Own", {**COMPARED, "Metrics": QUERIES}, "stack")

    write("all", 100)
    write("failed", 1)
    alarms.look(cloudwatch._alarms["own"], NOON)
    assert state() == "OK"
    write("failed", 1)
    alarms.look(cloudwatch._alarms["own"], NOON)
    assert state() == "ALARM"
    assert "MetricName" not in cloudwatch._alarms["own"]


def test_maths_that_come_by_a_call_are_computed_too() -> None:
    alarms.mend()
    given: dict[str, Any] = {**COMPARED, "Metrics": QUERIES}

    cloudwatch._put_metric_alarm({}, given, False, True)  # noqa: FBT003 - as ministack has it
    write("all", 10)
    write("failed", 1)
    alarms.look(cloudwatch._alarms["own"], NOON)

    assert state() == "ALARM"
    assert cloudwatch._alarms["own"]["Metrics"] == QUERIES


def test_only_values_under_the_same_dimensions_count_and_missing_ones_as_they_are_treated() -> None:
    alarms.mend()
    create("Own", OF_ONE_METRIC, "stack")

    write("failed", 0, Stage="prod")
    write("failed", 2, Stage="dev")
    alarms.look(cloudwatch._alarms["own"], NOON)
    assert state() == "OK"
    alarms.look(cloudwatch._alarms["own"], NOON + 3600)
    assert state() == "ALARM"
    assert [each["HistorySummary"] for each in cloudwatch._history_entries()][-2:] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
    ]
