"""A table of the local AWS goes back to an instant; ministack by itself gives its present."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.services import dynamodb

from tools.local.shims import recovery

TABLE = {
    "TableName": "of-the-test",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "SSESpecification": {"Enabled": True},
    "DeletionProtectionEnabled": True,
}
PATCHED = (
    "_set_item",
    "_remove_item",
    "_table_description",
    "_describe_continuous_backups",
    "_update_continuous_backups",
    "_restore_table_to_point_in_time",
)
Call = Callable[..., dict[str, Any]]


class Clock:
    """The time that ministack and the shim are told."""

    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    monkeypatch.setattr(recovery, "time", told)
    return told


@pytest.fixture
def call() -> Iterator[Call]:
    """Calls of DynamoDB, as ministack handles them; nothing is left of the tables."""

    def call(action: str, **data: Any) -> dict[str, Any]:
        _, _, body = getattr(dynamodb, action)(data)
        return dict(json.loads(body))

    yield call
    for name in list(dynamodb._tables):
        dynamodb._tables.pop(name)
    dynamodb._pitr_settings.clear()


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    for name in PATCHED:
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    recovery.apply()


def begin(call: Call) -> None:
    call("_create_table", **TABLE)
    spec = {"PointInTimeRecoveryEnabled": True}
    call("_update_continuous_backups", TableName="of-the-test", PointInTimeRecoverySpecification=spec)


def put(call: Call, name: str, *, price: int) -> None:
    call("_put_item", TableName="of-the-test", Item={"PK": {"S": name}, "price": {"N": str(price)}})


def restore(call: Call, at: float) -> dict[str, Any]:
    return call(
        "_restore_table_to_point_in_time",
        SourceTableName="of-the-test", TargetTableName="restored", RestoreDateTime=int(at),
    )  # fmt: skip


def prices(call: Call, table: str = "restored") -> dict[str, str]:
    return {item["PK"]["S"]: item["price"]["N"] for item in call("_scan", TableName=table)["Items"]}


def test_ministack_by_itself_restores_the_present(call: Call) -> None:
    begin(call)
    put(call, "mug", price=5)

    restore(call, 1_000_000_000)

    assert prices(call) == {"mug": "5"}  # once this fails, the shim can go


@pytest.mark.usefixtures("mended")
def test_a_table_is_restored_as_it_was(call: Call, clock: Clock) -> None:
    begin(call)
    clock.now += 10
    put(call, "mug", price=5)
    put(call, "cup", price=7)
    at = clock.now + 1
    clock.now += 2
    put(call, "mug", price=10)
    put(call, "jug", price=9)
    call("_delete_item", TableName="of-the-test", Key={"PK": {"S": "cup"}})

    restore(call, at)

    assert prices(call) == {"mug": "5", "cup": "7"}
    assert prices(call, "of-the-test") == {"mug": "10", "jug": "9"}


@pytest.mark.usefixtures("mended")
def test_a_restored_table_lacks_what_a_restore_leaves_out_and_says_where_it_comes_from(
    call: Call, clock: Clock
) -> None:
    begin(call)
    clock.now += 5

    first = restore(call, clock.now)["TableDescription"]
    clock.now += 2
    then = call("_describe_table", TableName="restored")["Table"]
    backups = call("_describe_continuous_backups", TableName="restored")["ContinuousBackupsDescription"]

    assert (first["TableStatus"], first["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    assert (then["TableStatus"], then["RestoreSummary"]["RestoreInProgress"]) == ("ACTIVE", False)
    assert then["RestoreSummary"]["SourceTableArn"].endswith("table/of-the-test")
    assert then["RestoreSummary"]["RestoreDateTime"] == clock.now - 2
    assert then["SSEDescription"]["Status"] == "ENABLED"
    assert "StreamSpecification" not in then
    assert then["DeletionProtectionEnabled"] is False
    assert backups["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("seconds", [-10, 10])
def test_nothing_is_restored_outside_the_window(call: Call, clock: Clock, seconds: int) -> None:
    begin(call)
    began = clock.now
    clock.now += 5

    answer = restore(call, (began if seconds < 0 else clock.now) + seconds)
    window = call("_describe_continuous_backups", TableName="of-the-test")["ContinuousBackupsDescription"]

    assert answer["__type"] == "InvalidRestoreTimeException"
    assert window["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"] == began + 1
    assert window["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"] == clock.now


@pytest.mark.usefixtures("mended")
def test_nothing_is_restored_from_a_table_without_recovery(call: Call, clock: Clock) -> None:
    call("_create_table", **TABLE)

    assert restore(call, clock.now)["__type"] == "PointInTimeRecoveryUnavailableException"


@pytest.mark.usefixtures("mended")
def test_changes_of_the_day_before_yesterday_are_forgotten_as_such(call: Call, clock: Clock) -> None:
    begin(call)
    put(call, "mug", price=5)
    clock.now += 3 * recovery.KEPT_SECONDS
    put(call, "mug", price=6)

    restore(call, clock.now - 60)

    assert prices(call) == {"mug": "5"}
    assert len(recovery.journal(recovery.find("of-the-test") or {}).changes) == 1
