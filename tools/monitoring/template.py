"""What watches a stage, as resources of CloudFormation for the template of its functions and API."""

import json
from typing import Any

from tools.monitoring import access_log, dashboard
from tools.monitoring.alarm import Alarm
from tools.monitoring.alarms import ALARMS
from tools.monitoring.functions import FUNCTIONS
from tools.monitoring.metrics import Maths, Metric
from tools.monitoring.queries import QUERIES, SavedQuery
from tools.stages import Stage

TOPIC = {"Fn::ImportValue": {"Fn::Sub": "ecommerce-${Stage}-AlertTopicArn"}}
TAGS = [{"Key": "Project", "Value": "ecommerce"}, {"Key": "Stage", "Value": {"Ref": "Stage"}}]
ROW = "See `{name}` under Alarms in docs/operations.md."


def resources(stage: Stage) -> dict[str, Any]:
    """All that watches the stage, by logical id."""
    made = {
        **{each.logical_id: alarm(each) for each in ALARMS},
        **{each.logical_id: _query(each) for each in QUERIES},
        "Dashboard": _dashboard(),
        access_log.GROUP: access_log.group(stage.log_days),
    }
    named: dict[str, Any] = json.loads(json.dumps(made).replace("${TableName}", stage.table_name))
    return named


def alarm(given: Alarm) -> dict[str, Any]:
    """An alarm that tells the stage's topic when it begins and when it ends."""
    properties = {
        "AlarmName": {"Fn::Sub": f"ecommerce-${{Stage}}-{given.name}"},
        "AlarmDescription": " ".join([given.meaning, given.do, ROW.format(name=given.name)]),
        "EvaluationPeriods": given.periods,
        "Threshold": given.threshold,
        "ComparisonOperator": given.comparison,
        "TreatMissingData": given.missing,
        "Tags": TAGS,
        **({"AlarmActions": [TOPIC], "OKActions": [TOPIC]} if given.tells else {}),
        **_watched(given),
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _watched(given: Alarm) -> dict[str, Any]:
    seconds = int(given.period.total_seconds())
    if isinstance(given.of, Maths):
        answer = {"Id": "answer", "Expression": given.of.expression, "ReturnData": True}
        return {"Metrics": [answer, *(_input(name, each, seconds) for name, each in given.of.inputs.items())]}
    how = "ExtendedStatistic" if given.of.statistic.startswith("p") else "Statistic"
    return {**_metric(given.of), how: given.of.statistic, "Period": seconds}


def _input(name: str, metric: Metric, seconds: int) -> dict[str, Any]:
    asked = {"Metric": _metric(metric), "Period": seconds, "Stat": metric.statistic}
    return {"Id": name, "MetricStat": asked, "ReturnData": False}


def _metric(metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": _text(value)} for name, value in metric.dimensions.items()]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _text(value: str) -> Any:
    return {"Fn::Sub": value} if "${" in value.replace("${TableName}", "") else value


def _query(query: SavedQuery) -> dict[str, Any]:
    groups = [{"Ref": f"{function.logical_id}Logs"} for function in FUNCTIONS]
    properties = {
        "Name": {"Fn::Sub": f"ecommerce-${{Stage}}/{query.name}"},
        "QueryString": query.text,
        "LogGroupNames": groups,
    }
    return {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}


def _dashboard() -> dict[str, Any]:
    properties = {
        "DashboardName": {"Fn::Sub": "ecommerce-${Stage}"},
        "DashboardBody": {"Fn::Sub": json.dumps(dashboard.body())},
    }
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}
