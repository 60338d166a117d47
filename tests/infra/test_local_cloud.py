"""The local AWS as the launcher runs it: on free ports, with its state in a directory of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3

from tools.local import cloud, payments, processes, resources
from tools.local import settings as local

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"PK": {"S": "A"}, "SK": {"S": "1"}}
TABLE = "ecommerce-local"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> local.Settings:
    found = local.Settings(port=free_port(), cloud_port=free_port(), payment_port=free_port(), state=tmp_path)
    for name, value in local.aws_environment(found).items():
        monkeypatch.setenv(name, value)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((local.HOST, 0))
        return int(probe.getsockname()[1])


def kill(running: processes.Running) -> None:
    assert running.process
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()


def records(stream_arn: str) -> list[Any]:
    streams = boto3.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


def test_items_and_undelivered_records_survive_a_kill(settings: local.Settings) -> None:
    with cloud.running(settings) as first:
        resources.deploy(settings)
        boto3.client("dynamodb").put_item(TableName=TABLE, Item=ITEM)
        time.sleep(2.5)
        kill(first)

    with cloud.running(settings):
        environment = resources.deploy(settings)
        found = boto3.client("dynamodb").get_item(TableName=TABLE, Key=ITEM)
        waiting = records(environment["TABLE_STREAM_ARN"])

    assert found["Item"] == ITEM
    assert [record["dynamodb"]["NewImage"] for record in waiting] == [ITEM]


def test_an_update_of_the_template_keeps_the_data(settings: local.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_shoppers_see_images_through_the_distribution_by_https_and_nothing_else(
    settings: local.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH", "true")  # the local AWS then lets in nobody whom no policy names
    monkeypatch.setattr(resources, "STAGE", "dev")
    keys = ("products/prd_1/img_1.png", "reports/secret.csv")

    with cloud.running(settings):
        outputs = resources._deploy_stack(boto3.client("cloudformation"))
        bucket, host = outputs["BucketName"], outputs["ImageBaseUrl"].removeprefix("https://")
        for key in keys:
            boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"content", ContentType="image/png")
        straight = [urllib3.request("GET", f"{settings.cloud_url}/{bucket}/{key}") for key in keys]
        seen, secret, plain = (
            urllib3.request("GET", f"{settings.cloud_url}/{key}", headers={"Host": host, "X-Forwarded-Proto": scheme})
            for key, scheme in ((keys[0], "https"), (keys[1], "https"), (keys[0], "http"))
        )

    assert [answer.status for answer in straight] == [403, 403]
    assert (seen.status, seen.data) == (200, b"content")
    assert (seen.headers["X-Content-Type-Options"], seen.headers["Content-Type"]) == ("nosniff", "image/png")
    assert (secret.status, plain.status) == (403, 403)


def test_a_second_launcher_uses_the_local_aws_that_runs(settings: local.Settings) -> None:
    with cloud.running(settings) as first:
        with cloud.running(settings) as second:
            shared = second.process is None
        still_there = first.alive()

    assert shared
    assert still_there


def test_a_stranger_on_the_port_is_one_clear_sentence(settings: local.Settings) -> None:
    with socket.create_server((local.HOST, settings.cloud_port)) as stranger:
        stranger.settimeout(0)
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.cloud_port} is in use by something other than this shop's local AWS; "
        "stop it, or choose another port with CLOUD_PORT."
    )


def test_a_busy_api_port_is_one_clear_sentence_before_anything_starts(settings: local.Settings) -> None:
    with socket.create_server((local.HOST, settings.port)):
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.port} is in use; stop what uses it, or choose another with PORT."
    )
    assert not settings.cloud_log.exists()


def test_a_stranger_on_the_payment_port_is_one_clear_sentence_before_anything_starts(settings: local.Settings) -> None:
    with socket.create_server((local.HOST, settings.payment_port)) as stranger:
        stranger.settimeout(0)
        refused = launch(settings)

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {settings.payment_port} is in use by something other than this shop's payment service; "
        "stop it, or choose another port with PAYMENT_PORT."
    )
    assert not settings.cloud_log.exists()


def test_a_second_launcher_uses_the_payment_service_that_runs(settings: local.Settings) -> None:
    service = payments.service(settings, "secret")

    with processes.running(service) as first, processes.running(service) as second:
        shared = second.process is None
        still_there = first.alive()

    assert shared
    assert still_there
    assert service.owner() is None
    assert (settings.state / "payments.sqlite3").exists()


def test_the_payment_service_does_not_outlive_a_killed_launcher(settings: local.Settings) -> None:
    service = payments.service(settings, "secret")
    with processes.running(service) as ours:
        assert ours.process
        assert ours.process.stdin
        ours.process.stdin.close()  # as the end of the launcher does, whatever ended it
        assert ours.process.wait(10) == 0

    assert service.owner() is None


def launch(settings: local.Settings) -> subprocess.CompletedProcess[str]:
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
        timeout=60,
        check=False,
    )


def test_the_settings_refuse_what_is_not_a_port() -> None:
    with pytest.raises(local.Refusal, match="PORT must be a port number"):
        local.read({"PORT": "http"})
