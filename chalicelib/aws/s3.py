"""The only speaker of S3: leave to upload one object, what is there, how it begins, its removal, and our own files.

Who uploads talks to S3 itself, so that no file of others passes the functions; what may be sent is fixed by a signed
policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import settings

_PASSING = {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
_NOTHING_TO_READ = {"NoSuchKey", "InvalidRange"}  # gone meanwhile, or without a single byte


class S3Error(Exception):
    """S3 refuses the request as such: no bucket, no permission, or a mistake of ours."""

    def __init__(self, code: str) -> None:
        super().__init__(f"S3 refused the request: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class PresignedForm:
    """What a browser posts as multipart/form-data, these fields before the file, to upload one object."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is there, and its size in bytes."""

    key: str
    size: int


def presign_upload(key: str, *, content_type: str, largest: int, seconds: int) -> PresignedForm:
    """Leave to upload this one key, of this type, of 1 to `largest` bytes, for so many seconds.

    Nothing is asked of S3. On AWS the leave ends earlier if the credentials that signed it do.
    """
    with _translated_errors():
        signed = clients.s3().generate_presigned_post(
            settings.current().bucket_name,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[["eq", "$Content-Type", content_type], ["content-length-range", 1, largest]],
            ExpiresIn=seconds,
        )
    return PresignedForm(signed["url"], signed["fields"])


def find(prefix: str) -> StoredObject | None:
    """The first object whose key begins so, or None.

    A look by prefix tells what is missing from what is forbidden, which S3 does not do for one key.
    """
    with _translated_errors():
        answer = clients.s3().list_objects_v2(Bucket=settings.current().bucket_name, Prefix=prefix, MaxKeys=1)
    return next((StoredObject(each["Key"], each["Size"]) for each in answer.get("Contents", [])), None)


def read_beginning(key: str, *, count: int) -> bytes:
    """The first `count` bytes of an object, fewer when there are fewer, none when it is gone."""
    bucket = settings.current().bucket_name
    try:
        with _translated_errors():
            answer = clients.s3().get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{count - 1}")
            content: bytes = answer["Body"].read()
            return content
    except S3Error as refusal:
        if refusal.code in _NOTHING_TO_READ:
            return b""
        raise


def require_bucket() -> None:
    """Raise `Misconfigured` in a stage that has no bucket, before work is done that would end in it."""
    settings.current().bucket_name  # noqa: B018 - asking is what raises


def put(key: str, content: bytes, *, content_type: str) -> None:
    """Put a file of the shop's own there, in the place of what was there."""
    bucket = settings.current().bucket_name
    with _translated_errors():
        clients.s3().put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)


def delete(key: str) -> None:
    """Remove an object; removing what is not there succeeds."""
    with _translated_errors():
        clients.s3().delete_object(Bucket=settings.current().bucket_name, Key=key)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raise `Unavailable` when S3 does not answer or is too busy, `S3Error` with S3's code when it says no."""
    try:
        yield
    except BotoCoreError as error:
        raise clients.unanswered() from error
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in _PASSING:
            raise clients.unanswered() from error
        raise S3Error(code) from error
