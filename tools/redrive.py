"""`python -m tools.redrive`: do once more what a shop's dead-letter queue is about, after the cause is mended.

Records of the stream are delivered, scheduled runs made up for (missed_runs.py), and what the mail service told is
noted (missed_mail.py).
The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS credentials. A letter leaves the queue
when what it is about was done; what has had its effect already is not done again, so it is safe to repeat or to
interrupt. One that failed again or that nobody understands stays, is told of in a sentence, and holds up no other
(F24). Exit codes: 0 the queue is empty, 1 some letters stay or were out of sight, 2 the queue could not be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.aws import clients, transport
from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured, Unavailable
from chalicelib.notifications import service as notifications
from tools import missed_mail, missed_runs, stage
from tools.letters import Lost, decoded, not_understood, shaped
from tools.local.settings import STAGE
from tools.local.stream import lambda_record
from tools.package import deploy
from tools.refusal import Refusal, complain

_HIDDEN_SECONDS = 120  # how long a letter is out of sight of others who redrive
_BATCH_SIZE = 10
_GONE = "The stream does not hold its records any more; `make recompute` repairs what follows."


_Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,40}$(?!\n)")]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,200}$(?!\n)")]
_Image = dict[str, dict[str, Any]]


class _Change(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a record says of an item, as far as no record can be handled without it."""

    keys: _Image
    sequence_number: _Number
    approximate_creation_date_time: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    new_image: _Image | None = None
    old_image: _Image | None = None

    def __post_init__(self) -> None:
        if not (self.new_image or self.old_image):
            message = "no image"
            raise ValueError(message)


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the stream, as far as no record can be handled without it."""

    event_id: _Word = msgspec.field(name="eventID")
    dynamodb: _Change


class _Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where in a stream the records of a batch are."""

    stream_arn: _Word
    shard_id: _Word
    start_sequence_number: _Number
    end_sequence_number: _Number


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
    handled, kept, hidden = 0, 0, _count_hidden()
    for message in _messages():
        why = _why_it_stays(message["Body"])
        if why:
            kept += 1
            sys.stderr.write(f"{message['MessageId']}: {why}\n")
            continue
        clients.sqs().delete_message(QueueUrl=_queue(), ReceiptHandle=message["ReceiptHandle"])
        handled += 1
    print(f"{handled:,} letters handled, {kept:,} failed again and stay in the queue.")
    if hidden:
        minutes = _HIDDEN_SECONDS // 60
        print(f"{hidden:,} were out of sight: somebody has looked at them just now. Run it again in {minutes} minutes.")
    return 1 if kept or hidden else 0


def _count_hidden() -> int:
    """How many letters nobody else can see for now, about."""
    name: Final = "ApproximateNumberOfMessagesNotVisible"
    answer = clients.sqs().get_queue_attributes(QueueUrl=_queue(), AttributeNames=[name])
    return int(answer["Attributes"][name])


def _messages() -> Iterator[Any]:
    """Every letter once; one that was not deleted comes back into sight later."""
    seen: set[str] = set()
    while True:
        answer = clients.sqs().receive_message(
            QueueUrl=_queue(), MaxNumberOfMessages=_BATCH_SIZE, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=1
        )
        found = answer.get("Messages", [])
        if not found:
            return
        yield from (each for each in found if each["MessageId"] not in seen)
        seen |= {each["MessageId"] for each in found}


def _why_it_stays(body: str) -> str | None:
    """Deliver what a letter is about; gives why it has to stay, None when all went well."""
    try:
        letter = decoded(body)
        if missed_mail.is_about(letter):
            return missed_mail.make_up(letter)
        if missed_runs.is_about(letter):
            return missed_runs.make_up(missed_runs.read(letter))
        records = _records(letter)
        failed = notifications.handle(records, may_give_up=False)
    except Lost as error:
        return str(error)
    except RecursionError:
        return str(not_understood("it is nested too deeply"))
    return f"{len(failed)} of {len(records)} records failed again; the log above says why." if failed else None


def _records(letter: dict[str, Any]) -> list[dict[str, Any]]:
    """The record in a letter of ours, or those that a letter of the Lambda service points to."""
    if "DDBStreamBatchInfo" in letter:
        why = "its batch does not say between which numbers of which stream and shard it is"
        return _from_stream(shaped(letter["DDBStreamBatchInfo"], _Place, why))
    record: Any = letter.get("record")
    shaped(record, _Record, "it has no record that says which item changed, when, and from what to what")
    return [record]


def _from_stream(place: _Place) -> list[dict[str, Any]]:
    """The records of a batch, as long as the stream still holds them: for 24 hours."""
    if f":table/{settings.current().table_name}/stream/" not in place.stream_arn:
        raise not_understood("its batch is of the stream of another table")
    try:
        found = list(_in_batch(place))
    except ParamValidationError as error:
        raise not_understood("its batch is at a place that no stream has") from error
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            raise not_understood("its batch is at a place that no stream has") from error
        if error.response["Error"]["Code"] not in ("TrimmedDataAccessException", "ResourceNotFoundException"):
            raise
        raise Lost(_GONE) from error
    if not found:
        raise Lost(_GONE)
    return found


def _in_batch(place: _Place) -> Iterator[dict[str, Any]]:
    streams, last = boto3.client("dynamodbstreams"), int(place.end_sequence_number)
    iterator = streams.get_shard_iterator(
        StreamArn=place.stream_arn,
        ShardId=place.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=place.start_sequence_number,
    )["ShardIterator"]
    while iterator:
        answer = streams.get_records(ShardIterator=iterator)
        records = [lambda_record(each, place.stream_arn) for each in answer["Records"]]
        yield from (each for each in records if int(each["dynamodb"]["SequenceNumber"]) <= last)
        numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in records]
        if not numbers or max(numbers) >= last:
            return
        iterator = answer.get("NextShardIterator", "")


def _queue() -> str:
    return settings.current().dead_letter_queue_url


if __name__ == "__main__":
    sys.exit(main())
