"""Metrics in the lines of a function's log count."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

from tools.local.shims import embedded_metrics

FUNCTION = {"config": {"FunctionName": "own", "Version": "3"}}
LINE = {
    "_aws": {
        "Timestamp": 1_800_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "Ecommerce",
                "Dimensions": [["Stage"], ["Stage", "Code"]],
                "Metrics": [{"Name": "RequestFailed", "Unit": "Count"}],
            }
        ],
    },
    "RequestFailed": 1,
    "Stage": "prod",
    "Code": "internal_error",
}
LOG = "\n".join(['{"event": "WEBHOOK"}', "Traceback: _aws", json.dumps(LINE)])


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lambda_svc, "_emit_lambda_logs", lambda_svc._emit_lambda_logs)
    yield
    cloudwatch.reset()
    cloudwatch_logs.reset()


def log() -> None:
    lambda_svc._emit_lambda_logs(FUNCTION, "request-1", LOG, False, 12)  # noqa: FBT003 - as ministack has it


def test_ministack_leaves_them_alone_by_itself() -> None:
    log()

    assert not [*cloudwatch._metrics.items()]


def test_a_value_counts_once_for_each_set_of_dimensions() -> None:
    embedded_metrics.apply()

    log()

    found = dict(cloudwatch._metrics.items())
    assert found.keys() == {
        ("Ecommerce", "RequestFailed", "Stage=prod"),
        ("Ecommerce", "RequestFailed", "Code=internal_error|Stage=prod"),
    }
    for points in found.values():
        assert [(each["Value"], each["Timestamp"], each["Unit"]) for each in points] == [(1, 1_800_000_000, "Count")]
    assert len(cloudwatch_logs._log_groups["/aws/lambda/own"]["streams"]) == 1


def test_a_line_may_hold_many_values() -> None:
    several = LOG.replace('"RequestFailed": 1', '"RequestFailed": [1, 2]')

    assert [each.value for each in embedded_metrics.found(several)] == [1, 2, 1, 2]
