"""What becomes of asynchronous invocations that fail: as the configuration of their alias says."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from ministack.services import eventbridge, lambda_svc

from tools.local.shims import async_failures

LIVE = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": "of the alias"}}}
OWN = {"MaximumRetryAttempts": 1}


CONFIG = {"FunctionName": "job", "Version": "1", "FunctionArn": "arn:aws:lambda:us-east-1:1:function:job:1"}
VERSION = {"config": CONFIG}  # as ministack keeps one: it knows nothing of aliases


def function(*, shared: dict[str, float] | None = None) -> dict[str, Any]:
    return {
        "config": {**CONFIG, "Version": "$LATEST"},
        "versions": {"1": VERSION},
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

    lambda_svc.invoke_async_with_retry(VERSION, {})
    for run in threads:
        run()

    assert letters == []


def test_ministack_still_runs_what_a_rule_invokes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, ran = started(monkeypatch), []
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: (VERSION, CONFIG, "job"))
    monkeypatch.setattr(lambda_svc, "_execute_function_with_config_scope", lambda *_: ran.append(1))

    eventbridge._dispatch_to_lambda("an arn", "{}")
    for run in threads:
        run()

    assert ran == [1]


def test_mended_a_rule_invokes_and_the_alias_says_where_failures_go(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, letters = started(monkeypatch), given_up(monkeypatch)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda _: (VERSION, CONFIG, "job"))
    for module, name in ((lambda_svc, "invoke_async_with_retry"), (eventbridge, "_dispatch_to_lambda")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(lambda_svc, "_functions", mock.Mock(get_scoped=mock.Mock(return_value=function())))
    async_failures.apply()

    eventbridge._dispatch_to_lambda("an arn", json.dumps({"time": "now"}))
    for run in threads:
        run()

    assert letters == ["of the alias"]


@pytest.mark.parametrize(
    ("func", "version", "found"),
    [
        (function(), "1", LIVE),
        (function(), "2", OWN),
        (function(shared={"2": 0.1}), "2", LIVE),
        ({"event_invoke_configs": {"$LATEST": OWN}}, "$LATEST", OWN),
        ({}, "$LATEST", None),
    ],
)
def test_what_counts_is_what_the_alias_says_else_the_function(func: dict[str, Any], version: str, found: Any) -> None:
    assert async_failures.configuration(func, version) == found
