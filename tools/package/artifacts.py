"""`python -m tools.package.artifacts STAGE DIRECTORY`: put what was packaged there into the account's bucket for it.

A key is the hash of what lies there: what is there already is not sent again, nothing is ever overwritten, and the same
package has the same place, so that CloudFormation sees whether the code is another. The stack of infra/artifacts.yaml
is made when it is missing. Afterwards the directory holds deploy.json, the template that refers to the code; it lies in
the bucket as well, since it is too large for a call.
"""

import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError, WaiterError

from tools.package import finishing
from tools.refusal import Refusal

TEMPLATE = Path(__file__).parents[2] / "infra" / "artifacts.yaml"
STACK = "ecommerce-artifacts"
CODE, LAYER, SAM, DEPLOYED = "deployment.zip", "layer-deployment.zip", "sam.json", "deploy.json"
LAYER_VERSION = "AWS::Serverless::LayerVersion"
ARGUMENTS = 2
NO_VERSION = "none-yet"  # of what is not uploaded
_QUICKLY = {"Delay": 2, "MaxAttempts": 150}


class Artifact(NamedTuple):
    """Where an artifact lies, for ever."""

    bucket: str
    key: str
    version: str

    @property
    def url(self) -> str:
        """Its address, as CloudFormation takes that of a template."""
        return f"{boto3.client('s3').meta.endpoint_url}/{self.bucket}/{self.key}"


def put(stage: str, out: Path) -> Artifact:
    """Upload the package that lies in `out`, and write deploy.json there; the place of that template.

    Raises `Refusal` when nothing was packaged there.
    """
    sam = out / SAM
    if not (sam.is_file() and (out / CODE).is_file()):
        raise Refusal(f"There is no package in {out}: make package STAGE={stage} first.")
    create()
    deployed = json.loads(sam.read_text())
    refer(deployed, stage, out)
    file = out / DEPLOYED
    file.write_text(finishing.written(deployed))
    return upload(stage, file)


def refer(deployed: dict[str, Any], stage: str, out: Path, *, only_look: bool = False) -> None:
    """Upload the archives of `out` that functions and layers of the template name, and let these take them there.

    With `only_look` nothing is uploaded: the template names where the code would lie, as far as that can be known.
    """
    way = expect if only_look else upload
    placed = cache(lambda archive: way(stage, out / archive))
    layers = [each["Properties"] for each in deployed["Resources"].values() if each["Type"] == LAYER_VERSION]
    named = [("CodeUri", each) for each in finishing.functions(deployed).values()]
    for key, properties in [*named, *(("ContentUri", layer) for layer in layers)]:
        place = placed(properties[key])
        properties[key] = {"Bucket": place.bucket, "Key": place.key, "Version": place.version}


def upload(stage: str, file: Path) -> Artifact:
    """Put the file into the bucket, unless it is there; its place. Two at once do the same."""
    store, owned = boto3.client("s3"), _owned()
    content = file.read_bytes()
    key = _key(stage, file, content)
    if (version := _version(store, owned, key)) is None:
        store.put_object(**owned, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        version = _version(store, owned, key)
    return Artifact(owned["Bucket"], key, str(version))


def expect(stage: str, file: Path) -> Artifact:
    """Where the file lies, or would after it was uploaded."""
    owned = _owned()
    key = _key(stage, file, file.read_bytes())
    return Artifact(owned["Bucket"], key, _version(boto3.client("s3"), owned, key) or NO_VERSION)


def keep(stage: str, text: str) -> Artifact:
    """Put a template into the bucket; its place."""
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / DEPLOYED
        file.write_text(text)
        return upload(stage, file)


def bucket() -> str:
    """The bucket's name, in the account and region that the credentials lead to."""
    return _owned()["Bucket"]


def create() -> None:
    """Make the bucket's stack, unless it is there. Raises `Refusal` when it cannot be made."""
    cloudformation = boto3.client("cloudformation")
    try:
        cloudformation.describe_stacks(StackName=STACK)
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        cloudformation.create_stack(StackName=STACK, TemplateBody=TEMPLATE.read_text())
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=_QUICKLY)
    except WaiterError as error:
        raise Refusal(f"The stack {STACK} cannot be used; its events say why: {error}") from error


def _owned() -> dict[str, str]:
    """The bucket, and that it must be this account's: a name is anybody's who took it first."""
    sts = boto3.client("sts")
    account = sts.get_caller_identity()["Account"]
    return {"Bucket": f"{STACK}-{account}-{sts.meta.region_name}", "ExpectedBucketOwner": account}


def _key(stage: str, file: Path, content: bytes) -> str:
    return f"{stage}/{hashlib.sha256(content).hexdigest()}{file.suffix}"


def _version(store: Any, owned: dict[str, str], key: str) -> str | None:
    """Which version lies there; None if nothing does."""
    try:
        return str(store.head_object(**owned, Key=key)["VersionId"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004
            return None
        raise


def main(arguments: list[str]) -> int:
    """Upload; the exit code."""
    if len(arguments) != ARGUMENTS:
        sys.stderr.write("usage: python -m tools.package.artifacts STAGE DIRECTORY\n")
        return 2
    stage, directory = arguments
    try:
        place = put(stage, Path(directory))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    sys.stdout.write(f"{place.url}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
