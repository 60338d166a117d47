"""What only people can put right is told to them once (P5, E1)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws import clients, db, keys
from chalicelib.core import clock, ids, settings
from chalicelib.orders import incidents
from chalicelib.orders.incident_kinds import CATALOGUE, IncidentKind
from chalicelib.payments.models import AttemptState, Outcome, ProviderEvent, ProviderEventKind
from chalicelib.payments.simulator import webhook_messages
from tests.integration.products.test_low_stock import TOPIC, alerts
from tests.support.payments import SECRET, keep_secret
from tests.support.stream import deliver
from tests.support.table import everything
from tools.recompute import incidents as recomputed
from tools.recompute.run import Run
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


# --- The list for admins

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(params=["1", "2"])
def root(request: pytest.FixtureRequest, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An admin, of a shop with so many shards."""
    monkeypatch.setenv("INDEX_SHARDS", request.param)
    settings.current.cache_clear()
    yield shop.admin()
    monkeypatch.undo()
    settings.current.cache_clear()


def found(second: int, order_id: str, name: str = "ref_1") -> None:
    with clock.fixed(BEGIN + timedelta(seconds=second)):
        incidents.report(order_id, IncidentKind.REFUND_REFUSED, name, reason="expired_card", amount=None)


def walk(root: Shop, limit: int) -> Iterator[list[dict[str, Any]]]:
    """Every page of the list."""
    cursor = ""
    while True:
        page = root("GET", f"/admin/incidents?limit={limit}{cursor}").body
        assert page["count"] == len(page["incidents"])
        yield page["incidents"]
        if page["nextCursor"] is None:
            return
        cursor = f"&cursor={page['nextCursor']}"


def listed(root: Shop) -> list[tuple[str, str]]:
    return [(each["orderId"], each["name"]) for page in walk(root, 100) for each in page]


def test_an_incident_is_listed_with_what_it_means_and_what_to_do(root: Shop) -> None:
    order_id = ids.new("ord")
    found(0, order_id)

    (incident,) = root("GET", "/admin/incidents").body["incidents"]

    meaning, advice = CATALOGUE[IncidentKind.REFUND_REFUSED]
    assert incident == {
        "orderId": order_id, "name": "refund-ref_1", "facts": {"reason": "expired_card"},
        "at": "2026-11-21T00:00:00.000Z", "meaning": meaning, "advice": advice,
    }  # fmt: skip


def test_a_list_without_incidents_is_empty(root: Shop) -> None:
    assert root("GET", "/admin/incidents").body == {"incidents": [], "count": 0, "nextCursor": None}


def test_the_newest_come_first_and_a_walk_meets_each_once_whatever_the_page_and_the_shards(root: Shop) -> None:
    orders = [ids.new("ord") for _ in range(7)]
    for number, order_id in enumerate(orders):
        found(number // 2, order_id)  # two at the same instant

    pages = list(walk(root, 3))

    met = [(each["at"], each["orderId"]) for page in pages for each in page]
    assert all(len(page) <= 3 for page in pages)
    assert met == sorted(met, reverse=True)
    assert sorted(order_id for _, order_id in met) == sorted(orders)


def test_an_incident_is_listed_once_and_as_first_found_however_often_it_is_found(root: Shop) -> None:
    order_id = ids.new("ord")
    for second in range(3):
        found(second, order_id)
        found(second, order_id, "ref_2")

    assert listed(root) == [(order_id, "refund-ref_2"), (order_id, "refund-ref_1")]
    assert {each["at"] for page in walk(root, 1) for each in page} == {"2026-11-21T00:00:00.000Z"}


def test_what_the_shop_finds_by_itself_is_listed_in_its_transaction(shop: Shop, mug: str, ada: Shop) -> None:
    root = shop.login("root@example.com")
    order_id = ada.order((mug, 1), token="tok_refund_fails").body["orderId"]

    refused = root("POST", f"/orders/{order_id}/refunds", {}).body

    assert listed(root) == [(order_id, f"refund-{refused['refundId']}")]


def test_only_admins_see_the_list(shop: Shop, root: Shop) -> None:
    found(0, ids.new("ord"))

    assert shop.customer()("GET", "/admin/incidents").status == 403
    assert shop("GET", "/admin/incidents").status == 401


def test_a_cursor_is_of_this_list_and_this_admin_and_a_limit_is_checked(shop: Shop, root: Shop) -> None:
    for number in range(3):
        found(number, ids.new("ord"))
    cursor = root("GET", "/admin/incidents?limit=1").body["nextCursor"]

    refused = [
        shop.admin("other@example.com")("GET", f"/admin/incidents?limit=1&cursor={cursor}"),
        root("GET", f"/coupons?limit=1&cursor={cursor}"),
        root("GET", f"/admin/incidents?limit=1&cursor={cursor[:-2]}"),
    ]

    assert [(answer.status, answer.body["code"]) for answer in refused] == [(400, "invalid_cursor")] * 3
    assert [root("GET", f"/admin/incidents?limit={limit}").status for limit in ("0", "many")] == [400, 400]
    assert root("GET", "/admin/incidents?orderId=ord_1").fields == {("orderId", "unknown_field")}


def test_a_page_costs_one_query_a_shard(root: Shop) -> None:
    found(0, ids.new("ord"))
    asked: list[str] = []
    clients.dynamodb().meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))

    root("GET", "/admin/incidents")

    authorizer, session = "GetItem", "GetItem"
    assert asked == [authorizer, session, *["Query"] * int(os.environ["INDEX_SHARDS"])]


def test_one_that_another_version_reported_is_listed_without_advice(root: Shop) -> None:
    order_id = ids.new("ord")
    found(0, order_id)
    key = keys.incident(order_id, "refund-ref_1")
    db.commit(db.put(key, {**everything()[key], "name": "of-tomorrow-1"}))

    (shown,) = next(walk(root, 10))

    assert (shown["name"], shown["meaning"], shown["advice"]) == ("of-tomorrow-1", None, None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("payment-amount", IncidentKind.PAYMENT_AMOUNT),
        ("refund-ref_01", IncidentKind.REFUND_REFUSED),
        ("refund-amount-ref_01", IncidentKind.REFUND_AMOUNT),
        ("refund-reversed-ref_01", IncidentKind.REFUND_REVERSED),
        ("refund-foreign-500", IncidentKind.REFUND_FOREIGN),
        ("dispute-dp_1", IncidentKind.DISPUTE),
        ("dispute-lost-dp_1", IncidentKind.DISPUTE_LOST),
        ("overdrawn-3500", IncidentKind.OVERDRAWN),
        ("unknown-order-evt_1", IncidentKind.UNKNOWN_ORDER),
        ("refund-lost-ref_01", None),
        ("unknown", None),
        ("payment-amounts", None),
    ],
)
def test_a_name_on_record_leads_to_its_kind(name: str, kind: IncidentKind | None) -> None:
    assert IncidentKind.of(name) is kind


def test_incidents_from_before_there_was_a_list_come_into_it_by_a_recomputation(root: Shop) -> None:
    orders = [ids.new("ord") for _ in range(3)]
    for second, order_id in enumerate(orders):
        found(second, order_id)
    before = everything()
    for key, item in before.items():
        if key.sk.startswith(keys.INCIDENT_PREFIX):
            db.commit(db.put(key, {name: value for name, value in item.items() if not name.startswith("GSI2")}))
    assert listed(root) == []

    runs = [Run(repairs=repairs, workers=1) for repairs in (False, True, True)]
    for run in runs:
        recomputed.recompute(run)

    assert [run.differing[recomputed.KIND] for run in runs] == [3, 3, 0]
    assert listed(root) == [(order_id, "refund-ref_1") for order_id in reversed(orders)]
    assert everything() == before
