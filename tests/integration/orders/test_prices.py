"""Shipping and taxes as a stage's settings say, over the app's routes (M2, M3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chalicelib.core import settings
from tests.support.stream import deliver, mails, records
from tools.testing.shop import ADDRESS, Shop, ShopAnswer

Prices = Callable[[str, str], None]


@pytest.fixture
def prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prices]:
    """Sets what this stage asks for shipping and takes as tax."""

    def say(shipping: str, taxes: str) -> None:
        monkeypatch.setenv("SHIPPING_POLICY", shipping)
        monkeypatch.setenv("TAX_RATES", taxes)
        settings.current.cache_clear()
        settings.current()  # before the test's client puts the project's own variables in their place

    yield say
    settings.current.cache_clear()


def parts(order: ShopAnswer) -> list[float]:
    return [order.body[name] for name in ("subtotal", "discount", "shipping", "tax", "totalAmount")]


def test_a_stage_that_says_nothing_charges_the_goods_and_nothing_else(ada: Shop, mug: str) -> None:
    placed = ada.order((mug, 2))

    assert parts(placed) == [25.0, 0.0, 0.0, 0.0, 25.0]
    assert (placed.body["taxIncluded"], placed.body["couponCode"]) == (False, None)


def test_a_tax_that_is_added_is_shown_by_line_and_for_the_shipping(
    shop: Shop, ada: Shop, mug: str, prices: Prices
) -> None:
    shop.login("root@example.com").coupon("SPRING")
    prices("flat:4.99:USD", "US=8.1x")

    placed = ada.order((mug, 2), couponCode="SPRING", expectedTotal=29.71)

    assert parts(placed) == [25.0, 2.5, 4.99, 2.22, 29.71]
    assert ([item["tax"] for item in placed.body["items"]], placed.body["shippingTax"]) == ([1.82], 0.4)
    assert ada("GET", f"/orders/{placed.body['orderId']}").body == placed.body


def test_a_tax_that_prices_include_is_shown_and_not_added(ada: Shop, mug: str, prices: Prices) -> None:
    prices("free", "DE=19i")

    placed = ada.order((mug, 2), shippingAddress={**ADDRESS, "country": "DE"})

    assert (parts(placed), placed.body["taxIncluded"]) == ([25.0, 0.0, 0.0, 3.99, 25.0], True)


def test_shipping_is_free_from_what_the_goods_cost_after_the_discount(
    shop: Shop, ada: Shop, mug: str, prices: Prices
) -> None:
    shop.login("root@example.com").coupon("SPRING")
    prices("free-over:25:4.99:USD", "*=0")

    placed = [ada.order((mug, 2)), ada.order((mug, 2), couponCode="SPRING")]

    assert [order.body["shipping"] for order in placed] == [0.0, 4.99]


def test_shipping_is_paid_even_where_the_goods_are_free(shop: Shop, ada: Shop, mug: str, prices: Prices) -> None:
    shop.login("root@example.com").coupon("GIFT", percent=100)
    prices("flat:4.99:USD", "*=0")

    placed = ada.order((mug, 1), couponCode="GIFT")

    assert (placed.body["totalAmount"], placed.body["paymentStatus"]) == (4.99, "paid")


def test_a_currency_without_a_shipping_fee_is_refused(shop: Shop, ada: Shop, mug: str, prices: Prices) -> None:
    prices("flat:4.99:EUR", "*=0")

    refused = ada.order((mug, 1))

    assert (refused.status, refused.body["code"], shop.stock(mug)) == (422, "shipping_unavailable", 10)


@pytest.mark.parametrize(("shipping", "taxes"), [("gratis", "*=0"), ("free", "US=8.1")])
def test_a_stage_whose_prices_cannot_be_read_sells_nothing(
    shop: Shop, ada: Shop, mug: str, prices: Prices, shipping: str, taxes: str
) -> None:
    prices(shipping, taxes)

    assert ada.order((mug, 1)).status == 500
    assert shop.stock(mug) == 10


@pytest.mark.parametrize(
    ("currency", "price", "expected"),
    [("JPY", 333, [333, 33, 100, 31, 400]), ("KWD", 1.005, [1.005, 0.101, 0.25, 0.093, 1.247])],
)
def test_prices_keep_the_decimals_of_their_currency(
    shop: Shop, ada: Shop, mug: str, prices: Prices, currency: str, price: float, expected: list[float]
) -> None:
    root = shop.login("root@example.com")
    bowl = root.product(name="Bowl", price=price, currency=currency)["productId"]
    root.coupon("SPRING")
    prices("flat:100:JPY,flat:0.250:KWD", "US=8.1x" if currency == "KWD" else "US=8.3i")

    placed = ada.order((bowl, 1), couponCode="SPRING")

    assert parts(placed) == expected


def test_the_mail_to_the_buyer_adds_up(shop: Shop, ada: Shop, mug: str, prices: Prices) -> None:
    shop.login("root@example.com").coupon("SPRING")
    prices("flat:4.99:USD", "US=8.1x")
    ada.order((mug, 2), couponCode="SPRING")

    deliver(shop, records())

    (mail,) = [each for each in mails() if each.subject.endswith("confirmed")]
    for line in ("Mug: 25.00 USD", "Discount: -2.50 USD", "Shipping: 4.99 USD", "Tax: 2.22 USD", "Total: 29.71 USD"):
        assert line in mail.text
