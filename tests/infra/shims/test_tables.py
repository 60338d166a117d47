"""A stack's table has the expiry, recovery and encryption of its template; ministack by itself leaves them out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from tools.local.shims import tables

PROPERTIES = {
    "TableName": "of-the-test",
    "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": "true"},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
}


@pytest.fixture(autouse=True)
def _no_table_stays() -> Iterator[None]:
    yield
    dynamodb._tables.pop("of-the-test", None)
    dynamodb._ttl_settings.pop("of-the-test", None)
    dynamodb._pitr_settings.pop("of-the-test", None)


def create(**changes: Any) -> list[Any]:
    """Make the table as a stack does; its expiry, recovery and encryption."""
    provisioners._RESOURCE_HANDLERS[tables.KIND]["create"]("Table", {**PROPERTIES, **changes}, "stack")
    expiry, backups, table = (
        json.loads(ask({"TableName": "of-the-test"})[2])
        for ask in (dynamodb._describe_ttl, dynamodb._describe_continuous_backups, dynamodb._describe_table)
    )
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    encryption = table["Table"].get("SSEDescription", {}).get("Status", "DISABLED")
    return [expiry["TimeToLiveDescription"]["TimeToLiveStatus"], recovery, encryption]


def test_ministack_by_itself_leaves_them_out() -> None:
    assert create() == ["DISABLED", "DISABLED", "DISABLED"]  # once this fails, the shim can go


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = dict(provisioners._RESOURCE_HANDLERS[tables.KIND])
    monkeypatch.setitem(provisioners._RESOURCE_HANDLERS, tables.KIND, handlers)
    tables.apply()


def test_a_stacks_table_is_as_its_template_says(mended: None) -> None:
    assert create() == ["ENABLED", "ENABLED", "ENABLED"]


def test_what_a_template_does_not_ask_for_is_off(mended: None) -> None:
    assert create(TimeToLiveSpecification={}, PointInTimeRecoverySpecification={}, SSESpecification={}) == [
        "DISABLED",
        "DISABLED",
        "DISABLED",
    ]
