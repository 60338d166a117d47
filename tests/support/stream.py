"""The table's stream and the mail outbox of the emulated AWS, for tests of what follows a change."""

from __future__ import annotations

import itertools
import json
import pickle
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends
from moto.sqs.models import sqs_backends

from tests.support.emulator import emulated
from tools.testing.shop import Shop

SOURCE = "arn:aws:dynamodb:us-east-1:123456789012:table/ecommerce-test/stream/1"


class Mail(NamedTuple):
    to: str
    subject: str
    text: str

    @property
    def token(self) -> str:
        """The one-time token that the mail carries."""
        (found,) = re.findall(r"[\w-]{26,}\.[0-9a-f]{32}", self.text)
        return str(found)


def records() -> list[dict[str, Any]]:
    """Everything on the table's stream so far, as Lambda would deliver it."""
    return [_delivered(record) for record in read(boto3.client("dynamodbstreams"))]


def read(streams: Any) -> list[dict[str, Any]]:
    """Everything on the table's stream so far, as the API gives it, which each record goes through once.

    What was not read before is what came last.
    """
    made = list(emulated().stream_shard.items)
    new = [record for record in made if not hasattr(record, "as_read")]
    found = itertools.islice(_read_from(streams, new[0]) if new else (), len(new))
    for record, as_read in zip(new, found, strict=True):
        record.as_read = pickle.dumps(as_read)
    return [pickle.loads(record.as_read) for record in made]  # noqa: S301 - what we pickled


def _read_from(streams: Any, first: Any) -> Iterator[dict[str, Any]]:
    (stream,) = streams.list_streams(TableName="ecommerce-test")["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    place = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": first.record["dynamodb"]["SequenceNumber"]}
    page = streams.get_shard_iterator(StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], **place)
    iterator = page["ShardIterator"]
    while found := (page := streams.get_records(ShardIterator=iterator, Limit=1000))["Records"]:
        yield from found
        iterator = page["NextShardIterator"]


def _delivered(record: Any) -> dict[str, Any]:
    written = int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())  # in whole seconds, as DynamoDB has it
    images = {**record["dynamodb"], "ApproximateCreationDateTime": written}
    return {
        **record,
        "dynamodb": images,
        "eventSourceARN": SOURCE,
    }


def deliver(shop: Shop, batch: list[dict[str, Any]] | None = None) -> list[str]:
    """Hand a batch (by default all there is) to the app; the sequence numbers that it wants again."""
    event = {"Records": records() if batch is None else batch}
    answer = shop.client.lambda_.invoke("handle_table_stream", event).payload
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def mails() -> list[Mail]:
    """Every mail sent so far."""
    sent = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages
    return [Mail(m.destinations["ToAddresses"][0], m.subject, str(m.body)) for m in sent]


def listen_to_bus() -> None:
    """Make the bus, and a queue that hears everything on it."""
    events = boto3.client("events")
    events.create_event_bus(Name="ecommerce-test")
    boto3.client("sqs").create_queue(QueueName="heard")
    events.put_rule(Name="everything", EventBusName="ecommerce-test", EventPattern='{"source": ["ecommerce"]}')
    target = {"Id": "heard", "Arn": "arn:aws:sqs:us-east-1:123456789012:heard"}
    events.put_targets(Rule="everything", EventBusName="ecommerce-test", Targets=[target])


def told() -> list[dict[str, Any]]:
    """Every event that the bus has taken so far."""
    return [message["detail"] for message in messages("heard")]


def letters() -> list[dict[str, Any]]:
    """Every dead letter."""
    return messages("ecommerce-test-dead-letters")


def messages(queue: str) -> list[Any]:
    """What is in a queue, whether somebody has received it or not; it stays there."""
    return [json.loads(message.body) for message in raw_messages(queue)]


def raw_messages(queue: str) -> list[Any]:
    """The emulator's own messages of a queue."""
    kept = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues[queue]
    return [message for message in kept._messages if message not in kept.deleted_messages]


def mail_about(subject: str) -> Mail:
    """The latest mail whose subject begins so."""
    return [mail for mail in mails() if mail.subject.startswith(subject)][-1]
