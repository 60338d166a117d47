"""Reads the table's stream and hands it to the handler, starting where the last run stopped."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import filters, functions
from tools.local.checkpoint import Checkpoint
from tools.local.delivery import BatchDelivery, Record, sequence_number

LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.2


class Stopped(Exception):
    """The shop is closing; what is not delivered yet is delivered by the next run."""


class Pump(threading.Thread):
    """Delivers the stream of one table until it is told to stop."""

    def __init__(self, handler: functions.Function, checkpoint: Checkpoint, *, stream_arn: str, queue_url: str) -> None:
        """Begin at the checkpoint; `queue_url` takes the records that are given up."""
        super().__init__(name="stream-pump", daemon=True)
        self._handler = handler
        self._checkpoint = checkpoint
        self._stream_arn = stream_arn
        self._queue_url = queue_url
        self._streams = boto3.client("dynamodbstreams")
        self._queue = boto3.client("sqs")
        self._stopping = threading.Event()
        self._delivery = BatchDelivery(self._invoke, self._bury, checkpoint.save, self._pause)
        self._shard = ""
        self._patterns = filters.patterns()

    def run(self) -> None:
        """Follow the stream; when the local AWS stumbles, start again from the checkpoint."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except Stopped:
                return
            except (BotoCoreError, ClientError) as error:
                LOG.warning("stream not readable, trying again: %s", error)
                self._stopping.wait(1)

    def stop(self) -> None:
        """Return when no delivery is under way any more."""
        self._stopping.set()
        self.join(timeout=30)

    def _follow(self) -> None:
        last = self._checkpoint.read()
        for page in self._pages():
            fresh = [record for record in page if int(sequence_number(record)) > last]
            shaped = [lambda_record(record, self._stream_arn) for record in fresh]
            self._delivery.deliver([record for record in shaped if filters.passes(record, self._patterns)])
            if not page:
                self._pause(POLL_SECONDS)

    def _pages(self) -> Iterator[list[Any]]:
        """Every page from the oldest record kept; empty pages while nothing happens."""
        shards = self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]["Shards"]
        self._shard = shards[0]["ShardId"]
        iterator = self._streams.get_shard_iterator(
            StreamArn=self._stream_arn, ShardId=self._shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator and not self._stopping.is_set():
            answer = self._streams.get_records(ShardIterator=iterator)
            yield answer["Records"]
            iterator = answer.get("NextShardIterator", "")

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped

    def _invoke(self, event: dict[str, Any]) -> Any:
        copy = json.loads(json.dumps(event))
        return functions.call(self._handler, copy, functions.context("handle-table-stream"))

    def _bury(self, record: Record, tries: int) -> None:
        """Tell the dead-letter queue where the record is, as the Lambda service does: not what it says."""
        LOG.error("record %s given up after %d attempts", record["eventID"], tries)
        number = sequence_number(record)
        place = {"streamArn": self._stream_arn, "shardId": self._shard, "batchSize": 1}
        numbers = {"startSequenceNumber": number, "endSequenceNumber": number}
        context = {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": tries}
        letter = {"version": "1.0", "requestContext": context, "DDBStreamBatchInfo": {**place, **numbers}}
        self._queue.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(letter))


def lambda_record(record: Any, stream_arn: str) -> Record:
    """A record of the Streams API in the shape in which Lambda hands it to a function."""
    shaped = {**plain(record), "eventSourceARN": stream_arn}
    if identity := record.get("userIdentity"):
        shaped["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return shaped


def plain(value: Any) -> Any:
    """JSON's types only: bytes as base64, times as seconds."""
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list() | tuple() | set():
            return [plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime():
            return value.timestamp()
        case _:
            return value
