"""Every call of a function counts, under the dimensions that Lambda has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

from tools.local.shims import lambda_metrics

FUNCTION = {"config": {"FunctionName": "own", "Version": "3"}}
LIVE = {"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}}}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("_emit_lambda_logs", "_emit_lambda_metrics"):
        monkeypatch.setattr(lambda_svc, name, getattr(lambda_svc, name))
    yield
    lambda_svc._functions.clear()
    cloudwatch.reset()
    cloudwatch_logs.reset()


def call(*, is_error: bool) -> None:
    lambda_svc._emit_lambda_logs(FUNCTION, "request-1", "", is_error, 12)


def counted(name: str) -> dict[str, Any]:
    of_name = (each for each in cloudwatch._metrics.items() if each[0][1] == name)
    return {key[2]: [each["Value"] for each in points] for key, points in of_name}


def test_ministack_counts_no_call_but_by_invoke_by_itself() -> None:
    call(is_error=True)

    assert not counted("Invocations")


def test_a_call_counts_for_the_function_and_for_each_alias_that_leads_to_its_version() -> None:
    lambda_metrics.apply()
    lambda_svc._functions["own"] = {"aliases": {"live": LIVE, "old": {"FunctionVersion": "1"}}}

    call(is_error=False)
    call(is_error=True)

    assert counted("Errors") == {
        "FunctionName=own": [0, 1],
        "FunctionName=own|Resource=own:live": [0, 1],
        "ExecutedVersion=3|FunctionName=own|Resource=own:live": [0, 1],
    }
    assert counted("Invocations")["FunctionName=own"] == [1, 1]
    assert counted("Duration")["FunctionName=own"] == [12, 12]


def test_a_call_by_invoke_counts_once_and_a_refused_one_as_throttled_once() -> None:
    lambda_metrics.apply()

    lambda_svc._emit_lambda_metrics("own", duration_ms=12, error=False, throttle=False)
    assert counted("Invocations") == {}
    lambda_svc._emit_lambda_metrics("own", duration_ms=0, error=False, throttle=True)
    lambda_svc._emit_lambda_metrics("own", duration_ms=3, error=False, throttle=True)
    assert counted("Throttles") == {"FunctionName=own": [1]}
    assert counted("Invocations") == {}
