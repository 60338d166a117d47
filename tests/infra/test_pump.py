"""The local event source mapping: nothing is lost, nothing blocks, order is kept."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local import delivery
from tools.local.checkpoint import Checkpoint
from tools.local.functions import FunctionFailed
from tools.local.stream import Stopped, lambda_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class PumpWorld:
    """Records every call of the handler, and fails as it is told to."""

    def __init__(
        self, *, raises: set[str] = frozenset(), reports: set[str] = frozenset(), recovers_after: int = 10**9
    ) -> None:
        self.raises, self.reports, self.recovers_after = raises, reports, recovers_after
        self.calls: list[list[str]] = []
        self.handled: list[str] = []
        self.buried: list[tuple[str, int]] = []
        self.position = ""
        self.pauses: list[float] = []

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        numbers = [delivery.sequence_number(record) for record in event["Records"]]
        self.calls.append(numbers)
        broken = len(self.calls) <= self.recovers_after
        if broken and self.raises & set(numbers):
            raise FunctionFailed
        failed = [number for number in numbers if broken and number in self.reports]
        self.handled += [number for number in numbers if number not in failed]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}

    def bury(self, record: delivery.Record, tries: int) -> None:
        self.buried.append((delivery.sequence_number(record), tries))

    def settled(self, number: str) -> None:
        self.position = number

    def deliver(self, records: Sequence[delivery.Record]) -> None:
        delivery.BatchDelivery(self.handle, self.bury, self.settled, self.pauses.append).deliver(records)


def records(count: int) -> list[delivery.Record]:
    return [{"dynamodb": {"SequenceNumber": str(number)}} for number in range(count)]


def test_records_go_out_in_batches_of_a_hundred() -> None:
    world = PumpWorld()

    world.deliver(records(250))

    assert [len(call) for call in world.calls] == [100, 100, 50]
    assert world.position == "249"


def test_a_reported_record_is_tried_again_with_what_follows_it() -> None:
    world = PumpWorld(reports={"2"}, recovers_after=1)

    world.deliver(records(4))

    assert world.calls == [["0", "1", "2", "3"], ["2", "3"]]
    assert world.buried == []


def test_a_reported_poison_record_is_given_up_and_the_rest_proceeds() -> None:
    world = PumpWorld(reports={"2"})

    world.deliver(records(4))

    assert world.buried == [("2", delivery.ATTEMPTS)]
    assert {"0", "1", "3"} <= set(world.handled)
    assert world.calls[-1] == ["3"]
    assert world.position == "3"


def test_a_record_that_makes_the_handler_raise_is_found_by_halving() -> None:
    world = PumpWorld(raises={"5"})

    world.deliver(records(8))

    assert world.buried == [("5", delivery.ATTEMPTS)]
    assert world.handled == ["0", "1", "2", "3", "4", "6", "7"]


def test_pauses_grow_between_attempts() -> None:
    world = PumpWorld(raises={"0"})

    world.deliver(records(1))

    assert world.pauses == sorted(world.pauses)
    assert len(world.pauses) == delivery.ATTEMPTS - 1


def test_stopping_in_a_pause_leaves_the_position_before_the_failed_record() -> None:
    def stop(_seconds: float) -> None:
        raise Stopped

    world = PumpWorld(reports={"2"})

    with pytest.raises(Stopped):
        delivery.BatchDelivery(world.handle, world.bury, world.settled, stop).deliver(records(4))

    assert world.position == "1"
    assert world.buried == []


@given(count=st.integers(1, 30), raises=st.sets(st.integers(0, 29)), reports=st.sets(st.integers(0, 29)))
def test_every_record_ends_handled_or_buried(count: int, raises: set[int], reports: set[int]) -> None:
    present = set(range(count))
    world = PumpWorld(raises={str(number) for number in raises}, reports={str(number) for number in reports})

    world.deliver(records(count))

    assert {int(number) for number, _ in world.buried} == present & (raises | reports)
    assert {int(number) for number in world.handled} == present - raises - reports
    assert world.position == str(count - 1)


@pytest.mark.parametrize(
    ("answer", "handled"),
    [
        (None, 3),
        ({}, 3),
        ({"batchItemFailures": []}, 3),
        ({"batchItemFailures": None}, 3),
        ({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "1"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, 0),
        ({"batchItemFailures": [{"wrongKey": "1"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": ["1"]}]}, 0),
        ("done", 0),
    ],
)
def test_answers_mean_what_they_mean_on_aws(answer: Any, handled: int) -> None:
    assert delivery.first_failure(answer, records(3)) == handled


def test_a_record_has_the_shape_that_lambda_gives_it() -> None:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    read = {
        "eventID": "e",
        "dynamodb": {"ApproximateCreationDateTime": at, "NewImage": {"B": {"B": b"ab"}}, "SequenceNumber": "1"},
        "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    }

    shaped = lambda_record(read, "arn")

    assert shaped["dynamodb"]["NewImage"] == {"B": {"B": "YWI="}}
    assert shaped["dynamodb"]["ApproximateCreationDateTime"] == at.timestamp()
    assert shaped["eventSourceARN"] == "arn"
    assert shaped["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_the_position_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "position"
    before = Checkpoint(path).read()

    Checkpoint(path).save("00042")

    assert (before, Checkpoint(path).read()) == (-1, 42)
