"""What only people can put right is told to them once (P5, E1)."""

from __future__ import annotations

from collections.abc import Callable

import boto3
import pytest

from chalicelib.core import clock
from chalicelib.orders import incidents
from chalicelib.orders.incident_kinds import CATALOGUE, IncidentKind
from chalicelib.payments.models import AttemptState, Outcome, ProviderEvent, ProviderEventKind
from chalicelib.payments.simulator import webhook_messages
from tests.integration.products.test_low_stock import TOPIC, alerts
from tests.support.payments import SECRET, keep_secret
from tests.support.stream import deliver
from tools.testing.shop import Shop, ShopAnswer

__all__ = ["alerts"]

Read = Callable[[], list[str]]


@pytest.fixture
def order(shop: Shop, mug: str, ada: Shop) -> str:
    """An order of 12.50 that waits for its buyer."""
    keep_secret({"webhookSecret": SECRET})
    return str(ada.order((mug, 1), token="tok_requires_action").body["orderId"])


def paid(shop: Shop, order: str, amount: int, name: str) -> ShopAnswer:
    """The provider's message that so many cents were paid."""
    event = ProviderEvent(
        event_id=name, kind=ProviderEventKind.PAYMENT, order_id=order, merchant_key=f"{order}:1", amount=amount,
        currency="USD", outcome=Outcome(state=AttemptState.CAPTURED), created_at=clock.timestamp(),
    )  # fmt: skip
    body = webhook_messages.write(event)
    return shop(
        "POST", "/payments/webhook", raw=body.decode(), **webhook_messages.signed_headers(body, SECRET, clock.epoch())
    )


def test_money_that_is_not_what_was_asked_for_is_told_once(shop: Shop, order: str, alerts: Read) -> None:
    for name in ("evt_1", "evt_1", "evt_2"):
        assert paid(shop, order, 999, name).status == 204
    for _ in range(2):
        assert deliver(shop) == []

    (alert,) = alerts()
    told = [f"Order {order}: payment-amount, asked 1250, currency USD, said 999."]
    assert alert.split("\n\n") == [*told, *CATALOGUE[IncidentKind.PAYMENT_AMOUNT]]


def test_an_alert_names_nobody(shop: Shop, order: str, alerts: Read) -> None:
    paid(shop, order, 999, "evt_1")
    deliver(shop)

    (told,) = alerts()
    assert "usr_" not in told
    assert not any(
        word in told.replace(order, "").lower() for word in ("@", "ada", "lovelace", "street", "springfield")
    )


def test_another_incident_of_the_same_order_is_told_too(shop: Shop, order: str, alerts: Read) -> None:
    incidents.report(order, IncidentKind.REFUND_REFUSED, "ref_1", reason="expired_or_canceled_card")
    incidents.report(order, IncidentKind.REFUND_REFUSED, "ref_1", reason="expired_or_canceled_card")
    incidents.report(order, IncidentKind.REFUND_REFUSED, "ref_2", reason=None)
    deliver(shop)

    assert sorted(alert.split("\n\n")[0] for alert in alerts()) == [
        f"Order {order}: refund-ref_1, reason expired_or_canceled_card.",
        f"Order {order}: refund-ref_2.",
    ]


def test_an_incident_that_could_not_be_told_is_tried_again(shop: Shop, order: str, alerts: Read) -> None:
    incidents.report(order, IncidentKind.PAYMENT_AMOUNT, asked=1250, said=999)
    boto3.client("sns").delete_topic(TopicArn=TOPIC)
    assert len(deliver(shop)) == 1

    boto3.client("sns").create_topic(Name="ecommerce-test-alerts")
    assert deliver(shop) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("payment-amount", IncidentKind.PAYMENT_AMOUNT),
        ("refund-ref_01", IncidentKind.REFUND_REFUSED),
        ("refund-amount-ref_01", IncidentKind.REFUND_AMOUNT),
        ("refund-reversed-ref_01", IncidentKind.REFUND_REVERSED),
        ("refund-foreign-500", IncidentKind.REFUND_FOREIGN),
        ("unknown-order-evt_1", IncidentKind.UNKNOWN_ORDER),
        ("unknown", None),
        ("payment-amounts", None),
    ],
)
def test_a_name_on_record_leads_to_its_kind(name: str, kind: IncidentKind | None) -> None:
    assert IncidentKind.of(name) is kind
