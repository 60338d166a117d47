"""Amounts that the payment provider can never take or give back are refused as what they are (F19, C1, C9)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_stripe import StripeAccount, error
from tests.support.faults import Crash, crash, injected
from tests.support.payments import paid_by_stripe
from tools.testing.shop import Shop

pytestmark = pytest.mark.fault("F19")

VISA = "pm_card_visa"


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeAccount]:
    """A stage that is paid through the Stripe on loopback."""
    with paid_by_stripe(monkeypatch) as known:
        yield known


@pytest.mark.parametrize(
    ("price", "currency", "detail"),
    [
        (0.49, "USD", "The least that can be paid is 0.50 USD."),
        (0.29, "GBP", "The least that can be paid is 0.30 GBP."),
        (49, "JPY", "The least that can be paid is 50 JPY."),
        (1.255, "KWD", "1.255 KWD cannot be moved: it must be a multiple of 0.010 KWD."),
        (12.5, "MGA", "12.50 MGA cannot be moved: it must be a multiple of 1.00 MGA."),
        (1000000, "USD", "The most that can be paid at once is 999999.99 USD."),
        (5, "IQD", "Payments in IQD are not taken."),
    ],
)
def test_what_can_never_be_charged_is_refused_before_anything_is_sold(
    account: StripeAccount, shop: Shop, ada: Shop, price: float, currency: str, detail: str
) -> None:
    product = shop.admin().product(price=price, currency=currency)["productId"]
    ada("POST", "/cart/items", {"productId": product, "quantity": 1})

    refused = [ada.order(token=VISA), ada.order((product, 1), token=VISA)]

    assert [(each.status, each.body["code"], each.body["detail"]) for each in refused] == [
        (422, "amount_not_payable", detail)
    ] * 2
    assert (shop.stock(product), ada("GET", "/cart").body["itemCount"], account.requests) == (10, 1, [])
    assert ada("GET", "/orders").body["orders"] == []


def test_the_refusal_says_in_figures_what_is_possible(account: StripeAccount, shop: Shop, ada: Shop) -> None:
    pin = shop.admin().product(price=0.25)["productId"]

    refused, placed = ada.order((pin, 1), token=VISA), ada.order((pin, 2), token=VISA)

    facts = {name: refused.body[name] for name in ("amount", "minimum", "maximum", "step", "currency")}
    assert facts == {"amount": 0.25, "minimum": 0.5, "maximum": 999999.99, "step": 0.01, "currency": "USD"}
    assert placed.status == 201


def test_a_coupon_that_leaves_too_little_is_not_used_and_one_that_leaves_nothing_needs_no_payment(
    account: StripeAccount, shop: Shop, ada: Shop
) -> None:
    admin = shop.admin()
    mug = admin.product(price=10)["productId"]
    for code, percent in (("NEARLY", 97), ("ALL", 100)):
        admin.coupon(code, percent=percent, totalLimit=1)

    nearly = ada.order((mug, 1), token=VISA, couponCode="NEARLY")
    free = ada.order((mug, 1), token=VISA, couponCode="ALL")

    assert (nearly.status, nearly.body["code"], nearly.body["amount"]) == (422, "amount_not_payable", 0.3)
    assert admin("GET", "/coupons/NEARLY").body["uses"] == 0
    assert (free.status, free.body["paymentStatus"], account.requests) == (201, "none", [])


def test_what_only_stripe_can_know_ends_the_order_without_calling_it_a_decline(
    account: StripeAccount, shop: Shop, ada: Shop
) -> None:
    """The least amount of an account that is paid out in another currency follows that one's rate."""
    mug = shop.admin().product(price=0.6)["productId"]
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
    account.faults.append(error("invalid_request", 400, code="amount_too_small", param="amount"))

    refused, again = (ada.order(token=VISA, Idempotency_Key="k") for _ in "ab")

    assert (refused.status, refused.body["code"]) == (422, "amount_not_payable")
    assert (refused.body["amount"], refused.body["currency"]) == (0.6, "USD")
    assert (again.text, again.headers["Idempotent-Replayed"]) == (refused.text, "true")
    order = ada("GET", f"/orders/{refused.body['orderId']}").body
    assert (order["status"], order["paymentStatus"]) == ("cancelled", "failed")
    assert (shop.stock(mug), ada("GET", "/cart").body["itemCount"], len(account.requests)) == (10, 1, 1)


def test_a_request_that_died_when_such_an_answer_was_written_hears_the_same_when_it_is_sent_again(
    account: StripeAccount, shop: Shop, ada: Shop
) -> None:
    mug = shop.admin().product(price=0.6)["productId"]
    account.faults.append(error("invalid_request", 400, code="amount_too_small", param="amount"))
    with injected(crash(4, after=True)), pytest.raises(Crash):
        ada.order((mug, 1), token=VISA, Idempotency_Key="k")

    answers = [ada.order((mug, 1), token=VISA, Idempotency_Key="k") for _ in "ab"]

    assert [(each.status, each.body["code"]) for each in answers] == [(422, "amount_not_payable")] * 2
    assert shop.stock(mug) == 10


def test_a_key_of_an_order_that_was_paid_is_replayed_although_its_price_is_too_low_by_now(
    account: StripeAccount, shop: Shop, ada: Shop
) -> None:
    admin = shop.admin()
    mug = admin.product(price=5)["productId"]
    paid = ada.order((mug, 1), token=VISA, Idempotency_Key="k")
    admin("PATCH", f"/products/{mug}", {"price": 0.1})

    again = ada.order((mug, 1), token=VISA, Idempotency_Key="k")

    assert (paid.status, again.text, again.headers["Idempotent-Replayed"]) == (201, paid.text, "true")


def test_a_refund_that_can_never_be_made_is_refused_with_nothing_set_aside(
    account: StripeAccount, shop: Shop, ada: Shop
) -> None:
    admin = shop.admin()
    mug = admin.product(price=5.12, currency="KWD")["productId"]
    path = f"/orders/{ada.order((mug, 1), token=VISA).body['orderId']}"
    sent = len(account.requests)

    refused = admin("POST", f"{path}/refunds", {"amount": 1.255}, Idempotency_Key="k")
    made = admin("POST", f"{path}/refunds", {"amount": 1.25})

    assert (refused.status, refused.body["code"]) == (422, "amount_not_payable")
    assert refused.body["detail"] == "1.255 KWD cannot be moved: it must be a multiple of 0.010 KWD."
    assert (made.status, len(account.requests) - sent) == (201, 1)
    assert admin("GET", "/admin/incidents").body["incidents"] == []
    assert ada("PUT", f"{path}/cancel").body["refund"]["status"] == "succeeded"


def test_the_simulator_takes_any_amount(shop: Shop, ada: Shop) -> None:
    admin = shop.admin()
    for price, currency in ((0.01, "USD"), (1.255, "KWD"), (1, "JPY")):
        product = admin.product(price=price, currency=currency)["productId"]

        assert ada.order((product, 1)).status == 201
