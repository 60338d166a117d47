"""How the local AWS delivers a table's stream to a function."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ministack.services import dynamodb, lambda_svc

from tests.support.mended import ministack
from tools.local.shims import mappings

SOURCE = "arn:aws:dynamodb:us-east-1:000000000000:table/things/stream/2026"
RECORDS = [
    {"eventID": str(n), "dynamodb": {"SequenceNumber": str(n), "Keys": {"PK": {"S": f"T#{n}"}}}} for n in range(4)
]


class Function:
    """Reports the record it is told to, as often as it is told to, or fails on it."""

    def __init__(self, bad: str, times: int = 1, *, fails: bool = False) -> None:
        self.bad, self.left, self.fails = bad, times, fails
        self.batches: list[list[str]] = []

    def __call__(self, _record: Any, event: dict[str, Any]) -> dict[str, Any]:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.append(numbers)
        if self.bad not in numbers or not self.left:
            return {"body": {"batchItemFailures": []}}
        self.left -= 1
        if self.fails:
            return {"error": True, "body": {}}
        return {"body": {"batchItemFailures": [{"itemIdentifier": self.bad}]}}


@pytest.fixture
def mapping(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found = {
        "UUID": "mapping",
        "EventSourceArn": SOURCE,
        "FunctionName": "f",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    monkeypatch.setattr(lambda_svc, "_iter_all_esms", lambda: iter([("000000000000", "us-east-1", found)]))
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_qualifier", lambda *_: ({"config": {}}, {}))
    monkeypatch.setattr(lambda_svc, "_dynamodb_stream_positions", {})
    monkeypatch.setattr(dynamodb, "_tables", {"things": {"LatestStreamArn": SOURCE}})
    monkeypatch.setattr(dynamodb, "stream_start_position", lambda *_: 0)
    monkeypatch.setattr(dynamodb, "stream_end_position", lambda *_: len(RECORDS))
    monkeypatch.setattr(dynamodb, "stream_records_since", lambda _, begin, limit: RECORDS[begin : begin + limit])
    return found


def deliver(function: Function, monkeypatch: pytest.MonkeyPatch) -> int:
    """Poll once and wait for what follows; how far the stream is read then."""
    monkeypatch.setattr(lambda_svc, "_execute_function", function)
    monkeypatch.setattr(mappings.time, "sleep", lambda _: None)
    assert lambda_svc._poll_dynamodb_streams()
    for thread in threading.enumerate():
        if thread.name == "mapping":
            thread.join(60)
    return int(lambda_svc._dynamodb_stream_positions["mapping"])


def test_ministack_still_forgets_what_a_function_reports(
    mapping: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ministack():
        function = Function("2")

        assert deliver(function, monkeypatch) == len(RECORDS)

    assert function.batches == [["0", "1", "2", "3"]]


def test_what_a_function_reports_is_delivered_again(mapping: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with ministack(mappings):
        function = Function("2")

        assert deliver(function, monkeypatch) == len(RECORDS)
        assert not lambda_svc._poll_dynamodb_streams()

    assert function.batches == [["0", "1", "2", "3"], ["2", "3"]]


def test_a_batch_that_fails_is_halved_and_a_record_that_stays_bad_is_given_up(
    mapping: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    buried: list[Any] = []
    monkeypatch.setattr(
        lambda_svc, "_send_ddb_stream_failure_record", lambda *given: buried.append((given[2], given[5]))
    )
    with ministack(mappings):
        function = Function("1", 1000, fails=True)

        assert deliver(function, monkeypatch) == len(RECORDS)

    assert function.batches[:3] == [["0", "1", "2", "3"], ["0", "1"], ["0"]]
    assert function.batches[-1] == ["2", "3"]
    assert buried == [([RECORDS[1]], "RetryAttemptsExhausted")]


@pytest.mark.parametrize("change", [{"Enabled": False}, {"EventSourceArn": SOURCE + "-older"}])
def test_a_mapping_that_rests_or_reads_another_stream_delivers_nothing(
    mapping: dict[str, Any], change: dict[str, Any]
) -> None:
    mapping.update(change)
    with ministack(mappings):
        assert not lambda_svc._poll_dynamodb_streams()
