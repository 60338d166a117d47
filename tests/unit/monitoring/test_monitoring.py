"""What watches is about the functions that there are, and can be drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import app as shop
from tools import stages
from tools.local.schedule import Timetable, expressions
from tools.monitoring import dashboard, draw, template
from tools.monitoring.alarms import ALARMS
from tools.monitoring.functions import FUNCTIONS

CONFIG = json.loads((Path(__file__).parents[3] / ".chalice" / "config.json").read_text())
SVG = "{http://www.w3.org/2000/svg}"


def test_every_function_is_watched_and_every_schedule_known() -> None:
    scheduled = {name: Timetable.of(text).step for name, text in expressions(shop.app).items()}

    assert {each.name for each in FUNCTIONS} == {"api_handler", *CONFIG["lambda_functions"]}
    assert {each.name: each.every for each in FUNCTIONS if each.every} == scheduled


@pytest.mark.parametrize("stage", stages.names())
def test_what_a_stage_gets_is_within_the_bounds_of_cloudwatch(stage: str) -> None:
    made = template.resources(stages.read(stage))

    for resource in made.values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            queries = properties.get("Metrics", [])
            period = properties.get("Period") or queries[1]["MetricStat"]["Period"]
            seconds = period * properties["EvaluationPeriods"]
            assert seconds <= (7 * 86_400 if period >= 3600 else 86_400)
            assert sum("MetricStat" in each for each in queries) <= 10
            assert len(properties["AlarmDescription"]) <= 1024


def test_an_alarm_says_what_it_means_what_to_do_and_where_more_stands() -> None:
    for alarm in ALARMS:
        said = template.alarm(alarm)["Properties"]["AlarmDescription"]
        assert said == f"{alarm.meaning} {alarm.do} See `{alarm.name}` under Alarms in docs/operations.md."
        assert alarm.meaning.endswith(".")
        assert re.search(r"[.:?]", alarm.do)


def test_widgets_stand_beside_and_below_each_other_and_never_on_another() -> None:
    taken: set[tuple[int, int]] = set()

    for widget in dashboard.body()["widgets"]:
        cells = {(widget["x"] + x, widget["y"] + y) for x in range(widget["width"]) for y in range(widget["height"])}
        assert not cells & taken
        assert all(x < dashboard.COLUMNS for x, _ in cells)
        taken |= cells


def test_the_picture_shows_every_title_unit_and_curve() -> None:
    body = dashboard.body()

    root = ET.fromstring(draw.picture(body, "prod"))  # noqa: S314 - our own

    graphs = [each["properties"] for each in body["widgets"] if each["type"] == "metric"]
    said = {each.text for each in root.iter(f"{SVG}text")}
    assert {each["title"] for each in graphs} <= said
    assert {each["yAxis"]["left"]["label"] for each in graphs} <= said
    assert len([*root.iter(f"{SVG}polyline")]) == sum(len(each["metrics"]) for each in graphs)
    assert "Business" in said


def test_the_command_draws_a_stage_and_refuses_one_that_there_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dashboard.svg"

    assert draw.main(["prod", str(file)]) == 0
    assert file.read_text().startswith("<svg")
    assert draw.main(["nowhere", str(file)]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert draw.main([]) == 2
