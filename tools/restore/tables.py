"""Tables: one made from another as it was, and all set on it that a restore leaves out.

Everything is asked of DynamoDB before it is done, so that each function may be called again after any interruption.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.local.resources import EXPIRY_ATTRIBUTE
from tools.refusal import Refusal
from tools.restore.progress import say, wait
from tools.testing.table import definition

Description = Mapping[str, Any]

STREAM_VIEW = "NEW_AND_OLD_IMAGES"
_NOT_YET = ("ContinuousBackupsUnavailableException", "ResourceInUseException", "LimitExceededException")


def describe(name: str) -> Description | None:
    """What DynamoDB says of the table; None when there is none of that name."""
    try:
        found: Description = boto3.client("dynamodb").describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return found


def require(name: str) -> Description:
    """The table. Raises `Refusal` when there is none of that name."""
    found = describe(name)
    if found is None:
        raise Refusal(f"There is no table {name} in this account and region.")
    return found


def window(name: str) -> tuple[datetime, datetime]:
    """The first and the last instant to which the table can be restored. Raises `Refusal` when it has no recovery."""
    answer = boto3.client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = answer.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Refusal(f"The table {name} has no point-in-time recovery; only an export can be restored (FROM=s3://…).")
    return recovery["EarliestRestorableDateTime"].astimezone(UTC), recovery["LatestRestorableDateTime"].astimezone(UTC)


def begin_restore(source: str, target: str, at: datetime) -> None:
    """Begin to make `target` from `source` as it was at an instant, unless that was begun before.

    AWS can do that some minutes after an instant only, which is waited for. Raises `Refusal` for an instant before the
    window, and for a name that another table has.
    """
    require_possible(source, target, at)
    if describe(target) is not None:
        return
    wait(f"{text_of(at)} comes within reach", lambda: window(source)[1] >= at or None)
    boto3.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=source,
        TargetTableName=target,
        RestoreDateTime=at,
        BillingModeOverride=definition()["BillingMode"],  # nothing would scale what is set aside for it
    )


def require_possible(source: str, target: str, at: datetime) -> None:
    """Raise `Refusal` when no such restore can be made or gone on with, and change nothing."""
    if describe(target) is not None:
        _require_restore(target, source, at)
    else:
        require(source)
        require_recoverable(source, at)


def require_recoverable(name: str, at: datetime) -> None:
    """Raise `Refusal` for an instant before the table's window of recovery."""
    earliest, latest = window(name)
    if at < earliest:
        raise Refusal(f"{name} can be restored from {text_of(earliest)} to {text_of(latest)}, not to {text_of(at)}.")


def text_of(at: datetime) -> str:
    """An instant as the command takes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_origin(name: str, at: datetime) -> str:
    """The table of which that one was restored as of an instant.

    Raises `Refusal` when it was not made so: as of another instant, or as any table is.
    """
    summary = require(name).get("RestoreSummary")
    if not summary:
        raise Refusal(f"There is a table {name} that is no restored one; choose another name with TO=….")
    source, made_at = summary.get("SourceTableArn", "").rpartition("/")[2], summary["RestoreDateTime"]
    if made_at.astimezone(UTC) != at:
        raise Refusal(f"{name} is {source} as of {text_of(made_at)}; choose another name with TO=….")
    return str(source)


def _require_restore(name: str, source: str, at: datetime) -> None:
    origin = find_origin(name, at)
    if origin != source:
        raise Refusal(f"{name} was restored of {origin}, not of {source}; choose another name with TO=….")


def wait_until_made(name: str) -> Description:
    """The table once all its items and indexes are there."""

    def made() -> Description | None:
        found = require(name)
        restoring = found.get("RestoreSummary", {}).get("RestoreInProgress", False)
        indexes = [index.get("IndexStatus", "ACTIVE") for index in found.get("GlobalSecondaryIndexes", [])]
        return found if found["TableStatus"] == "ACTIVE" and not restoring and set(indexes) <= {"ACTIVE"} else None

    return wait(f"{name} is being made", made)


def complete(name: str, *, is_protected: bool, tags: Mapping[str, str]) -> Description:
    """Set what no restore sets: recovery, stream, expiry, protection against deletion, and tags; the table then.

    Raises `Refusal` when the table is otherwise than `infra/template.yaml` in what cannot be set afterwards.
    """
    require_definition(wait_until_made(name))
    _set_recovery(name)
    _set_stream(name)
    _set_expiry(name)
    _set_protection(name, is_protected=is_protected)
    boto3.client("dynamodb").tag_resource(
        ResourceArn=require(name)["TableArn"], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    made = wait_until_made(name)
    if wrong := _find_incomplete(made, is_protected=is_protected):
        raise Refusal(f"{name} did not become what it has to be: {', '.join(wrong)}. Run it again.")
    return made


def require_definition(found: Description) -> None:
    """Raise `Refusal` when keys, indexes, billing mode or encryption are not those of `infra/template.yaml`."""
    wanted = definition()
    differing = [what for what, have, want in _comparisons(found, wanted) if have != want]
    if differing:
        raise Refusal(f"{found['TableName']} has other {' and other '.join(differing)} than infra/template.yaml.")


def _comparisons(found: Description, wanted: Description) -> list[tuple[str, object, object]]:
    billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    encryption = found.get("SSEDescription", {}).get("Status", "DISABLED")
    return [
        ("keys", _keys(found), _keys(wanted)),
        ("indexes", _indexes(found), _indexes(wanted)),
        ("billing", billing, wanted["BillingMode"]),
        ("encryption", encryption, "ENABLED"),
    ]


def _keys(described: Description) -> dict[str, tuple[str, str]]:
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    return {key["KeyType"]: (key["AttributeName"], types[key["AttributeName"]]) for key in described["KeySchema"]}


def _indexes(described: Description) -> dict[str, object]:
    types = {"AttributeDefinitions": described["AttributeDefinitions"]}
    return {
        index["IndexName"]: (_keys({**index, **types}), index["Projection"]["ProjectionType"])
        for index in described.get("GlobalSecondaryIndexes", [])
    }


def _set_recovery(name: str) -> None:
    spec = {"PointInTimeRecoveryEnabled": True}

    def enabled() -> bool | None:
        dynamodb = boto3.client("dynamodb")
        if not _has_recovery(name):
            _unless_busy(dynamodb.update_continuous_backups, TableName=name, PointInTimeRecoverySpecification=spec)
        return _has_recovery(name) or None

    say("  point-in-time recovery")
    wait("recovery is being enabled", enabled)


def _set_stream(name: str) -> None:
    spec = {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}

    def streaming() -> bool | None:
        if not _has_stream(require(name)):
            _unless_busy(boto3.client("dynamodb").update_table, TableName=name, StreamSpecification=spec)
        return _has_stream(wait_until_made(name)) or None

    say("  stream")
    wait("the stream is being enabled", streaming)


def _set_expiry(name: str) -> None:
    spec = {"Enabled": True, "AttributeName": EXPIRY_ATTRIBUTE}

    def expiring() -> bool | None:
        if not _has_expiry(name):
            _unless_busy(boto3.client("dynamodb").update_time_to_live, TableName=name, TimeToLiveSpecification=spec)
        return _has_expiry(name) or None

    say("  expiry")
    wait("expiry is being enabled", expiring)


def _set_protection(name: str, *, is_protected: bool) -> None:
    def protected() -> bool | None:
        if require(name).get("DeletionProtectionEnabled", False) is not is_protected:
            update = boto3.client("dynamodb").update_table
            _unless_busy(update, TableName=name, DeletionProtectionEnabled=is_protected)
        return wait_until_made(name).get("DeletionProtectionEnabled", False) is is_protected or None

    say("  protection against deletion")
    wait("the protection is being set", protected)


def _unless_busy(change: Any, **wanted: object) -> None:
    """Ask for a change; one that DynamoDB cannot begin yet is asked for again by whoever waits for it."""
    try:
        change(**wanted)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_YET:
            raise


def _has_recovery(name: str) -> bool:
    answer = boto3.client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return bool(status == "ENABLED")


def _has_stream(found: Description) -> bool:
    stream = found.get("StreamSpecification", {})
    return bool(stream.get("StreamEnabled") and stream.get("StreamViewType") == STREAM_VIEW)


def _has_expiry(name: str) -> bool:
    expiry = boto3.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") and expiry["AttributeName"] == EXPIRY_ATTRIBUTE


def _find_incomplete(found: Description, *, is_protected: bool) -> list[str]:
    name = found["TableName"]
    held = {
        "recovery": _has_recovery(name),
        "the stream": _has_stream(found),
        "expiry": _has_expiry(name),
        "protection": found.get("DeletionProtectionEnabled", False) is is_protected,
    }
    return [what for what, holds in held.items() if not holds]
