"""`python -m tools.redrive`: deliver the records in a shop's dead-letter queue once more, after their cause is mended.

The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS credentials. A letter leaves the queue
when its record was handled; what has had its effect already is not done again, so it is safe to repeat or to
interrupt. Exit codes: 0 the queue is empty, 1 some records failed again and stay, 2 the queue could not be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients, transport
from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured, Unavailable
from chalicelib.notifications import service as notifications
from chalicelib.notifications.dead_letters import DeadLetter
from tools import stage
from tools.local.settings import STAGE
from tools.local.stream import lambda_record
from tools.package import deploy
from tools.refusal import Refusal, complain

_HIDDEN_SECONDS = 120  # how long a letter is out of sight of others who redrive
_BATCH_SIZE = 10


class Lost(Exception):
    """The record is not to be had any more."""


def main() -> int:
    """Redrive the stage's dead letters; the exit code."""
    try:
        _enter()
        return redrive()
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (BotoCoreError, ClientError, Unavailable, transport.RequestError) as error:
        return complain(f"The redrive stopped: {error.__cause__ or error}. Run it again.")
    except KeyboardInterrupt:
        return complain("The redrive was interrupted; what was not handled is still in the queue.", code=130)


def _enter() -> None:
    stage.enter()
    name = os.environ["STAGE"]
    if name != STAGE:
        found = deploy.of_stage(name, deploy.exports())
        os.environ.update({variable: found[output] for variable, output in deploy.EXPORTS.items()})
    stage.require_table()


def redrive() -> int:
    """Deliver every letter once; the exit code."""
    handled, kept = 0, 0
    for message in _messages():
        why = _why_it_stays(message["Body"])
        if why:
            kept += 1
            sys.stderr.write(f"{message['MessageId']}: {why}\n")
            continue
        clients.sqs().delete_message(QueueUrl=_queue(), ReceiptHandle=message["ReceiptHandle"])
        handled += 1
    print(f"{handled:,} records handled, {kept:,} failed again and stay in the queue.")
    return 1 if kept else 0


def _messages() -> Iterator[Any]:
    """Every letter once; one that was not deleted comes back into sight later."""
    seen: set[str] = set()
    while True:
        answer = clients.sqs().receive_message(
            QueueUrl=_queue(), MaxNumberOfMessages=_BATCH_SIZE, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=1
        )
        fresh = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
        if not fresh:
            return
        seen |= {each["MessageId"] for each in fresh}
        yield from fresh


def _why_it_stays(body: str) -> str | None:
    """Deliver what a letter is about; gives why it has to stay, None when all went well."""
    try:
        records = _records(body)
    except Lost as error:
        return str(error)
    failed = notifications.handle(records, may_give_up=False)
    return f"{len(failed)} of {len(records)} records failed again; the log above says why." if failed else None


def _records(body: str) -> list[dict[str, Any]]:
    """The record in a letter of ours, or those that a letter of the Lambda service points to."""
    try:
        letter = msgspec.json.decode(body)
        if isinstance(letter, dict) and "DDBStreamBatchInfo" in letter:
            return list(_from_stream(letter["DDBStreamBatchInfo"]))
        return [msgspec.convert(letter, DeadLetter).record]
    except (msgspec.DecodeError, KeyError) as error:
        raise Lost(f"This is not a letter that the shop understands ({error}).") from error


def _from_stream(place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of a batch, as long as the stream still holds them: for 24 hours."""
    streams, last = boto3.client("dynamodbstreams"), int(place["endSequenceNumber"])
    where = {"StreamArn": place["streamArn"], "ShardId": place["shardId"]}
    try:
        iterator = streams.get_shard_iterator(
            **where, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=place["startSequenceNumber"]
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            records = [lambda_record(each, place["streamArn"]) for each in answer["Records"]]
            yield from (each for each in records if int(each["dynamodb"]["SequenceNumber"]) <= last)
            numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in records]
            if not numbers or max(numbers) >= last:
                return
            iterator = answer.get("NextShardIterator", "")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("TrimmedDataAccessException", "ResourceNotFoundException"):
            raise
        raise Lost("The stream does not hold its records any more; `make recompute` repairs what follows.") from error


def _queue() -> str:
    return settings.current().dead_letter_queue_url


if __name__ == "__main__":
    sys.exit(main())
