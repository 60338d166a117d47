"""Every alarm rings and stops on the local AWS, by the clock that the test says.

Each is fed what is just not too much, then too much, then the first again, and in the end nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from ministack.services import cloudwatch, sns, sqs
from ministack.services.cloudformation import provisioners

from tools import stages
from tools.local.shims import alarms as shim
from tools.monitoring import template
from tools.monitoring.alarm import Alarm
from tools.monitoring.alarms import ALARMS

HANDLERS = provisioners._RESOURCE_HANDLERS
NOON = 1_800_000_000  # a full hour
TOPIC_NAME = "ecommerce-prod-alerts"

Values = Mapping[str, float]


class Case(NamedTuple):
    """What the metrics of an alarm are in each period: quiet in any of these ways, then loud; and without any."""

    quiet: Sequence[Values]
    loud: Values
    without: str = "OK"


def more_than(threshold: float, metric: str, without: str = "OK") -> Case:
    return Case([{metric: threshold}], {metric: threshold + 1}, without)


SHARES = {
    "api-5xx": Case(
        quiet=[{"5XXError": 2, "Count": 2}, {"5XXError": 3, "Count": 300}, {"Count": 300}],
        loud={"5XXError": 4, "Count": 300},
    ),
    "api-4xx": Case(
        quiet=[{"4XXError": 19, "Count": 19}, {"4XXError": 20, "Count": 400}, {"Count": 400}],
        loud={"4XXError": 21, "Count": 400},
    ),
    "api-latency": Case(
        quiet=[{"Latency": 9000, "Count": 19}, {"Latency": 3000, "Count": 400}],
        loud={"Latency": 3001, "Count": 20},
    ),
    "api-duration": Case(
        quiet=[{"Duration": 9000, "Invocations": 19}, {"Duration": 2000, "Invocations": 400}],
        loud={"Duration": 2001, "Invocations": 20},
    ),
}
ERRORS = {each.name: more_than(each.threshold, "Errors") for each in ALARMS if each.name.endswith("-errors")}
SILENCES = {
    each.name: Case([{"Invocations": 1}], {"Invocations": 0}, "ALARM")
    for each in ALARMS
    if each.name.endswith("-silent")
}
CASES: dict[str, Case] = {
    **ERRORS,
    **SILENCES,
    **SHARES,
    "canary-failed-requests": more_than(0, "VersionFailed"),
    "cold-starts": more_than(100, "ColdStart"),
    "dead-letters": more_than(0, "ApproximateNumberOfMessagesVisible"),
    "erasures-late": more_than(0, "ErasuresLate"),
    "incidents": more_than(0, "Incident"),
    "payments-in-doubt": more_than(3600, "PaymentInDoubtAge"),
    "settle-failed": more_than(0, "SettleFailed"),
    "store-audit-silent": Case([{"StoreDrift": 0}], {}, "ALARM"),
    "store-drift": more_than(0, "StoreDrift", without="the same"),
    "stream-age": more_than(300_000, "IteratorAge"),
    "table-errors": more_than(0, "SystemErrors"),
    "throttles": more_than(5, "Throttles"),
    "webhooks-behind": more_than(900, "WebhooksBehindAge"),
}


class Watch:
    """One alarm of the template on the local AWS, the values of its metrics, and what its topic was told."""

    def __init__(self, of: Alarm) -> None:
        self.of = of
        self.now = float(NOON)
        self.topic = HANDLERS["AWS::SNS::Topic"]["create"]("Alerts", {"TopicName": TOPIC_NAME}, "stack")[0]
        self.queue, told = HANDLERS["AWS::SQS::Queue"]["create"]("Told", {"QueueName": "told"}, "stack")
        subscribed = {"TopicArn": self.topic, "Protocol": "sqs", "Endpoint": told["Arn"]}
        HANDLERS["AWS::SNS::Subscription"]["create"]("Hears", subscribed, "stack")
        properties = self._resolved(template.resources(stages.read("prod"))[of.logical_id]["Properties"])
        self.name = HANDLERS["AWS::CloudWatch::Alarm"]["create"](of.logical_id, properties, "stack")[0]

    def _resolved(self, value: Any) -> Any:
        """What CloudFormation would put there."""
        match value:
            case {"Fn::ImportValue": _}:
                return self.topic
            case {"Ref": name} | {"Fn::Sub": name}:
                return str(name).replace("${", "").replace("}", "")
            case dict():
                return {key: self._resolved(each) for key, each in value.items()}
            case list():
                return [self._resolved(each) for each in value]
        return value

    @property
    def _alarm(self) -> dict[str, Any]:
        return dict(cloudwatch._alarms[self.name])

    def live(self, *periods: Values) -> str:
        """Let so many periods pass with these values; the state in the end."""
        for values in periods:
            for metric, value in values.items():
                self._write(metric, value)
            self.now += self.of.period.total_seconds()
        shim.look(cloudwatch._alarms[self.name], self.now)
        return str(self._alarm["StateValue"])

    def _write(self, name: str, value: float) -> None:
        """A value in the middle of the period, of the one metric of that name that the alarm looks at first."""
        queries = [each["MetricStat"]["Metric"] for each in self._alarm.get("Metrics", ()) if "MetricStat" in each]
        metric = next(each for each in queries or [self._alarm] if each["MetricName"] == name)
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        at = self.now + self.of.period.total_seconds() / 2
        cloudwatch._metric_bucket((metric["Namespace"], name, cloudwatch._dims_key(dimensions))).append(
            {"Timestamp": at, "Value": float(value), "Dimensions": dimensions}
        )

    def all_through(self, values: Values) -> str:
        """The state after so many periods of it that nothing before counts."""
        return self.live(*[values] * (self.of.periods + 2))

    def told(self) -> list[str]:
        """The states that the topic was told since this was asked last."""
        messages = sqs._queues[self.queue]["messages"]
        states = [json.loads(json.loads(each["body"])["Message"])["NewStateValue"] for each in messages]
        messages.clear()
        return states


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name in (
        (provisioners, "_cw_metric_alarm_record"),
        (cloudwatch, "_put_metric_alarm"),
        (cloudwatch, "_evaluate_alarm"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    shim.mend()
    yield
    for service in (cloudwatch, sns, sqs):
        service.reset()


def test_every_alarm_has_its_case() -> None:
    assert CASES.keys() == {each.name for each in ALARMS}
    assert len({each.logical_id for each in ALARMS}) == len(ALARMS)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_rings_and_stops(alarm: Alarm) -> None:
    case, watch = CASES[alarm.name], Watch(alarm)
    once, ended = (["ALARM"], ["OK"]) if alarm.tells else ([], [])

    for quiet in case.quiet:
        assert watch.all_through(quiet) == "OK"
    watch.told()

    assert watch.all_through(case.loud) == "ALARM"
    assert watch.told() == once
    assert watch.all_through(case.loud) == "ALARM"
    assert watch.told() == []
    assert watch.all_through(case.quiet[0]) == "OK"
    assert watch.told() == ended


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_without_any_values_says_what_its_silence_means(alarm: Alarm) -> None:
    case, watch = CASES[alarm.name], Watch(alarm)

    for before, values in (("OK", case.quiet[0]), ("ALARM", case.loud)):
        assert watch.all_through(values) == before
        assert watch.all_through({}) == (before if case.without == "the same" else case.without)


@pytest.mark.parametrize("alarm", [each for each in ALARMS if each.periods > 1], ids=lambda alarm: alarm.name)
def test_an_alarm_of_several_periods_does_not_ring_before_the_last_of_them(alarm: Alarm) -> None:
    case, watch = CASES[alarm.name], Watch(alarm)
    watch.all_through(case.quiet[0])

    assert watch.live(*[case.loud] * (alarm.periods - 1)) == "OK"
    assert watch.live(case.loud) == "ALARM"


def test_values_under_other_dimensions_ring_nothing() -> None:
    (incidents,) = (each for each in ALARMS if each.name == "incidents")
    watch = Watch(incidents)
    cloudwatch._metric_bucket(("Ecommerce", "Incident", "Name=payment|Stage=Stage")).append(
        {"Timestamp": watch.now - 1, "Value": 1.0, "Dimensions": {"Stage": "Stage", "Name": "payment"}}
    )

    assert watch.live() == "OK"


def test_every_operation_and_every_function_counts_in_what_is_added_up() -> None:
    for name, metric in (("table-errors", "SystemErrors"), ("throttles", "Throttles")):
        (alarm,) = (each for each in ALARMS if each.name == name)
        for number in range(len(alarm.of.inputs)):  # type: ignore[union-attr]
            watch = Watch(alarm)
            queries = cloudwatch._alarms[watch.name]["Metrics"]
            queries.insert(1, queries.pop(number + 1))
            assert watch.live({metric: alarm.threshold + 1}) == "ALARM"
            cloudwatch.reset()
