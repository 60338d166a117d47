"""`python -m tests.support.chalice_crashes`: deploys the stage dev by Chalice again and again, and dies each time.

It dies after the first call of each kind that changes something; told `every`, after every such call. It prints, as
JSON, after how many it died, and after which of them a second run did not lead to what one run without death makes. A
process of its own, since Chalice imports the app under the stage's environment; the local AWS is in it, too, with
nothing between it and the clients.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import botocore.client

from tests.support import kept_clients
from tests.support.cloud_within import Cloud
from tests.support.inventories import Facts, inventory
from tools import stages
from tools.local.shims import rotations
from tools.package import deploy, pinned, runtime, viewer

READS = ("Get", "List", "Describe")
QUEUE = "arn:aws:sqs:us-east-1:000000000000:ecommerce-dev-dead-letters"
STAGE, SECRET = "dev", "ecommerce/dev/jwt/secret"
EXPORTED = ("BucketName", "ImageBaseUrl", "AlertTopicArn", "DeadLetterQueueUrl", "DeadLetterQueueArn", "JwtSecretArn")
RESOURCES = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "ecommerce-dev",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": SECRET, "SecretString": "{}"}},
    },
    "Outputs": {
        name: {"Value": QUEUE if name == "DeadLetterQueueArn" else SECRET, "Export": {"Name": f"ecommerce-dev-{name}"}}
        for name in EXPORTED
    },
}


class Died(BaseException):
    """The process that deployed is no more."""


class Calls:
    """Counts the calls that change something, and dies right after the one of a number, whose answer nobody hears."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.last = 0

    def watch(self) -> None:
        """Stand between all clients and AWS."""
        original = botocore.client.BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            answer = original(client, operation, parameters)
            if not operation.startswith(READS):
                self._note(operation)
            return answer

        botocore.client.BaseClient._make_api_call = call

    def _note(self, operation: str) -> None:
        self.names.append(operation)
        if len(self.names) == self.last:
            raise Died

    @contextlib.contextmanager
    def dying_after(self, number: int) -> Iterator[None]:
        """Die after the call of this number; 0 never does."""
        self.names, self.last = [], number
        with contextlib.suppress(Died):
            yield
        self.last = 0


def main(*, every: bool) -> int:
    """Try the deaths; the exit code."""
    kept_clients.install()
    calls = Calls()
    calls.watch()
    cloud = Cloud()
    rotations._run_steps = lambda *_: None
    viewer.put = lambda _: ""  # files under names of their content, each sent unless it is there: no bucket is here
    with TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        archive = _archive(Path(scratch))
        pinned.Packager.create_deployment_package = lambda *_: archive
        expected = after_death(cloud, calls, 0)
        names = calls.names
        deaths = {number: name for number, name in enumerate(names, 1) if every or name not in names[: number - 1]}
        different = {
            f"{number} {name}": differences(expected, after_death(cloud, calls, number))
            for number, name in deaths.items()
        }
    found = {"deaths": list(deaths.values()), "different": {each: what for each, what in different.items() if what}}
    sys.stdout.write(json.dumps(found))
    return 0


def after_death(cloud: Cloud, calls: Calls, number: int) -> Facts:
    """What an account has after a deployment that died there, and another."""
    cloud.forget()
    _begin()
    with calls.dying_after(number):
        deploy.deploy(stages.read(STAGE), runtime.own())
    if number:
        deploy.deploy(stages.read(STAGE), runtime.own())
    return inventory(SECRET)


def differences(expected: Facts, found: Facts) -> list[str]:
    """The kinds of things that differ."""
    return [f"{kind}: {found[kind]}"[:300] for kind in expected if expected[kind] != found[kind]]


def _begin() -> None:
    """An account that has nothing but what the stack of the stage's resources would leave."""
    client = boto3.client("cloudformation")
    client.create_stack(StackName="ecommerce-dev-resources", TemplateBody=json.dumps(RESOURCES))
    client.get_waiter("stack_create_complete").wait(
        StackName="ecommerce-dev-resources", WaiterConfig={"Delay": 0, "MaxAttempts": 1000}
    )


def _archive(folder: Path) -> str:
    file = folder / "code.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "")
    return str(file)


if __name__ == "__main__":
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    sys.exit(main(every="every" in sys.argv))
