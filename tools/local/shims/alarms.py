"""ministack's alarms look at all metrics of a name, know no maths, no "so many of so many" and no missing values.

With these, tests see each alarm of the shop ring and stop, and a release is taken back by one. The verdict is by
`tools.monitoring.evaluation`. Where AWS looks each minute, here somebody looks every few seconds, and whenever values
are put or CodeDeploy asks.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from tools.monitoring import evaluation
from tools.monitoring.evaluation import Sample

LOOK_SECONDS = 2.0


def apply() -> None:
    """Make alarms ring as on AWS, and go on looking at them."""
    mend()
    threading.Thread(target=_keep_looking, name="alarms", daemon=True).start()


def mend() -> None:
    """Make alarms ring as on AWS whenever somebody looks."""
    make, put = provisioners._cw_metric_alarm_record, cloudwatch._put_metric_alarm  # noqa: SLF001

    def make_with_maths(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        queries = properties.get("Metrics")
        if not queries:
            return dict(make(name, properties))
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        return _computed(make(name, plain | {"MetricName": "-", "Namespace": "-"}), queries)

    def put_with_maths(params: Any, data: dict[str, Any], *how: Any) -> Any:
        answer = put(params, data, *how)
        if data.get("Metrics") and (alarm := cloudwatch._alarms.get(data["AlarmName"])):  # noqa: SLF001
            cloudwatch._alarms[data["AlarmName"]] = _computed(alarm, data["Metrics"])  # noqa: SLF001
        return answer

    provisioners._cw_metric_alarm_record = make_with_maths  # noqa: SLF001
    cloudwatch._put_metric_alarm = put_with_maths  # noqa: SLF001
    cloudwatch._evaluate_alarm = look  # noqa: SLF001


def look(alarm: dict[str, Any], now: float | None = None) -> None:
    """Bring an alarm's state up to what its metrics say at that time, and tell those who want to know of a change."""
    before, after = alarm["StateValue"], evaluation.state(alarm, _samples, time.time() if now is None else now)
    if before == after:
        return
    reason = f"Threshold Crossed: {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm |= {"StateValue": after, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], before, after, reason)  # noqa: SLF001
    cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)  # noqa: SLF001
    cloudwatch._evaluate_parent_alarms(alarm)  # noqa: SLF001


def _computed(alarm: Mapping[str, Any], queries: list[dict[str, Any]]) -> dict[str, Any]:
    """The alarm with its maths in place of a metric of its own."""
    of_one_metric = {"MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"}
    return {**{key: value for key, value in alarm.items() if key not in of_one_metric}, "Metrics": queries}


def _samples(namespace: str, name: str, dimensions: Mapping[str, str]) -> Iterator[Sample]:
    points = cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dimensions))) or ()  # noqa: SLF001
    for point in [*points]:
        for _ in range(int(point.get("Count", 1))):
            yield Sample(point["Timestamp"], point["Value"])


def _keep_looking() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        cloudwatch._evaluate_all_alarms()  # noqa: SLF001
