"""ministack takes a batch of a stream for done whatever its function reports, and tries one that fails for ever.

An event source mapping on AWS delivers again what the function names in batchItemFailures, halves a batch that fails,
and gives a record up after some attempts, into the dead-letter queue. Here `tools.local.delivery` does so.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ministack.core.responses import request_scope
from ministack.services import dynamodb, lambda_svc

from tools.local.delivery import BatchDelivery, Record, sequence_number
from tools.local.functions import FunctionFailed

GIVEN_UP = "RetryAttemptsExhausted"
REPORTS = "ReportBatchItemFailures"

_busy: set[str] = set()
_guard = threading.Lock()


class Batch(NamedTuple):
    """Records of a table's stream, and how far it is read when they are settled."""

    records: list[Record]
    begin: int
    end: int


def apply() -> None:
    """Make the local AWS deliver a table's stream as the mapping asks for."""
    lambda_svc._poll_dynamodb_streams = poll  # noqa: SLF001


def poll() -> bool:
    """Deliver what is new to each mapping, in a thread of its own; whether there was anything."""
    found = False
    for account, region, mapping in lambda_svc._iter_all_esms():  # noqa: SLF001
        with request_scope(account, region):
            found = _begin(account, region, mapping) or found
    return found


def _begin(account: str, region: str, mapping: dict[str, Any]) -> bool:
    name = mapping["UUID"]
    with _guard:
        if name in _busy or not (batch := _next_batch(mapping)):
            return False
        _busy.add(name)

    def deliver() -> None:
        try:
            with request_scope(account, region):
                _deliver(mapping, batch)
        finally:
            with _guard:
                _busy.discard(name)
            lambda_svc._esm_wake.set()  # noqa: SLF001

    threading.Thread(target=deliver, name="mapping", daemon=True).start()
    return True


def _next_batch(mapping: dict[str, Any]) -> Batch | None:
    """The next records; None when there are none, or the mapping rests or has nothing to read or to call."""
    source = mapping.get("EventSourceArn", "")
    table = source.partition("/stream/")[0].rpartition("/")[2]
    there = dynamodb._tables.get(table) if ":dynamodb:" in source else None  # noqa: SLF001
    if not mapping.get("Enabled", True) or not there or there.get("LatestStreamArn") != source or not _called(mapping):
        return None
    lambda_svc._init_stream_position(mapping["UUID"], source, mapping.get("StartingPosition", "LATEST"))  # noqa: SLF001
    begin = max(_positions()[mapping["UUID"]], dynamodb.stream_start_position(table))
    records = dynamodb.stream_records_since(table, begin, int(mapping.get("BatchSize", 100)))
    return Batch(records, begin, begin + len(records)) if records else None


def _deliver(mapping: dict[str, Any], batch: Batch) -> None:
    """Settle the batch; the position follows, so that what is settled is not delivered again after a restart."""
    places = {sequence_number(record): batch.begin + place + 1 for place, record in enumerate(batch.records)}

    def handle(event: dict[str, Any]) -> Any:
        answer = lambda_svc._execute_function(_called(mapping), event)  # noqa: SLF001
        mapping["LastProcessingResult"] = "FAILED" if answer.get("error") else f"OK - {len(event['Records'])} records"
        if answer.get("error"):
            raise FunctionFailed(str(answer.get("body")))
        return answer.get("body") if REPORTS in (mapping.get("FunctionResponseTypes") or ()) else None

    def bury(record: Record, _tries: int) -> None:
        lambda_svc._send_ddb_stream_failure_record(  # noqa: SLF001
            mapping, _called(mapping), [record], mapping["EventSourceArn"], {}, GIVEN_UP
        )

    passed: Sequence[Record] = lambda_svc._apply_filter_criteria(batch.records, mapping)  # noqa: SLF001
    settled = BatchDelivery(handle, bury, lambda number: _move(mapping, places[number]), time.sleep)
    settled.deliver(passed)
    _move(mapping, batch.end)


def _called(mapping: dict[str, Any]) -> Any:
    function, _ = lambda_svc._get_func_record_for_qualifier(  # noqa: SLF001
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    return function


def _positions() -> Any:
    return lambda_svc._dynamodb_stream_positions  # noqa: SLF001


def _move(mapping: dict[str, Any], position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:  # noqa: SLF001
        _positions()[mapping["UUID"]] = position
