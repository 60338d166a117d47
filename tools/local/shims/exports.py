"""ministack notes that a table was exported and writes nothing; DynamoDB writes the items into the bucket.

An export is complete, in DynamoDB's own JSON, gzipped, with the manifests beside it, of the instant that was asked for
(`tools.local.shims.recovery` knows the items of then), and it needs point-in-time recovery.
"""

import gzip
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import dynamodb, s3

from tools.local.shims import recovery
from tools.local.shims.recovery import OK, Answer, Item


def apply() -> None:
    """Make the local AWS write what it exports."""
    dynamodb._export_table_to_point_in_time = _writing(dynamodb._export_table_to_point_in_time)  # noqa: SLF001
    dynamodb._describe_export = _telling_where(dynamodb._describe_export)  # noqa: SLF001


def _writing(export: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    def export_written(data: Item) -> Answer:
        table = recovery.find(data.get("TableArn"))
        if table is None:
            return export(data)
        at = float(data.get("ExportTime") or time.time())
        if problem := recovery.refusal(table, at):
            return problem
        known = set(dynamodb._exports)  # noqa: SLF001
        answer = export(data)
        status, _, body = answer
        told = json.loads(body).get("ExportDescription", {})
        if status == OK and told["ExportArn"] not in known:
            _write(dynamodb._exports[told["ExportArn"]], recovery.journal(table).items_at(at))  # noqa: SLF001
        return answer

    return export_written


def _telling_where(describe: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    """What ministack tells of an export names its manifest without the prefix, and counts partitions, not items."""

    def describe_written(data: Item) -> Answer:
        status, headers, body = describe(data)
        told = json.loads(body)
        written = dynamodb._exports.get(data.get("ExportArn"), {}).get("written")  # noqa: SLF001
        if status == OK and written and told["ExportDescription"]["ExportStatus"] == "COMPLETED":
            told["ExportDescription"] |= written
        told.get("ExportDescription", {}).pop("written", None)
        return status, headers, json.dumps(told).encode()

    return describe_written


def _write(export: Item, items: Mapping[recovery.Key, Item]) -> None:
    folder = "/".join(filter(None, (export.get("S3Prefix"), "AWSDynamoDB", export["ExportArn"].rpartition("/")[2])))
    lines = "".join(f"{json.dumps({'Item': item})}\n" for item in items.values())
    data = f"{folder}/data/{export['ExportArn'].rpartition('/')[2]}.json.gz"
    listed = {"itemCount": len(items), "dataFileS3Key": data}
    at = datetime.fromtimestamp(float(export.get("ExportTime") or export["StartTime"]), UTC)
    summary = {
        "version": "2020-06-30", "exportArn": export["ExportArn"], "tableArn": export["TableArn"],
        "exportTime": at.isoformat(), "itemCount": len(items), "outputFormat": "DYNAMODB_JSON",
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
    }  # fmt: skip
    _put(export["S3Bucket"], data, gzip.compress(lines.encode()))
    _put(export["S3Bucket"], f"{folder}/manifest-files.json", f"{json.dumps(listed)}\n".encode())
    _put(export["S3Bucket"], f"{folder}/manifest-summary.json", json.dumps(summary).encode())
    export["written"] = {"ItemCount": len(items), "ExportManifest": f"{folder}/manifest-summary.json"}


def _put(bucket: str, key: str, body: bytes) -> Any:
    return s3._put_object(bucket, key, body, {})  # noqa: SLF001
