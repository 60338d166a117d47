"""What the page /docs of a stage loads, put where its distribution gives it out: into the stage's bucket.

Each content has a prefix of its own, so a release and the one before it each find theirs, and a browser may keep them
for ever. Nothing is overwritten or taken away. In the stage `local` the server has the files, and no bucket.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools import viewer
from tools.stages.settings import Stage

FOR_EVER = "public, max-age=31536000, immutable"


def put(stage: Stage) -> str:
    """Upload what is not there yet; the prefix under which the page of this code finds it."""
    store, account = boto3.client("s3"), boto3.client("sts").get_caller_identity()["Account"]
    bucket = {"Bucket": f"ecommerce-{stage.name}-{account}", "ExpectedBucketOwner": account}
    prefix = f"docs/{viewer.record()['version']}"
    for name, file in viewer.files().items():
        key = f"{prefix}/{name}"
        if not _is_there(store, bucket, key):
            kept = {"ContentType": viewer.kind(name), "CacheControl": FOR_EVER}
            store.put_object(**bucket, Key=key, Body=file.read_bytes(), ChecksumAlgorithm="SHA256", **kept)
    return prefix


def _is_there(store: Any, bucket: dict[str, str], key: str) -> bool:
    try:
        store.head_object(**bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004
            return False
        raise
    return True
