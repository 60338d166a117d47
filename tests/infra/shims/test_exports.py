"""An export of a table of the local AWS is in the bucket; ministack by itself writes nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, s3

from tests.infra.shims.test_recovery import Call, Clock, begin, call, clock, put
from tests.infra.shims.test_recovery import mended as recovering
from tools.local.shims import exports

__all__ = ["call", "clock", "recovering"]


@pytest.fixture
def bucket() -> Iterator[str]:
    s3._create_bucket("backups", b"", {})
    yield "backups"
    s3._buckets.pop("backups", None)
    dynamodb._exports.clear()


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch, recovering: None) -> None:
    for name in ("_export_table_to_point_in_time", "_describe_export"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    exports.apply()


def export(call: Call, **more: Any) -> dict[str, Any]:
    arn = dynamodb._tables["of-the-test"]["TableArn"]
    return call("_export_table_to_point_in_time", TableArn=arn, S3Bucket="backups", S3Prefix="nightly", **more)


def objects() -> dict[str, bytes]:
    return {key: s3._get_object_data("backups", key) for key in s3._buckets["backups"]["objects"]}


def test_ministack_by_itself_writes_nothing(call: Call, bucket: str) -> None:
    begin(call)
    put(call, "mug", price=5)

    export(call)

    assert objects() == {}  # once this fails, the shim can go


@pytest.mark.usefixtures("mended", "bucket")
def test_what_was_in_the_table_then_is_in_the_bucket(call: Call, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(call)
    clock.now += 2
    put(call, "mug", price=5)
    clock.now += 2
    put(call, "cup", price=7)

    exported = export(call, ExportTime=clock.now - 1)["ExportDescription"]
    monkeypatch.setattr(dynamodb, "_EXPORT_COMPLETE_AFTER_SEC", 0)
    told = call("_describe_export", ExportArn=exported["ExportArn"])["ExportDescription"]
    found = objects()
    summary = json.loads(found[told["ExportManifest"]])
    listed = [json.loads(line) for line in found[summary["manifestFilesS3Key"]].splitlines()]
    lines = [gzip.decompress(found[each["dataFileS3Key"]]).decode() for each in listed]

    assert told["ExportStatus"] == "COMPLETED"
    assert told["ExportManifest"].startswith("nightly/AWSDynamoDB/")
    assert told["ItemCount"] == summary["itemCount"] == 1
    assert [json.loads(line)["Item"] for line in lines] == [{"PK": {"S": "mug"}, "price": {"N": "5"}}]


@pytest.mark.usefixtures("mended", "bucket")
def test_a_table_without_recovery_is_not_exported(call: Call) -> None:
    begin(call)
    dynamodb._pitr_settings.clear()

    assert export(call)["__type"] == "PointInTimeRecoveryUnavailableException"
