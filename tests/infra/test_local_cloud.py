"""The local AWS as the launcher runs it: on free ports, with its state in a directory of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import pytest
import urllib3
from botocore.config import Config

from tests.support.ports import free_port
from tools import refusal
from tools.local import cloud, emulator, payments, processes, resources, saved
from tools.local import settings as local
from tools.local.checkpoint import Checkpoint

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEM = {"PK": {"S": "OF-THE-TEST"}, "SK": {"S": "1"}}
TABLE = "ecommerce-local"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> local.LocalSettings:
    found = local.LocalSettings(port=free_port(), cloud_port=free_port(), payment_port=free_port(), state=tmp_path)
    for name, value in local.aws_environment(found).items():
        monkeypatch.setenv(name, value)
    return found


def kill(running: processes.Running) -> None:
    assert running.process
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()


def records(stream_arn: str) -> list[Any]:
    streams = boto3.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


def test_items_and_undelivered_records_survive_a_kill(settings: local.LocalSettings) -> None:
    with cloud.running(settings) as first:
        resources.deploy(settings)
        boto3.client("dynamodb").put_item(TableName=TABLE, Item=ITEM)
        saved_as = settings.state / "aws" / "dynamodb.json"
        wait_for(lambda: saved_as.exists() and ITEM["PK"]["S"] in saved_as.read_text())
        kill(first)

    with cloud.running(settings):
        environment = resources.deploy(settings)
        found = boto3.client("dynamodb").get_item(TableName=TABLE, Key=ITEM)
        waiting = records(environment["TABLE_STREAM_ARN"])

    assert found["Item"] == ITEM
    assert [record["dynamodb"]["NewImage"] for record in waiting] == [ITEM]


def keep_writing(written: list[dict[str, Any]]) -> None:
    """Put items until nobody answers, and note those that were taken."""
    client = boto3.session.Session().client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    with suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        for number in itertools.count(len(written)):
            item = {"PK": {"S": "WRITTEN"}, "SK": {"S": f"{number:06d}"}}
            client.put_item(TableName=TABLE, Item=item)
            written.append(item)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def made(folder: Path) -> bool:
    """Is the folder made, or is a file in its place for the moment?"""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


@pytest.mark.parametrize("told_by", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_a_snapshot_is_written_leaves_the_state_whole(
    settings: local.LocalSettings, told_by: signal.Signals
) -> None:
    aws, written = settings.state / "aws", list[dict[str, Any]]()
    Checkpoint(settings.checkpoint).save("9" * 30)  # the stream's records would outweigh the items
    heavy = [{"PK": {"S": "HEAVY"}, "SK": {"S": str(number)}} for number in range(4)]
    with cloud.running(settings):
        resources.deploy(settings)
        for item in heavy:  # enough that a snapshot takes its time
            weight = {"L": [{"N": str(each)} for each in range(9_000)]}
            boto3.client("dynamodb").put_item(TableName=TABLE, Item={**item, "weight": weight})

    for item in heavy[:3]:
        with cloud.running(settings) as running:
            writer = threading.Thread(target=keep_writing, args=(written,), daemon=True)
            writer.start()
            wait_for((aws / "dynamodb.json.tmp").exists)
            boto3.client("dynamodb").delete_item(TableName=TABLE, Key=item)  # what is saved last is shorter
            assert running.process
            running.process.send_signal(told_by)
            assert running.process.wait(60) == 0
            writer.join(60)
        json.loads((aws / "dynamodb.json").read_bytes())

    with cloud.running(settings):
        found = boto3.client("dynamodb").get_item(TableName=TABLE, Key=written[-1])
    assert found["Item"] == written[-1]


def test_a_state_that_cannot_be_read_is_left_alone_and_named(settings: local.LocalSettings) -> None:
    with cloud.running(settings):
        resources.deploy(settings)
        boto3.client("dynamodb").put_item(TableName=TABLE, Item=ITEM)
    with cloud.running(settings):
        pass
    file = settings.state / "aws" / "dynamodb.json"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(refusal.Refusal, match=r"dynamodb\.json cannot be read .* put dynamodb\.json\.last-start"):
        cloud.running(settings).__enter__()

    assert file.read_bytes() == whole[: len(whole) // 2]
    file.with_name(file.name + saved.LAST_START).replace(file)
    with cloud.running(settings):
        assert boto3.client("dynamodb").get_item(TableName=TABLE, Key=ITEM)["Item"] == ITEM


def test_an_end_without_a_save_is_told(settings: local.LocalSettings, capfd: pytest.CaptureFixture[str]) -> None:
    with cloud.running(settings) as running:
        resources.deploy(settings)
        wait_for(lambda: made(settings.state / "aws" / "dynamodb.json.tmp"))

    assert running.process
    assert running.process.returncode == 1
    assert "could not be saved" in settings.cloud_log.read_text()
    assert "local AWS" in capfd.readouterr().err


def test_a_save_that_fails_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(emulator.persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(emulator.persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(emulator.ministack, "_build_persistence_save_dict", lambda: {"dynamodb": lambda: {"a": 1}})
    assert emulator.save() == []

    (tmp_path / "dynamodb.json.tmp").mkdir()

    assert "dynamodb" in " ".join(emulator.save())


def test_an_update_of_the_template_keeps_the_data(
    settings: local.LocalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings.state / "template.yaml"
    changed.write_text(resources.TEMPLATE.read_text().replace("MaxAge: 3600", "MaxAge: 60"))

    with cloud.running(settings):
        resources.deploy(settings)
        boto3.client("dynamodb").put_item(TableName=TABLE, Item=ITEM)
        monkeypatch.setattr(resources, "TEMPLATE", changed)
        environment = resources.deploy(settings)
        rules = boto3.client("s3").get_bucket_cors(Bucket=environment["BUCKET_NAME"])["CORSRules"]
        found = boto3.client("dynamodb").get_item(TableName=TABLE, Key=ITEM)

    assert rules[0]["MaxAgeSeconds"] == 60
    assert found["Item"] == ITEM


def test_browsers_see_images_and_the_viewer_through_the_distribution_by_https_and_nothing_else(
    settings: local.LocalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH", "true")  # the local AWS then lets in nobody whom no policy names
    monkeypatch.setitem(resources.PARAMETERS, "Stage", "dev")
    keys = ("products/prd_1/img_1.png", "reports/secret.csv", "docs/0123456789abcdef/docs.js")

    with cloud.running(settings):
        outputs = resources._deploy_stack()
        bucket, host = outputs["BucketName"], outputs["ImageBaseUrl"].removeprefix("https://")
        for key in keys:
            boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"content", ContentType="image/png")
        straight = [urllib3.request("GET", f"{settings.cloud_url}/{bucket}/{key}") for key in keys]
        seen, secret, script, plain = (
            urllib3.request("GET", f"{settings.cloud_url}/{key}", headers={"Host": host, "X-Forwarded-Proto": scheme})
            for key, scheme in (*((key, "https") for key in keys), (keys[0], "http"))
        )

    assert [answer.status for answer in straight] == [403, 403, 403]
    assert (seen.status, seen.data) == (200, b"content")
    assert (seen.headers["X-Content-Type-Options"], seen.headers["Content-Type"]) == ("nosniff", "image/png")
    assert (script.status, secret.status, plain.status) == (200, 403, 403)


def test_a_second_launcher_uses_the_local_aws_that_runs(settings: local.LocalSettings) -> None:
    with cloud.running(settings) as first:
        with cloud.running(settings) as second:
            shared = second.process is None
        still_there = first.alive()

    assert shared
    assert still_there


def test_a_stranger_on_the_port_is_one_clear_sentence(settings: local.LocalSettings) -> None:
    with socket.create_server((local.HOST, settings.cloud_port)) as stranger:
        stranger.settimeout(0)
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.cloud_port} is in use by something other than this shop's local AWS; "
        "stop it, or choose another port with CLOUD_PORT."
    )


def test_a_busy_api_port_is_one_clear_sentence_before_anything_starts(settings: local.LocalSettings) -> None:
    with socket.create_server((local.HOST, settings.port)):
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.port} is in use; stop what uses it, or choose another with PORT."
    )
    assert not settings.cloud_log.exists()


def test_a_stranger_on_the_payment_port_is_one_clear_sentence_before_anything_starts(
    settings: local.LocalSettings,
) -> None:
    with socket.create_server((local.HOST, settings.payment_port)) as stranger:
        stranger.settimeout(0)
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.payment_port} is in use by something other than this shop's payment service; "
        "stop it, or choose another port with PAYMENT_PORT."
    )
    assert not settings.cloud_log.exists()


def test_a_second_launcher_uses_the_payment_service_that_runs(settings: local.LocalSettings) -> None:
    service = payments.service(settings, "secret")

    with processes.running(service) as first, processes.running(service) as second:
        shared = second.process is None
        still_there = first.alive()

    assert shared
    assert still_there
    assert service.owner() is None
    assert (settings.state / "payments.sqlite3").exists()


def test_the_payment_service_does_not_outlive_a_killed_launcher(settings: local.LocalSettings) -> None:
    service = payments.service(settings, "secret")
    with processes.running(service) as ours:
        assert ours.process
        assert ours.process.stdin
        ours.process.stdin.close()  # as the end of the launcher does, whatever ended it
        assert ours.process.wait(60) == 0

    assert service.owner() is None


def launch(settings: local.LocalSettings) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PORT": str(settings.port),
        "CLOUD_PORT": str(settings.cloud_port),
        "PAYMENT_PORT": str(settings.payment_port),
        "STATE_DIR": str(settings.state),
    }
    return subprocess.run(
        [sys.executable, "-m", "tools.local"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=local.PROJECT,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize(("place", "why"), [("file/state", "Not a directory"), (".", "Is a directory")])
def test_a_state_that_cannot_be_kept_is_one_clear_sentence(settings: local.LocalSettings, place: str, why: str) -> None:
    (settings.state / "file").write_text("")
    (settings.state / "app.log").mkdir()

    ran = launch(replace(settings, state=settings.state / place))

    assert ran.returncode == 1
    assert ran.stderr == f"{settings.state / place} cannot be used ({why}); choose another STATE_DIR.\n"


def test_the_settings_refuse_what_is_not_a_port() -> None:
    with pytest.raises(refusal.Refusal, match="PORT must be a port number"):
        local.read({"PORT": "http"})
