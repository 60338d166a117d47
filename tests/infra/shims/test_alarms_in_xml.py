"""An alarm that is made and told by calls in XML, as Terraform's are, on the local AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ministack.services import cloudwatch

from tests.support.mended import ministack
from tools.local.shims import alarms, alarms_in_xml

FLAT = {
    "AlarmName": "own",
    "EvaluationPeriods": "5",
    "Threshold": "1.5",
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "breaching",
    "ActionsEnabled": "true",
    "AlarmActions.member.1": "arn:aws:sns:us-east-1:000000000000:t",
    "Metrics.member.1.Id": "answer",
    "Metrics.member.1.Expression": "FILL(runs, 0) < 1",
    "Metrics.member.1.ReturnData": "true",
    "Metrics.member.2.Id": "runs",
    "Metrics.member.2.MetricStat.Stat": "Sum",
    "Metrics.member.2.MetricStat.Period": "60",
    "Metrics.member.2.MetricStat.Metric.Namespace": "AWS/Lambda",
    "Metrics.member.2.MetricStat.Metric.MetricName": "Invocations",
    "Metrics.member.2.ReturnData": "false",
}
ONE_METRIC = {
    **{name: value for name, value in FLAT.items() if not name.startswith("Metrics")},
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": "60",
    "Dimensions.member.1.Name": "FunctionName",
    "Dimensions.member.1.Value": "shop",
}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("_put_metric_alarm", "_describe_alarms", "_evaluate_alarm"):
        monkeypatch.setattr(cloudwatch, name, getattr(cloudwatch, name))
    yield
    cloudwatch.reset()


def told(flat: dict[str, str]) -> str:
    """What is told of an alarm that is made so, without the time."""
    params = {name: [value] for name, value in flat.items()}
    with ministack():
        assert cloudwatch._put_metric_alarm(params, {}, is_cbor=False)[0] == 200
        body = cloudwatch._describe_alarms({"AlarmNames.member.1": ["own"]}, {}, is_cbor=False)[2]
    return re.sub(r"<(\w+Timestamp)>[^<]+", r"<\1>", body if isinstance(body, str) else body.decode())


def test_ministack_still_leaves_most_of_it_out() -> None:
    found = told(ONE_METRIC)

    assert "<TreatMissingData>" not in found
    assert "<Period>" not in found


def test_all_of_it_is_told() -> None:
    alarms_in_xml.apply()

    found = told(ONE_METRIC)

    assert "<TreatMissingData>breaching</TreatMissingData>" in found
    assert "<Period>60</Period>" in found
    assert "<Dimensions><member><Name>FunctionName</Name><Value>shop</Value></member></Dimensions>" in found
    assert "<AlarmActions><member>arn:aws:sns:us-east-1:000000000000:t</member></AlarmActions>" in found


def test_maths_are_taken_and_told() -> None:
    alarms.mend()
    alarms_in_xml.apply()

    found = told(FLAT)

    assert "<Expression>FILL(runs, 0) &lt; 1</Expression>" in found
    assert "<MetricName>Invocations</MetricName></Metric><Period>60</Period><Stat>Sum</Stat>" in found
    assert "<Statistic>" not in found


def test_what_is_refused_is_refused_in_xml() -> None:
    alarms_in_xml.apply()

    with ministack():
        status, _, body = cloudwatch._describe_alarms({"MaxRecords": ["0"]}, {}, is_cbor=False)

    assert status == 400
    assert b"<Error" in (body if isinstance(body, bytes) else body.encode())
