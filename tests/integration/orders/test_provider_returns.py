"""Refunds and disputes that were made at the provider: in the order's books once, and told to people (F20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any
from unittest import mock

import msgspec
import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from chalicelib.orders import sweep
from chalicelib.payments import credentials, port
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import ProviderEvent, RefundState
from chalicelib.payments.returns import DisputeStatus
from chalicelib.payments.simulator import in_table, ledger, webhook_messages
from chalicelib.reports import audit, sales
from tests.support.faults import injected, refuse
from tests.support.payments import SECRET, keep_secret
from tests.support.schedule import swept_after
from tools.testing.shop import Shop

pytestmark = pytest.mark.fault("F20")
OPEN, WON, LOST = DisputeStatus


@pytest.fixture(autouse=True)
def signed(shop: Shop) -> Iterator[None]:
    keep_secret({"webhookSecret": SECRET})
    yield
    credentials.forget()


@pytest.fixture
def order(ada: Shop, mug: str) -> str:
    """A paid order over 25.00."""
    return str(ada.order((mug, 2)).body["orderId"])


@pytest.fixture
def root(shop: Shop, mug: str) -> Shop:
    assert mug
    return shop.login("root@example.com")


def there() -> in_table.Simulator:
    """The provider, as whoever works there sees it."""
    return in_table.Simulator()


def message(order_id: str, **changes: Any) -> ProviderEvent:
    """That something of the order's payment was refunded or disputed."""
    payment = there().ledger.payment(f"{order_id}:1")
    assert payment
    return msgspec.structs.replace(ledger.return_event(payment, 2500), **changes)


def tell(shop: Shop, event: ProviderEvent | str) -> int:
    event = message(event) if isinstance(event, str) else event
    body = webhook_messages.write(event)
    headers = webhook_messages.signed_headers(body, SECRET, clock.epoch())
    return Shop(shop.client)("POST", "/payments/webhook", raw=body.decode(), **headers).status


def shown(root: Shop, order_id: str) -> dict[str, Any]:
    body: dict[str, Any] = root("GET", f"/orders/{order_id}").body
    return body


def names(order_id: str) -> list[str]:
    """What was reported about an order."""
    page = db.query(db.TABLE, keys.incident(order_id, "").pk, prefix=keys.INCIDENT_PREFIX, limit=10)
    return [item["name"] for item in page.items]


def back_today() -> int:
    """What the report of today says went back."""
    day = clock.now().date()
    return sum(each.refunded for each in sales.summarise(day, deadline=Deadline(60)).currencies)


def drifts() -> list[Any]:
    return audit.run(seconds=60).drifts


def test_a_refund_made_at_the_provider_is_in_the_orders_books_once(
    shop: Shop, root: Shop, ada: Shop, order: str
) -> None:
    refund = there().refund_there(f"{order}:1", 900)

    assert [tell(shop, order) for _ in range(3)] == [204] * 3

    body = shown(root, order)
    assert (body["status"], body["paymentStatus"], body["refunded"]) == ("processing", "partially_refunded", 9)
    assert (body["refundedAtProvider"], body["timeline"][-1]["event"]) == (9, "refunded_at_provider")
    assert [step.get("event") for step in body["timeline"]] == [None, None, "refunded_at_provider"]
    (row,) = ada("GET", f"/orders/{order}/refunds").body["refunds"]
    assert (row["amount"], row["status"], row["refundId"][:4]) == (9, "succeeded", "ref_")
    assert names(order) == [f"refund-foreign-{refund.provider_id}"]
    assert (back_today(), drifts()) == (900, [])


def test_what_went_back_at_the_provider_cannot_go_back_again(shop: Shop, root: Shop, order: str) -> None:
    there().refund_there(f"{order}:1", 2000)
    tell(shop, order)

    over = root("POST", f"/orders/{order}/refunds", {"amount": 5.01})
    assert (over.status, over.body["code"], over.body["refundable"]) == (409, "refund_exceeds_payment", 5)
    assert root("PUT", f"/orders/{order}/cancel").body["paymentStatus"] == "refunded"
    assert (shown(root, order)["refunded"], back_today(), drifts()) == (25, 2500, [])


@pytest.mark.parametrize("amount", [900, 2500])
def test_an_order_that_was_refunded_there_is_shipped_only_when_an_admin_says_so(
    shop: Shop, root: Shop, order: str, amount: int
) -> None:
    there().refund_there(f"{order}:1", amount)
    tell(shop, order)

    for said in ({}, {"despite": "dispute"}):
        held = root("PUT", f"/orders/{order}/status", {"status": "shipped", **said})
        assert (held.status, held.body["code"], held.body["held"]) == (409, "shipping_held", "refund")
    shipped = root("PUT", f"/orders/{order}/status", {"status": "shipped", "despite": "refund"})

    assert (shipped.status, shipped.body["timeline"][-1]["despite"]) == (200, "refund")


def test_what_the_shop_itself_gave_back_in_full_is_not_shipped_whatever_is_said(root: Shop, order: str) -> None:
    root("POST", f"/orders/{order}/refunds", {})

    refused = root("PUT", f"/orders/{order}/status", {"status": "shipped", "despite": "refund"})

    assert (refused.status, refused.body["code"]) == (409, "invalid_transition")


def test_a_disputed_order_waits_and_its_money_is_not_given_back_meanwhile(shop: Shop, root: Shop, order: str) -> None:
    dispute = there().dispute(f"{order}:1", 2000, "fraudulent")
    assert [tell(shop, order) for _ in range(2)] == [204, 204]

    body = shown(root, order)
    (told,) = body["disputes"]
    assert (told["status"], told["amount"], told["reason"]) == ("open", 20, "fraudulent")
    assert (body["paymentStatus"], body["refunded"], body["timeline"][-1]["event"]) == ("paid", 0, "dispute_open")
    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).body["held"] == "dispute"
    assert root("POST", f"/orders/{order}/refunds", {"amount": 5.01}).body["code"] == "refund_exceeds_payment"
    assert names(order) == [f"dispute-{dispute.dispute_id}"]
    assert (back_today(), drifts()) == (0, [])


def test_a_dispute_that_is_won_lets_the_order_go_on(shop: Shop, root: Shop, order: str) -> None:
    there().dispute(f"{order}:1")
    tell(shop, order)
    dispute = there().close_dispute(f"{order}:1", WON)
    tell(shop, order)

    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).status == 200
    assert f"dispute-won-{dispute.dispute_id}" in names(order)
    assert (shown(root, order)["paymentStatus"], back_today(), drifts()) == ("paid", 0, [])


@pytest.mark.parametrize(("amount", "standing"), [(2500, "refunded"), (1000, "partially_refunded")])
def test_a_dispute_that_is_lost_counts_as_refunded_on_its_day(
    shop: Shop, root: Shop, order: str, amount: int, standing: str
) -> None:
    there().dispute(f"{order}:1", amount)
    tell(shop, order)
    with clock.fixed(clock.now() + timedelta(days=40)):
        dispute = there().close_dispute(f"{order}:1", LOST)
        assert [tell(shop, order) for _ in range(2)] == [204, 204]
        assert back_today() == amount
    assert back_today() == 0

    admin = shop.login("root@example.com")
    body = shown(admin, order)
    assert (body["paymentStatus"], body["refunded"] * 100) == (standing, amount)
    assert admin("PUT", f"/orders/{order}/status", {"status": "shipped"}).body["held"] == "dispute"
    assert f"dispute-lost-{dispute.dispute_id}" in names(order)
    assert admin("GET", f"/orders/{order}/refunds").body["refunds"] == []
    assert drifts() == []


@pytest.mark.parametrize("heard", list(permutations(range(3))))
def test_messages_in_any_order_and_twice_end_in_the_same_books(
    shop: Shop, root: Shop, order: str, heard: tuple[int, ...]
) -> None:
    happened = []
    there().dispute(f"{order}:1", 1000)
    happened.append(message(order))
    there().close_dispute(f"{order}:1", LOST)
    happened.append(message(order))
    there().refund_there(f"{order}:1", 500)
    happened.append(message(order))

    for number in (*heard, *heard):
        assert tell(shop, happened[number]) == 204

    body = shown(root, order)
    assert (body["refunded"], body["refundedAtProvider"], body["paymentStatus"]) == (15, 5, "partially_refunded")
    assert [each["status"] for each in body["disputes"]] == ["lost"]
    assert (len(names(order)), back_today(), drifts()) == (2, 1500, [])


def test_a_refund_that_is_heard_of_before_its_payment_settles_that_first(
    shop: Shop, root: Shop, ada: Shop, mug: str
) -> None:
    order = ada.order((mug, 2), token="tok_timeout").body["orderId"]
    there().refund_there(f"{order}:1", 700)

    assert tell(shop, order) == 204

    body = shown(root, order)
    assert (body["status"], body["paymentStatus"], body["refunded"]) == ("processing", "partially_refunded", 7)


def test_theirs_that_meets_one_of_ours_leaves_nothing_below_zero_and_is_told(
    shop: Shop, root: Shop, order: str
) -> None:
    with mock.patch.object(in_table.Simulator, "refund", side_effect=port.NoAnswer):
        assert root("POST", f"/orders/{order}/refunds", {"amount": 10}).status == 202
    there().refund_there(f"{order}:1", 2500)

    tell(shop, order)

    assert any(name.startswith("overdrawn-") for name in names(order))
    assert root("POST", f"/orders/{order}/refunds", {"amount": 0.01}).body["refundable"] == 0
    swept_after(20)
    assert [each["status"] for each in root("GET", f"/orders/{order}/refunds").body["refunds"]] == [
        "failed",
        "succeeded",
    ]
    assert (shown(root, order)["refunded"], shown(root, order)["paymentStatus"]) == (25, "refunded")
    assert drifts() == []


def test_a_refund_under_way_there_is_set_aside_and_ends_as_it_ends_there(shop: Shop, root: Shop, order: str) -> None:
    refund = there().refund_there(f"{order}:1", 2500)
    key = keys.simulated_charge(refund.provider_id)

    def stands(state: RefundState) -> None:
        db.commit(db.update(key, "SET #state = :state", {":state": state}, names={"#state": "state"}))

    stands(RefundState.PENDING)
    tell(shop, order)
    body = shown(root, order)
    assert (body["paymentStatus"], body["refunded"], body["refundedAtProvider"]) == ("paid", 0, 25)
    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).body["held"] == "refund"
    asked = there_calls(refund.provider_id)
    swept_after(20)
    assert shown(root, order)["refunded"] == 0

    stands(RefundState.SUCCEEDED)
    swept_after(200)
    assert (shown(root, order)["refunded"], there_calls(refund.provider_id)) == (25, asked)


def there_calls(key: str) -> list[dict[str, Any]]:
    """How often the provider was asked to do something under a key."""
    return db.query(db.TABLE, keys.simulated_call(key, "").pk, prefix="CALL#", limit=10).items


def test_a_provider_that_does_not_say_is_asked_again(shop: Shop, root: Shop, order: str) -> None:
    there().refund_there(f"{order}:1", 900)

    with mock.patch.object(in_table.Simulator, "look_up_returns", side_effect=port.NoAnswer):
        assert tell(shop, order) == 503
    assert (shown(root, order)["refunded"], names(order)) == (0, [])

    assert tell(shop, order) == 204
    assert shown(root, order)["refunded"] == 9


def test_a_refund_is_written_whole_or_not_at_all(shop: Shop, root: Shop, order: str) -> None:
    there().refund_there(f"{order}:1", 900)

    with injected(refuse("ThrottlingException", times=50, only="transact_write_items")):
        assert tell(shop, order) == 503
    assert (shown(root, order)["refunded"], names(order)) == (0, [])

    assert tell(shop, order) == 204
    assert (shown(root, order)["refunded"], len(names(order)), back_today()) == (9, 1, 900)


def test_another_end_of_a_dispute_is_for_people(shop: Shop, root: Shop, order: str) -> None:
    there().dispute(f"{order}:1")
    lost = there().close_dispute(f"{order}:1", LOST)
    tell(shop, order)
    payment = there().ledger.payment(f"{order}:1")
    assert payment
    db.commit(db.put(keys.simulated_charge(f"{order}:1"), msgspec.to_builtins(
        payment.with_dispute(msgspec.structs.replace(lost, status=WON)))))  # fmt: skip

    for _ in range(2):
        assert tell(shop, order) == 204

    assert shown(root, order)["paymentStatus"] == "refunded"
    assert f"dispute-changed-{lost.dispute_id}-won" in names(order)
    assert [(each.kind, each.expected, each.found) for each in drifts()] == [("refund", 2500, 0)]


def test_what_no_message_told_is_found_by_the_nightly_audit(shop: Shop, ada: Shop, mug: str, order: str) -> None:
    disputed = ada.order((mug, 2)).body["orderId"]
    there().refund_there(f"{order}:1", 900)
    there().dispute(f"{disputed}:1", 1200)
    there().close_dispute(f"{disputed}:1", LOST)

    found = {(each.kind, each.subject, each.expected, each.found) for each in drifts()}

    assert found == {("refund", order, 0, 900), ("refund", disputed, 0, 1200)}
    for each in (order, disputed):
        tell(shop, each)
    assert drifts() == []


def test_a_message_about_another_payment_of_the_order_changes_nothing(shop: Shop, root: Shop, order: str) -> None:
    there().refund_there(f"{order}:1", 900)

    assert tell(shop, message(order, merchant_key=f"{order}:2", event_id="evt_other")) == 204

    assert (shown(root, order)["refunded"], names(order)) == (0, ["unknown-charge-evt_other"])


def test_a_refund_that_fails_there_holds_up_nothing_any_more(shop: Shop, root: Shop, order: str) -> None:
    refund = there().refund_there(f"{order}:1", 2500)
    key = keys.simulated_charge(refund.provider_id)
    for state in (RefundState.PENDING, RefundState.FAILED):
        db.commit(db.update(key, "SET #state = :state", {":state": state}, names={"#state": "state"}))
        tell(shop, order)

    body = shown(root, order)
    assert (body["paymentStatus"], body["refunded"], body["refundedAtProvider"]) == ("paid", 0, 0)
    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).status == 200


def dispute_stands(order_id: str, **changes: Any) -> None:
    """Let the provider's books say something else of the order's dispute."""
    payment = there().ledger.payment(f"{order_id}:1")
    assert payment
    assert payment.disputes
    changed = payment.with_dispute(msgspec.structs.replace(payment.disputes[0], **changes))
    db.commit(db.put(keys.simulated_charge(f"{order_id}:1"), msgspec.to_builtins(changed)))


def test_a_dispute_in_another_currency_holds_up_the_goods_and_costs_the_order_nothing(
    shop: Shop, root: Shop, order: str
) -> None:
    there().dispute(f"{order}:1")
    dispute_stands(order, currency="EUR")

    for _ in range(2):
        assert tell(shop, order) == 204

    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).body["held"] == "dispute"
    assert (shown(root, order)["refunded"], back_today()) == (0, 0)
    assert len([name for name in names(order) if name.startswith("dispute-changed-")]) == 1


def test_a_dispute_that_was_won_may_be_opened_and_won_again(shop: Shop, root: Shop, order: str) -> None:
    there().dispute(f"{order}:1")

    for status in (OPEN, WON, OPEN):
        dispute_stands(order, status=status)
        assert tell(shop, order) == 204
    held = root("PUT", f"/orders/{order}/status", {"status": "shipped"})
    dispute_stands(order, status=WON)
    assert tell(shop, order) == 204

    steps = [step["event"] for step in shown(root, order)["timeline"] if "event" in step]
    assert (held.status, held.body["held"]) == (409, "dispute")
    assert steps == ["dispute_open", "dispute_won", "dispute_open", "dispute_won"]
    assert len([name for name in names(order) if name.startswith("dispute")]) == 4
    assert root("PUT", f"/orders/{order}/status", {"status": "shipped"}).status == 200


def test_what_is_disputed_waits_with_its_completion_and_its_buyer_with_being_erased(
    shop: Shop, ada: Shop, root: Shop, order: str
) -> None:
    for status in ("shipped", "delivered"):
        root("PUT", f"/orders/{order}/status", {"status": status}).expect(200)
    there().dispute(f"{order}:1")
    tell(shop, order)

    with clock.fixed(clock.now() + timedelta(days=15)):
        assert sweep.run(seconds=40)["completed"] == 0
    root("PUT", f"/orders/{order}/status", {"status": "completed"}).expect(200)
    assert (ada("DELETE", "/users/profile").status, shown(root, order)["email"]) == (202, "ada@example.com")


def test_money_that_came_after_an_orders_end_and_went_back_is_told_again_until_it_is_written(
    shop: Shop, ada: Shop, root: Shop, mug: str
) -> None:
    late = ada.order((mug, 2), token="tok_timeout_before").body["orderId"]
    attempt = payment_store.get_attempt(late, 1)
    swept_after(3, 7)
    assert attempt
    there().charge(attempt, "tok_success")
    there().refund_there(f"{late}:1", 900)

    with injected(refuse("ThrottlingException", times=50, only="transact_write_items")):
        assert tell(shop, late) == 503
    assert tell(shop, late) == 204

    assert shown(root, late)["refundedAtProvider"] == 9
