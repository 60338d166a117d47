"""What follows a change of the table (rules E)."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.aws import clients
from chalicelib.core import clock, log
from chalicelib.notifications import store as notification_store
from chalicelib.products import search
from tests.support.stream import deliver, mails, records, told
from tests.support.table import everything
from tools.testing.shop import Shop


def outbox() -> list[tuple[str, str]]:
    """Recipient and subject of every mail sent about an order."""
    return [(mail.to, mail.subject) for mail in mails() if mail.subject.startswith("Order ")]


@pytest.fixture
def mug(shop: Shop) -> str:
    return str(shop.admin().product(stock=10)["productId"])


def test_a_paid_order_is_confirmed_by_one_mail_however_often_it_is_delivered(shop: Shop, mug: str) -> None:
    order = shop.customer().order((mug, 2)).body["orderId"]
    batch = records()

    assert [deliver(shop, batch), deliver(shop, batch), deliver(shop, batch[::-1])] == [[], [], []]

    assert outbox() == [("ada@example.com", f"Order {order} confirmed")]


def test_a_declined_order_is_announced_as_cancelled_only(shop: Shop, mug: str) -> None:
    order = shop.customer().order((mug, 2), token="tok_declined").body["orderId"]

    deliver(shop, records())

    assert outbox() == [("ada@example.com", f"Order {order} cancelled")]


def test_lists_show_the_stock_after_a_sale_and_never_an_older_one(shop: Shop, mug: str) -> None:
    ada = shop.customer()
    ada.order((mug, 2))
    ada.order((mug, 3))
    batch = records()

    deliver(shop, batch)
    deliver(shop, batch[::-1])

    (shown,) = shop("GET", "/products").body["products"]
    assert shown["stock"] == shop.stock(mug) == 5


def test_the_stock_of_a_new_product_needs_no_second_write(shop: Shop, mug: str) -> None:
    search.refresh(mug)
    calls: list[str] = []
    clients.dynamodb().meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    deliver(shop, [record for record in records() if record["dynamodb"]["Keys"]["PK"]["S"].startswith("PRODUCT#")])

    # What has happened already, the shop's webhooks, the search index, and the mark of the event that was told.
    assert calls == ["BatchGetItem", "Query", "GetItem", "GetItem", "BatchWriteItem"]


def test_a_mail_that_could_not_be_sent_is_sent_at_the_next_delivery(shop: Shop, mug: str) -> None:
    shop.customer().order((mug, 1))
    batch = records()
    boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
    assert deliver(shop, batch)
    assert outbox() == []

    boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    deliver(shop, batch)

    assert len(outbox()) == 1


def test_the_schedule_answers_what_it_did(shop: Shop) -> None:
    event = shop.client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [], "us-east-1")

    answer = shop.client.lambda_.invoke("run_scheduled_work", event).payload

    assert set(answer) == {"settled", "expired", "refunded", "heard", "completed", "failed", "erased"}
    assert not any(answer.values())


def test_the_correlation_id_of_a_request_goes_on_into_its_events_its_mails_and_their_logs(
    shop: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[Any] = []
    clients.ses().meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params))
    ada = shop.customer()
    ada.headers["X-Correlation-Id"] = trace = "Root=1-67891233-abcdef012345678912345678"
    order = ada.order((mug, 1)).body["orderId"]
    capsys.readouterr()

    deliver(shop)

    (tags,) = [mail["EmailTags"] for mail in sent if order in mail["Content"]["Simple"]["Subject"]["Data"]]
    assert tags == [{"Name": "correlationId", "Value": trace.replace("=", "_")}]
    assert {event["correlationId"] for event in told() if event["data"].get("orderId") == order} == {trace}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [
        line["correlationId"] for line in lines if line.get("metadata", {}).get("effect") == "mail-order_confirmed"
    ] == [trace]


@pytest.mark.parametrize(
    "given",
    [
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "1-67891233-abcdef012345678912345678",
        "Root=1-67891233-abcdef012345678912345678",
        "01KAJ5RD8F7ZC6X4W2V0T9S3QH",
    ],
)
def test_the_usual_kinds_of_correlation_ids_are_taken_over(
    shop: Shop, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    shop.headers["X-Correlation-Id"] = given

    shop("GET", "/cart")

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["correlationId"] == given


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"X-Request-Id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        ({"X-Request-Id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "X-Correlation-Id": "a" * 32}, "a" * 32),
        ({"X-Request-Id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "X-Correlation-Id": "Ada"}, None),
        ({"X-Request-Id": "Ada Lovelace"}, None),
    ],
)
def test_a_callers_own_request_id_ties_together_and_never_becomes_ours(
    shop: Shop, capsys: pytest.CaptureFixture[str], sent: dict[str, str], taken: str | None
) -> None:
    shop.headers |= sent

    answer = shop("GET", "/cart")

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["correlationId"] == (taken or line["requestId"])
    assert answer.headers["X-Request-Id"] == line["requestId"] != sent["X-Request-Id"]


@pytest.mark.parametrize(
    "given", ["Ada Lovelace", "ada@example.com", "checkout/7", "x" * 32, "+15550100", "", "7" * 200]
)
def test_a_correlation_id_that_could_say_something_of_a_person_is_not_taken_over(
    shop: Shop, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    shop.headers["X-Correlation-Id"] = given

    shop("GET", "/cart")

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["correlationId"] == line["requestId"]


def test_one_records_correlation_id_does_not_stick_to_the_next() -> None:
    log.bind(functionName="test", correlationId="first")

    log.enrich(correlationId=None)

    assert log.correlation_id() is None


def test_of_two_mails_one_that_fails_does_not_repeat_the_other(shop: Shop, ada: Shop) -> None:
    deliver(shop)
    before = len(records())
    ada("PUT", "/users/profile", {"email": "new@example.com"})
    batch = records()[before:]

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["Destination"]["ToAddresses"] == ["new@example.com"]:
            raise EndpointConnectionError(endpoint_url="https://email")

    clients.ses().meta.events.register("provide-client-params.sesv2.SendEmail", refuse)
    for _ in range(3):
        deliver(shop, batch)

    assert [mail.to for mail in mails() if "about to change" in mail.subject] == ["ada@example.com"]


def test_marks_outlast_the_letters_that_may_be_delivered_once_more(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    deliver(ada)
    notification_store.count_try("event")

    kept = [item["expiresAt"] for key, item in everything().items() if key.pk.startswith("EFFECT#")]

    fortnight = 14 * 24 * 3600  # as long as the dead-letter queue keeps a letter
    assert min(kept) > clock.epoch() + fortnight
