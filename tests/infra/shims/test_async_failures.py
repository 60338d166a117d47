"""What becomes of asynchronous invocations that fail: as the configuration of their alias says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ministack.services import eventbridge, lambda_svc

from tools.local.shims import async_failures

LIVE = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": "of the alias"}}}
OWN = {"MaximumRetryAttempts": 1}


def function(version: str, *, shared: dict[str, float] | None = None) -> dict[str, Any]:
    return {
        "config": {"FunctionName": "job", "Version": version, "FunctionArn": "arn:aws:lambda:us-east-1:1:function:job"},
        "aliases": {"live": {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": shared or {}}}},
        "event_invoke_configs": {"live": LIVE},
        "event_invoke_config": OWN,
    }


def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What ministack would run in a thread of its own, instead of running it."""
    found: list[Any] = []

    class Thread:
        def __init__(self, *, target: Any, args: tuple[Any, ...] = (), daemon: bool = False) -> None:
            self.run, self.daemon = lambda: target(*args), daemon

        def start(self) -> None:
            found.append(self.run)

    for module in (lambda_svc, eventbridge):
        monkeypatch.setattr(module.threading, "Thread", Thread)
    return found


def given_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where failed calls go, when every call fails and no time passes between them."""
    found: list[str] = []
    monkeypatch.setattr(lambda_svc, "_execute_function", lambda *_: {"error": True})
    monkeypatch.setattr(lambda_svc, "_account_region_from_function_config", lambda _: ("1", "us-east-1"))
    monkeypatch.setattr(lambda_svc, "_route_async_failure", lambda arn, *_: found.append(arn))
    monkeypatch.setattr(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", 0.0)
    return found


def test_ministack_still_does_not_heed_the_configuration_of_an_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, letters = started(monkeypatch), given_up(monkeypatch)

    lambda_svc.invoke_async_with_retry(function("1"), {})
    for run in threads:
        run()

    assert letters == []


def test_ministack_still_runs_what_a_rule_invokes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, ran = started(monkeypatch), []
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: (function("1"), function("1")["config"], ""))
    monkeypatch.setattr(lambda_svc, "_execute_function_with_config_scope", lambda *_: ran.append(1))

    eventbridge._dispatch_to_lambda("an arn", "{}")
    for run in threads:
        run()

    assert ran == [1]


def test_mended_a_rule_invokes_and_the_alias_says_where_failures_go(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, letters = started(monkeypatch), given_up(monkeypatch)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: (function("1"), function("1")["config"], ""))
    for module, name in ((lambda_svc, "invoke_async_with_retry"), (eventbridge, "_dispatch_to_lambda")):
        monkeypatch.setattr(module, name, getattr(module, name))
    async_failures.apply()

    eventbridge._dispatch_to_lambda("an arn", json.dumps({"time": "now"}))
    for run in threads:
        run()

    assert letters == ["of the alias"]


@pytest.mark.parametrize(
    ("func", "found"),
    [
        (function("1"), LIVE),
        (function("2"), OWN),
        (function("2", shared={"2": 0.1}), LIVE),
        ({"config": {"Version": "$LATEST"}, "event_invoke_configs": {"$LATEST": OWN}}, OWN),
        ({"config": {"Version": "$LATEST"}}, None),
    ],
)
def test_what_counts_is_what_the_alias_says_else_the_function(func: dict[str, Any], found: Any) -> None:
    assert async_failures.configuration(func) == found
