"""The processes in which the local AWS runs functions."""

from __future__ import annotations

import io
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime, persistence
from ministack.services import lambda_svc

from tests.support.mended import ministack
from tools.local.shims import workers

CODE = """
import os
def handle(event, context):
    print("called with", event)
    if event:
        raise Exception('Unauthorized')
    return os.getpid()
"""
CONFIG = {
    "FunctionName": "f",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    "Handler": "code.handle",
    "Runtime": "python3.11",
}

pytestmark = pytest.mark.real_time  # of other processes


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path / "aws"))


@contextmanager
def worker() -> Iterator[Any]:
    """One that runs the code; each process that it has started is gone in the end."""
    content, started = io.BytesIO(), list[subprocess.Popen[str]]()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("code.py", CODE)

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    lambda_runtime.subprocess = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE)
    made = lambda_runtime.Worker("f", CONFIG, content.getvalue())
    try:
        yield made
    finally:
        made.kill()
        for process in started:
            with process:
                process.kill()


def test_ministack_still_ends_the_process_of_a_function_that_raises() -> None:
    with ministack(), worker() as process:
        before = process.invoke({}, "1")["result"]
        raised = process.invoke({"raise": 1}, "2")
        after = process.invoke({}, "3")["result"]

    assert raised["error"] == "Unauthorized"
    assert before != after


def test_a_process_outlives_what_its_function_raises() -> None:
    with ministack(workers), worker() as process:
        before = process.invoke({}, "1")["result"]
        raised = process.invoke({"raise": 1}, "2")
        after = process.invoke({}, "3")["result"]

    assert (raised["status"], raised["error"]) == ("error", "Unauthorized")
    assert "raise Exception('Unauthorized')" in raised["trace"]
    assert before == after


def test_the_lines_of_a_call_are_those_of_that_call() -> None:
    with ministack(workers), worker() as process:
        logs = [process.invoke(event, "1")["log"] for event in ({}, {"raise": 1}, {})]

    assert logs == ["called with {}", "called with {'raise': 1}", "called with {}"]


def test_code_is_unpacked_once_for_all_processes(tmp_path: Path) -> None:
    with ministack(workers), worker() as first, worker() as second:
        assert first.invoke({}, "1")["result"] != second.invoke({}, "1")["result"]
        places = {Path(each._tmpdir, "code").resolve() for each in (first, second)}
        assert {place.parent for place in places} == {tmp_path / "functions"}

    assert len(places) == 1
    assert (places.pop() / "code.py").read_text() == CODE


def test_calls_beyond_a_few_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, guard, full = 0, 0, threading.Lock(), threading.Event()

    def execute(*_: Any) -> dict[str, Any]:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
            if running == workers.MAX_PROCESSES:
                full.set()
        assert full.wait(60)
        with guard:
            running -= 1
        return {"body": "done"}

    monkeypatch.setattr(lambda_svc, "_execute_function_warm", execute)
    answers: list[Any] = []
    with ministack(workers):
        calls = [
            threading.Thread(
                target=lambda: answers.append(lambda_svc._execute_function_warm({"config": CONFIG}, {}, ""))
            )
            for _ in range(3 * workers.MAX_PROCESSES)
        ]
        for each in calls:
            each.start()
        for each in calls:
            each.join(60)

    assert most == workers.MAX_PROCESSES
    assert answers == [{"body": "done"}] * len(calls)
