"""Exports of a table to S3, which outlive point-in-time recovery and the table itself, and tables made of them.

An export is made by DynamoDB beside the shop, which does not notice; it needs point-in-time recovery. What is imported
becomes a new table, as `infra/template.yaml` defines it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import boto3
import msgspec
from botocore.exceptions import ClientError

from tools.refusal import Refusal
from tools.restore import tables
from tools.restore.progress import say, wait
from tools.testing.table import definition

PREFIX = "backups"
_SUMMARY = "manifest-summary.json"
_FAILED = ("FAILED", "CANCELLED", "CANCELLING")


class ExportSummary(msgspec.Struct, frozen=True, rename="camel"):
    """What DynamoDB says of an export, in the file that it writes last."""

    table_arn: str
    export_time: datetime
    item_count: Annotated[int, msgspec.Meta(ge=0)]
    output_format: str


@dataclass(frozen=True)
class Archive:
    """An export that is complete, and where it lies."""

    bucket: str
    folder: str
    summary: ExportSummary

    @property
    def url(self) -> str:
        """Where it lies, as the command takes it."""
        return f"s3://{self.bucket}/{self.folder}"


def export(table: str, bucket: str, at: datetime | None = None) -> Archive:
    """The export of a table as it is, or was at an instant, once it is complete; one that is under way is waited for.

    Raises `Refusal` for an instant before the window of recovery, and when the export fails.
    """
    source = tables.require(table)["TableArn"]
    if at:
        tables.require_recoverable(table, at)
        wait(f"{tables.text_of(at)} comes within reach", lambda: tables.window(table)[1] >= at or None)
    arn = _find_running(source, at)
    if arn is None:
        request = {"TableArn": source, "S3Bucket": bucket, "S3Prefix": f"{PREFIX}/{table}"}
        instant = {"ExportTime": at} if at else {}
        begun = boto3.client("dynamodb").export_table_to_point_in_time(
            **request, **instant, ExportFormat="DYNAMODB_JSON"
        )
        arn = str(begun["ExportDescription"]["ExportArn"])
    else:
        say(f"  An export of {table} is under way; this waits for it.")
    made = wait(f"{table} is being exported", lambda: _ended_export(arn))
    return read(f"s3://{made['S3Bucket']}/{made['ExportManifest'].removesuffix('/' + _SUMMARY)}")


def _find_running(table_arn: str, at: datetime | None) -> str | None:
    """The export that was begun and not waited for; as of that instant, if there is one to be."""
    dynamodb = boto3.client("dynamodb")
    for each in dynamodb.list_exports(TableArn=table_arn)["ExportSummaries"]:
        if each["ExportStatus"] == "IN_PROGRESS":
            told = dynamodb.describe_export(ExportArn=each["ExportArn"])["ExportDescription"]
            if at is None or told.get("ExportTime") == at:
                return str(each["ExportArn"])
    return None


def _ended_export(arn: str) -> Any:
    found = boto3.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
    if found["ExportStatus"] == "FAILED":
        raise Refusal(f"The export failed: {found.get('FailureCode')} {found.get('FailureMessage', '')}".rstrip() + ".")
    return found if found["ExportStatus"] == "COMPLETED" else None


def read(url: str) -> Archive:
    """The export at an address such as `s3://bucket/backups/…/AWSDynamoDB/…`.

    Raises `Refusal` where there is none that is complete and that this shop can read.
    """
    scheme, _, place = url.partition("://")
    bucket, _, folder = place.strip("/").partition("/")
    if scheme != "s3" or not bucket or not folder:
        raise Refusal(f"FROM is the address of an export, such as s3://bucket/backups/…/AWSDynamoDB/…, not {url!r}.")
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=f"{folder}/{_SUMMARY}")["Body"].read()
        summary = msgspec.json.decode(body, type=ExportSummary)
    except ClientError as error:
        raise Refusal(f"{url} has no {_SUMMARY}, which ends an export: {error}") from error
    except msgspec.DecodeError as error:
        raise Refusal(f"{url}/{_SUMMARY} is not that of an export: {error}.") from error
    if summary.output_format != "DYNAMODB_JSON":
        raise Refusal(f"{url} is in {summary.output_format}; only an export in DYNAMODB_JSON can be imported.")
    return Archive(bucket, folder, summary)


def begin_import(archive: Archive, target: str) -> str:
    """Begin to make `target` of an export, unless that was begun before; the import's name.

    Raises `Refusal` for a name that another table has.
    """
    source = {"S3Bucket": archive.bucket, "S3KeyPrefix": f"{archive.folder}/data/"}
    if found := tables.describe(target):
        return _require_import(found, source)
    made = {key: value for key, value in definition().items() if key != "StreamSpecification"}
    return str(
        boto3.client("dynamodb").import_table(
            S3BucketSource=source,
            InputFormat="DYNAMODB_JSON",
            InputCompressionType="GZIP",
            TableCreationParameters={**made, "TableName": target, "SSESpecification": {"Enabled": True}},
        )["ImportTableDescription"]["ImportArn"]
    )


def _require_import(found: tables.Description, source: dict[str, str]) -> str:
    imports = boto3.client("dynamodb").list_imports(TableArn=found["TableArn"])["ImportSummaryList"]
    for each in imports:
        if {key: each["S3BucketSource"].get(key) for key in source} == source:
            return str(each["ImportArn"])
    raise Refusal(f"There is a table {found['TableName']} that is not of this export; choose another name with TO=….")


def wait_until_imported(arn: str, archive: Archive) -> None:
    """Return when every item of the export is in the table. Raises `Refusal` when not all could be taken."""
    ended = wait("the export is being imported", lambda: _ended_import(arn))
    imported, name = ended.get("ImportedItemCount", 0), ended["TableArn"].rpartition("/")[2]
    if ended["ImportStatus"] in _FAILED or imported != archive.summary.item_count:
        why = f"{ended.get('FailureCode', '')} {ended.get('FailureMessage', '')}".strip() or ended["ImportStatus"]
        count = f"{imported:,} of {archive.summary.item_count:,} items"
        raise Refusal(f"{count} were imported ({why}); delete the table {name} and run it again, or choose TO=….")


def _ended_import(arn: str) -> Any:
    found = boto3.client("dynamodb").describe_import(ImportArn=arn)["ImportTableDescription"]
    return None if found["ImportStatus"] == "IN_PROGRESS" else found
