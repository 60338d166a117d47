"""What cannot be handled ends in the dead-letter queue, whole, blocks nobody, and can be delivered again (E2)."""

from __future__ import annotations

import copy
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from chalicelib.aws import clients
from chalicelib.core import settings
from chalicelib.notifications import bus
from chalicelib.notifications import service as notifications
from tests.support.faults import injected, refuse
from tests.support.stream import SOURCE, deliver, letters, mails, raw_messages, records, told
from tools import redrive
from tools.testing.shop import Shop


def confirmation(batch: list[dict[str, Any]]) -> dict[str, Any]:
    """The record by which an order came to be paid."""
    return next(r for r in batch if r["dynamodb"].get("NewImage", {}).get("status", {}).get("S") == "processing")


def poisoned(record: dict[str, Any]) -> dict[str, Any]:
    """A record of another item that no code can read."""
    broken = copy.deepcopy(record)
    broken["eventID"] = "poison"
    broken["dynamodb"]["SequenceNumber"] = "999"
    broken["dynamodb"]["Keys"]["SK"]["S"] = "ORDER#other"
    broken["dynamodb"]["NewImage"]["total"] = {"S": "twelve"}
    return broken


def about_orders() -> list[str]:
    return [mail.subject.split()[-1] for mail in mails() if mail.subject.startswith("Order")]


def put_letter(body: Any) -> None:
    clients.sqs().send_message(QueueUrl=settings.current().dead_letter_queue_url, MessageBody=json.dumps(body))


def test_a_poisoned_record_is_given_up_at_once_with_its_payload_and_the_others_go_on(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    batch = records()
    broken = poisoned(confirmation(batch))

    assert deliver(ada, [broken, *batch]) == []

    (letter,) = letters()
    assert letter["record"] == json.loads(json.dumps(broken))
    assert (letter["error"].split(":")[0], letter["tries"]) == ("ValidationError", 1)
    assert about_orders() == ["confirmed"]
    assert [e["type"] for e in told() if e["data"].get("orderId") == order] == [
        "order.created.v1",
        "order.confirmed.v1",
    ]


def test_a_record_that_keeps_failing_is_given_up_after_its_tries(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")

    rounds = [deliver(ada, batch) for _ in range(notifications.MAX_TRIES + 1)]

    assert confirmation(batch)["dynamodb"]["SequenceNumber"] in rounds[0]
    assert rounds[1:] == [rounds[0]] * (notifications.MAX_TRIES - 2) + [[], []]  # the last one finds its letters sent
    given_up = [letter["record"]["dynamodb"]["SequenceNumber"] for letter in letters()]
    assert sorted(given_up) == sorted(rounds[0])
    assert {letter["tries"] for letter in letters()} == {notifications.MAX_TRIES}
    assert [event["type"] for event in told() if event["type"].startswith("product")] == ["product.created.v1"]


def test_a_record_that_failed_holds_up_what_follows_of_its_own_item_and_nothing_else(ada: Shop, mug: str) -> None:
    first = ada.order((mug, 1)).body["orderId"]
    ada("PUT", f"/orders/{first}/cancel")
    second = ada.order((mug, 1)).body["orderId"]
    batch = records()
    refusals = [EndpointConnectionError(endpoint_url="https://email")]

    def refuse_once(params: dict[str, Any], **_: Any) -> None:
        if refusals and first in params["Content"]["Simple"]["Subject"]["Data"]:
            raise refusals.pop()

    clients.ses().meta.events.register("provide-client-params.sesv2.SendEmail", refuse_once)

    assert len(deliver(ada, batch)) == 2
    assert order_mails() == [f"Refund for order {first}", f"Order {second} confirmed"]

    assert deliver(ada, batch) == []
    assert order_mails()[2:] == [f"Order {first} confirmed", f"Order {first} cancelled"]


def order_mails() -> list[str]:
    return [mail.subject for mail in mails() if "rder" in mail.subject]


def test_redrive_delivers_a_letter_once_its_cause_is_mended(
    ada: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    batch = records()
    boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
    for _ in range(notifications.MAX_TRIES):
        deliver(ada, batch)
    stuck = len(letters())
    assert about_orders() == []

    assert redrive.redrive() == 1
    assert f"0 letters handled, {stuck} failed again" in capsys.readouterr().out
    assert redrive.redrive() == 1
    assert f"{stuck} were out of sight" in capsys.readouterr().out

    boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    put_back()
    assert redrive.redrive() == 0
    assert f"{stuck} letters handled, 0 failed again" in capsys.readouterr().out
    assert letters() == []
    assert about_orders() == ["confirmed"]
    kinds = [e["type"] for e in told() if e["data"].get("orderId") == order]
    assert kinds == ["order.created.v1", "order.confirmed.v1"]
    assert deliver(ada, batch) == []
    assert about_orders() == ["confirmed"]


def put_back() -> None:
    """Let time pass: what a redrive left in the queue is in sight again."""
    for message in raw_messages("ecommerce-test-dead-letters"):
        message.change_visibility(0)


def test_redrive_fetches_from_the_stream_what_the_lambda_service_gave_up(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    number = confirmation(batch)["dynamodb"]["SequenceNumber"]
    (stream,) = boto3.client("dynamodbstreams").list_streams(TableName="ecommerce-test")["Streams"]
    described = boto3.client("dynamodbstreams").describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
    place = {"streamArn": stream["StreamArn"], "shardId": described["Shards"][0]["ShardId"], "batchSize": 1}
    put_letter({"DDBStreamBatchInfo": {**place, "startSequenceNumber": number, "endSequenceNumber": number}})

    assert redrive.redrive() == 0

    assert about_orders() == ["confirmed"]
    assert letters() == []


def nested(depth: int) -> str:
    return '{"record":' + '{"L":[' * depth + "]}" * depth + "}"


SOUND: dict[str, Any] = {
    "eventID": "e1",
    "dynamodb": {
        "Keys": {"PK": {"S": "WORD#mu"}, "SK": {"S": "mug"}},
        "SequenceNumber": "111111111111111111111111111111111111111",
        "ApproximateCreationDateTime": 1795000000,
        "NewImage": {"PK": {"S": "WORD#mu"}, "SK": {"S": "mug"}},
    },
}
PLACE = {
    "streamArn": SOURCE,
    "shardId": "shardId-00000001414576573621-f55eea83",
    "startSequenceNumber": "111111111111111111111111111111111111111",
    "endSequenceNumber": "111111111111111111111111111111111111111",
}


def spoiled(whole: dict[str, Any], path: str, value: Any = None) -> dict[str, Any]:
    """A copy in which what the path leads to is another value, or is missing."""
    copied: dict[str, Any] = copy.deepcopy(whole)
    *ways, last = path.split(".")
    inner = copied
    for way in ways:
        inner = inner[way]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copied


IN_RECORD = [
    ("eventID", None), ("eventID", 7), ("eventID", "x" * 3000), ("dynamodb", None), ("dynamodb", "word"),
    ("dynamodb", []), ("dynamodb.Keys", None), ("dynamodb.Keys", "word"), ("dynamodb.SequenceNumber", None),
    ("dynamodb.SequenceNumber", "first"), ("dynamodb.SequenceNumber", 111), ("dynamodb.NewImage", None),
    ("dynamodb.NewImage", {}), ("dynamodb.NewImage", []), ("dynamodb.NewImage", {"PK": "WORD#mu"}),
    ("dynamodb.ApproximateCreationDateTime", None), ("dynamodb.ApproximateCreationDateTime", "noon"),
    ("dynamodb.ApproximateCreationDateTime", -1), ("dynamodb.ApproximateCreationDateTime", 1e300),
]  # fmt: skip
IN_PLACE = [
    ("streamArn", None), ("streamArn", 7), ("streamArn", "arn:aws:dynamodb:us-east-1:1:table/other/stream/1"),
    ("streamArn", "nowhere"), ("shardId", None), ("shardId", "x"), ("shardId", {}), ("startSequenceNumber", None),
    ("startSequenceNumber", "first"), ("startSequenceNumber", "1"), ("endSequenceNumber", "last"),
    ("endSequenceNumber", 1),
]  # fmt: skip
MALFORMED = [
    "", "no JSON", "{", "7", "null", '"word"', "[]", "{}", '[{"record": {}}]', '{"record": null}', '{"record": {}}',
    '{"record": []}', '{"record": "word"}', '{"DDBStreamBatchInfo": null}', '{"DDBStreamBatchInfo": {}}',
    '{"DDBStreamBatchInfo": []}', nested(10), nested(480), nested(5000),
    *(json.dumps({"record": spoiled(SOUND, path, value)}) for path, value in IN_RECORD),
    *(json.dumps({"DDBStreamBatchInfo": spoiled(PLACE, path, value)}) for path, value in IN_PLACE),
]  # fmt: skip


def put_text(body: str) -> None:
    clients.sqs().send_message(QueueUrl=settings.current().dead_letter_queue_url, MessageBody=body or " ")


@pytest.mark.fault("F24")
def test_letters_that_nobody_understands_stay_are_said_in_a_sentence_each_and_hold_up_no_other(
    ada: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ada.order((mug, 1))
    record = confirmation(records())
    for body in MALFORMED:
        put_text(body)
    put_letter({"record": record, "error": "", "tries": 5, "givenUpAt": ""})
    capsys.readouterr()

    assert redrive.redrive() == 1

    out, err = capsys.readouterr()
    said = [line.partition(": ")[2] for line in err.splitlines()]
    assert len(said) == len(MALFORMED)
    assert all(line.startswith("This is not a letter that the shop understands: ") for line in said)
    assert all(line.endswith(".") for line in said)
    assert f"1 letters handled, {len(MALFORMED)} failed again and stay in the queue." in out
    assert about_orders() == ["confirmed"]
    assert len(raw_messages("ecommerce-test-dead-letters")) == len(MALFORMED)


@pytest.mark.fault("F24")
@pytest.mark.parametrize("number", ["2" * 39, "1" * 39])
def test_a_letter_about_a_batch_that_the_stream_does_not_hold_stays_and_is_said(
    shop: Shop, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (stream,) = boto3.client("dynamodbstreams").list_streams(TableName="ecommerce-test")["Streams"]
    described = boto3.client("dynamodbstreams").describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
    place = {"streamArn": stream["StreamArn"], "shardId": described["Shards"][0]["ShardId"]}
    numbers = {"startSequenceNumber": number, "endSequenceNumber": number}
    put_letter({"DDBStreamBatchInfo": {**place, **numbers}})

    assert redrive.redrive() == 1

    assert "The stream does not hold its records any more" in capsys.readouterr().err


@pytest.mark.fault("F24")
def test_a_record_with_a_word_for_a_number_in_its_item_stays_and_is_said(
    ada: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ada.order((mug, 1))
    put_letter({"record": poisoned(confirmation(records()))})

    assert redrive.redrive() == 1

    assert "1 of 1 records failed again; the log above says why." in capsys.readouterr().err


WORTHLESS = st.sampled_from([None, "word", "", 7, -1, 1e300, True, [], {}, {"S": 1}, {"L": 7}, {"N": "word"}, {"X": 1}])
WAYS = st.lists(st.integers(0, 9), min_size=1, max_size=6)


def spoil(whole: Any, way: list[int], value: Any) -> None:
    """Put a value in place of something inside, as deep as the way leads."""
    name = list(whole)[way[0] % len(whole)]
    inner = whole[name]
    if len(way) > 1 and isinstance(inner, dict) and inner:
        spoil(inner, way[1:], value)
    else:
        whole[name] = value


@pytest.mark.fault("F24")
@settings_of_hypothesis(max_examples=30)
@given(number=st.integers(0, 50), faults=st.lists(st.tuples(WAYS, WORTHLESS), min_size=1, max_size=3))
def test_whatever_is_wrong_with_a_letter_it_is_one_sentence(
    ada: Shop, mug: str, number: int, faults: list[tuple[list[int], Any]]
) -> None:
    batch = records()
    letter = {"record": json.loads(json.dumps(batch[number % len(batch)]))}
    for way, value in faults:
        spoil(letter, way, copy.deepcopy(value))

    why = redrive._why_it_stays(json.dumps(letter))

    assert why is None or (why.endswith(".") and why.count("\n") == 0)


def test_without_the_dead_letter_queue_a_poisoned_record_is_reported_rather_than_lost(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    boto3.client("sqs").delete_queue(QueueUrl=settings.current().dead_letter_queue_url)

    assert deliver(ada, [poisoned(confirmation(batch)), *batch]) == ["999"]

    assert about_orders() == ["confirmed"]


def without_steps(image: dict[str, Any]) -> dict[str, Any]:
    return {**image, "timeline": {"L": []}}


def of_another_kind(image: dict[str, Any]) -> dict[str, Any]:
    return {**image, "lines": {"L": [{"N": "1"}]}, "remindedAt": {"S": "now"}}


@pytest.mark.parametrize(("sk", "spoil"), [("ORDER#other", without_steps), ("CART", of_another_kind)])
def test_whatever_is_wrong_with_a_record_it_is_given_up_alone(ada: Shop, mug: str, sk: str, spoil: Any) -> None:
    ada.order((mug, 1))
    batch = records()
    broken = poisoned(confirmation(batch))
    broken["dynamodb"]["Keys"]["SK"]["S"] = sk
    broken["dynamodb"]["NewImage"] = spoil(confirmation(batch)["dynamodb"]["NewImage"])

    assert deliver(ada, [broken, *batch]) == []

    assert len(letters()) == 1
    assert about_orders() == ["confirmed"]


def test_a_delivery_in_which_two_things_fail_is_one_try(ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.order((mug, 1))
    batch = [confirmation(records())]
    boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
    monkeypatch.setattr(bus, "publish", list)

    rounds = [deliver(ada, batch) for _ in range(notifications.MAX_TRIES)]

    assert [len(each) for each in rounds] == [1] * (notifications.MAX_TRIES - 1) + [0]
    assert [letter["tries"] for letter in letters()] == [notifications.MAX_TRIES]


def test_a_redrive_writes_to_nobody_who_was_forgotten_meanwhile(ada: Shop, mug: str) -> None:
    order = ada.order((mug, 1)).body["orderId"]
    old = [confirmation(records())]
    assert ada("PUT", f"/orders/{order}/cancel").status == 200
    assert ada("DELETE", "/users/profile").status == 204

    assert notifications.handle(old, may_give_up=False) == []

    assert about_orders() == []


def test_a_mail_that_is_refused_for_good_is_given_up_at_once_and_not_forgotten(ada: Shop, mug: str) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "BadRequestException"}}, "SendEmail")

    ada.order((mug, 1))
    clients.ses().meta.events.register("provide-client-params.sesv2.SendEmail", refuse)

    assert deliver(ada) == []

    assert {letter["error"].split(":")[0] for letter in letters()} == {"MailRefused"}
    assert {letter["tries"] for letter in letters()} == {1}


def test_a_record_that_cannot_be_read_comes_again_when_the_marks_cannot_be_read_either(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    boto3.client("sqs").delete_queue(QueueUrl=settings.current().dead_letter_queue_url)

    with injected(refuse("ThrottlingException", times=100, only="batch_get_item")):
        failed = deliver(ada, [poisoned(confirmation(batch)), *batch])

    assert "999" in failed
    assert len(failed) > 1


def test_what_was_told_but_could_not_be_marked_comes_again(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = [confirmation(records())]

    with injected(refuse("ThrottlingException", times=100, only="batch_write_item")):
        assert len(deliver(ada, batch)) == 1
    assert deliver(ada, batch) == []

    assert len({event["id"] for event in told()}) == 1


def test_what_there_is_no_time_for_comes_again_and_counts_as_no_try(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    batch = records()
    for _ in range(notifications.MAX_TRIES + 1):
        assert notifications.handle(batch, seconds=-1)

    assert deliver(ada, batch) == []

    assert letters() == []
    assert about_orders() == ["confirmed"]
