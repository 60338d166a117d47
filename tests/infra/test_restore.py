"""Tables made of others as they were, on the local AWS: whole, of the right instant, and by any number of tries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.core import clock
from tests.support import local_aws
from tools import stages
from tools.local import deployed
from tools.local import settings as local
from tools.refusal import Refusal
from tools.restore import __main__ as command
from tools.restore import archives, inventory, steps, tables

pytestmark = [pytest.mark.no_cover, pytest.mark.real_time]

TABLE = "ecommerce-dev"
BUCKET = f"ecommerce-dev-{local.ACCOUNT}"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A local AWS with the resources of the stage dev."""
    with local_aws.empty(tmp_path_factory.mktemp("restore")):
        deployed.deploy_resources(stages.read("dev"))
        yield


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.restore.progress.FIRST_PAUSE_SECONDS", 0.05)


@pytest.fixture
def items(aws: None) -> Iterator[dict[str, str]]:
    """Five items in the table, and nothing but the table when the test is over."""
    dynamodb = boto3.client("dynamodb")
    put({f"A{number}": "1" for number in range(5)})
    yield contents(TABLE)
    for name in dynamodb.list_tables()["TableNames"]:
        if name != TABLE:
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.delete_table(TableName=name)
    for key in contents(TABLE):
        dynamodb.delete_item(TableName=TABLE, Key={"PK": {"S": key}, "SK": {"S": "1"}})


def put(prices: dict[str, str]) -> None:
    for key, price in prices.items():
        item = {"PK": {"S": key}, "SK": {"S": "1"}, "price": {"N": price}}
        boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)


def contents(table: str) -> dict[str, str]:
    found = boto3.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["PK"]["S"]: item["price"]["N"] for item in found}


def settled_second() -> datetime:
    """The first whole second after all that was done so far; returns when it has passed."""
    at = clock.now().replace(microsecond=0) + timedelta(seconds=1)
    while clock.now() <= at + timedelta(seconds=0.01):
        clock.pause(0.02)
    return at


def damage() -> None:
    put({"A0": "2", "B": "1"})
    boto3.client("dynamodb").delete_item(TableName=TABLE, Key={"PK": {"S": "A1"}, "SK": {"S": "1"}})


def run(*arguments: str) -> int:
    return command.main([arguments[0], "dev", *arguments[1:]])


def settings_of(name: str) -> list[Any]:
    dynamodb, found = boto3.client("dynamodb"), tables.require(name)
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return [
        *(found.get(each) for each in ("KeySchema", "GlobalSecondaryIndexes", "StreamSpecification")),
        found["BillingModeSummary"]["BillingMode"], found["SSEDescription"]["Status"], expiry,
        backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        sorted((tag["Key"], tag["Value"]) for tag in tags if not tag["Key"].startswith("aws:")),
    ]  # fmt: skip


def without_arns(settings: list[Any]) -> list[Any]:
    kept = ("IndexName", "KeySchema", "Projection")
    indexes = [{key: index[key] for key in kept} for index in settings[1]]
    return [settings[0], indexes, *settings[2:]]


def test_a_table_is_restored_as_it_was_with_all_its_settings(
    items: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    at = settled_second()
    damage()

    code = run("restore", "--at", tables.text_of(at), "--to", "restored")

    assert code == 0
    assert contents("restored") == items
    assert without_arns(settings_of("restored")) == without_arns(settings_of(TABLE))
    assert "nothing uses it" in capsys.readouterr().out


def test_the_same_words_again_find_the_table_as_it_is(items: dict[str, str]) -> None:
    at = tables.text_of(settled_second())
    damage()
    boto3.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName="restored", RestoreDateTime=clock.parse(at)
    )  # interrupted here

    codes = [run("restore", "--at", at, "--to", "restored") for _ in range(2)]

    assert codes == [0, 0]
    assert contents("restored") == items


def test_a_stage_that_protects_its_table_protects_the_restored_one(items: dict[str, str]) -> None:
    at = settled_second()
    tables.begin_restore(TABLE, "restored", at)

    tables.complete("restored", is_protected=True, tags={"Stage": "dev"})

    assert tables.require("restored")["DeletionProtectionEnabled"] is True


def test_an_instant_outside_the_window_is_refused_with_its_bounds(
    items: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    earliest, _ = tables.window(TABLE)

    code = run("restore", "--at", "2020-01-01T00:00:00Z")

    said = capsys.readouterr().err
    assert code == 2
    assert f"can be restored from {tables.text_of(earliest)} to " in said
    assert boto3.client("dynamodb").list_tables()["TableNames"] == [TABLE]


def test_nobody_is_shut_out_for_an_instant_that_cannot_be(
    items: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[object] = []
    monkeypatch.setattr("tools.restore.gate.close", closed.append)

    assert run("restore", "--at", "2020-01-01T00:00:00Z", "--switch") == 2
    assert closed == []


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("yesterday", "AT is an instant such as"),
        ("2026-11-28T01:30:00", "does not say where"),
        ("2099-01-01T00:00:00+01:00", "has not been yet"),
    ],
)
def test_what_is_no_instant_is_refused(capsys: pytest.CaptureFixture[str], at: str, said: str) -> None:
    assert run("restore", "--at", at) == 2
    assert said in capsys.readouterr().err


def test_a_name_that_another_table_has_is_refused(items: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    at = settled_second()
    tables.begin_restore(TABLE, "restored", at)
    later = tables.text_of(settled_second())

    assert run("restore", "--at", later, "--to", TABLE) == 2
    assert f"There is a table {TABLE} that is no restored one" in capsys.readouterr().err
    assert run("restore", "--at", later, "--to", "restored") == 2
    assert f"restored is {TABLE} as of {tables.text_of(at)}" in capsys.readouterr().err


def test_a_table_of_another_shape_is_refused(aws: None) -> None:
    found = dict(tables.require(TABLE))

    for what, changed in {
        "keys": {"KeySchema": found["KeySchema"][:1]},
        "indexes": {"GlobalSecondaryIndexes": found["GlobalSecondaryIndexes"][:1]},
        "billing": {"BillingModeSummary": {"BillingMode": "PROVISIONED"}},
        "encryption": {"SSEDescription": {"Status": "DISABLED"}},
    }.items():
        with pytest.raises(command.Refusal, match=f"other {what} than"):
            tables.require_definition({**found, **changed})


def test_an_export_becomes_a_table_with_all_settings(items: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("backup") == 0
    url = capsys.readouterr().out.strip()
    damage()

    codes = [run("restore", "--from", url, "--to", "imported") for _ in range(2)]

    assert codes == [0, 0]
    assert contents("imported") == items
    assert without_arns(settings_of("imported")) == without_arns(settings_of(TABLE))


def test_an_export_as_of_an_instant_has_what_was_there(
    items: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    at = settled_second()
    damage()

    assert run("backup", "--at", tables.text_of(at)) == 0
    archive = archives.read(capsys.readouterr().out.strip())

    assert archive.summary.item_count == len(items)
    assert archive.summary.export_time == at


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("backups/of/yesterday", "FROM is the address of an export"),
        ("s3://", "FROM is the address of an export"),
        (f"s3://{BUCKET}/backups/nothing", "has no manifest-summary.json"),
    ],
)
def test_what_is_no_export_is_refused(aws: None, capsys: pytest.CaptureFixture[str], url: str, said: str) -> None:
    assert run("restore", "--from", url) == 2
    assert said in capsys.readouterr().err


def test_an_export_that_does_not_parse_is_refused(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="broken/manifest-summary.json", Body=b'{"tableArn": 1}')

    assert run("restore", "--from", f"s3://{BUCKET}/broken") == 2
    assert "is not that of an export" in capsys.readouterr().err


def test_an_import_that_lacks_items_is_refused(items: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("backup") == 0
    url = capsys.readouterr().out.strip()
    archive = archives.read(url)
    key = f"{archive.folder}/manifest-summary.json"
    text = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=key, Body=text.replace('"itemCount": 5', '"itemCount": 6').encode()
    )

    assert run("restore", "--from", url, "--to", "imported") == 2
    assert "5 of 6 items were imported" in capsys.readouterr().err


def test_names_say_the_instant_and_do_not_grow() -> None:
    at = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)

    once = steps.name_of("ecommerce-prod", at, is_import=False)

    assert once == "ecommerce-prod-20261128T0130"
    assert steps.name_of(once, at + timedelta(seconds=7), is_import=True) == "ecommerce-prod-20261128T013007-import"
    assert steps.name_of("ecommerce-prod-20261128T013007-import", at, is_import=False) == once


def test_an_export_that_is_under_way_is_waited_for(items: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    begun = boto3.client("dynamodb").export_table_to_point_in_time(
        TableArn=tables.require(TABLE)["TableArn"], S3Bucket=BUCKET, S3Prefix="begun"
    )["ExportDescription"]  # interrupted here

    assert run("backup") == 0
    assert begun["ExportArn"].rpartition("/")[2] in capsys.readouterr().out


def test_what_chalice_deployed_is_closed_as_well(tmp_path: Path, aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "DEPLOYED", tmp_path)
    deployed = {
        "resources": [
            {"name": "api_handler", "resource_type": "lambda_function", "lambda_arn": "arn:api"},
            {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": "abc"},
            {"name": "check_store", "resource_type": "scheduled_event", "rule_name": "nightly"},
            {"name": "handle_table_stream", "resource_type": "dynamodb_event", "event_uuid": "1-2"},
        ]
    }
    (tmp_path / "dev.json").write_text(json.dumps(deployed))
    stage = stages.read("dev")

    kinds = (inventory.FUNCTION, inventory.API, inventory.RULE, inventory.TRIGGER)
    assert [inventory.members(stage, kind) for kind in kinds] == [["arn:api"], ["abc"], ["nightly"], ["1-2"]]


def test_a_stage_that_is_not_deployed_is_not_closed(
    aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inventory, "DEPLOYED", tmp_path)

    assert command.main(["close", "dev"]) == 2
    assert "There is no stack ecommerce-dev" in capsys.readouterr().err


def test_the_api_of_another_project_is_not_the_stages(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_has_terraform", lambda _: True)
    gateway, dev = boto3.client("apigateway"), stages.read("dev")
    others = [{"Project": "blog", "Stage": "dev"}, {"Stage": "dev"}, {"Project": "ecommerce", "Stage": "prod"}]
    made = [gateway.create_rest_api(name="api", tags=tags)["id"] for tags in others]

    with pytest.raises(Refusal, match="The stage dev has no API"):
        inventory.require_api(dev)

    made.append(gateway.create_rest_api(name="api", tags={"Project": "ecommerce", "Stage": "dev", "Team": "a"})["id"])
    assert inventory.require_api(dev) == made[-1]
    for each in made:
        gateway.delete_rest_api(restApiId=each)
