"""The parts of a price: what each is, and that they always add up (M2, M3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import money
from chalicelib.core.errors import Misconfigured
from chalicelib.orders import policies, pricing
from chalicelib.orders.policies import NotShipped
from chalicelib.orders.pricing import OrderLine, Price, TaxRate

CONFIG = json.loads((Path(__file__).parents[2] / ".chalice" / "config.json").read_text())
FREE, UNTAXED = policies.read_shipping("free"), TaxRate(rate=0, included=False)

lines = st.builds(
    OrderLine,
    product_id=st.just("prd_1"),
    product_name=st.just("Mug"),
    quantity=st.integers(1, 99),
    price=st.integers(0, 1_000_000),
)
carts = st.lists(lines, min_size=1, max_size=30)
rates = st.builds(TaxRate, rate=st.integers(0, 100_000), included=st.booleans())
currencies = st.sampled_from(["JPY", "USD", "KWD"])


def line(price: int, quantity: int = 1) -> OrderLine:
    return OrderLine(product_id=f"prd_{price}", product_name="Mug", quantity=quantity, price=price)


@given(cart=carts, tax=rates, currency=currencies, fee=st.integers(0, 100_000), data=st.data())
def test_the_parts_are_never_negative_and_always_add_up(
    cart: list[OrderLine], tax: TaxRate, currency: str, fee: int, data: st.DataObject
) -> None:
    discount = data.draw(st.integers(0, pricing.subtotal_of(cart)))
    shipping = policies.ByCurrency({currency: policies.Fee(fee=fee)})

    price = pricing.price(cart, currency, discount=discount, shipping=shipping, tax=tax)

    parts = (price.subtotal, price.discount, price.shipping, price.tax, price.shipping_tax, price.total)
    assert min(parts) >= 0
    assert price.total == price.subtotal - price.discount + price.shipping + (0 if tax.included else price.tax)
    assert sum(each.discount for each in price.lines) == price.discount == discount
    assert sum(each.tax for each in price.lines) + price.shipping_tax == price.tax
    assert all(0 <= each.discount <= each.subtotal and each.tax >= 0 for each in price.lines)
    shown = [money.to_decimal(part, currency) for part in parts]
    assert shown[-1] == shown[0] - shown[1] + shown[2] + (0 if tax.included else shown[3])


@given(cart=carts, tax=rates)
def test_an_included_tax_is_shown_and_not_added(cart: list[OrderLine], tax: TaxRate) -> None:
    included = TaxRate(rate=tax.rate, included=True)

    price = pricing.price(cart, "USD", discount=0, shipping=FREE, tax=included)

    assert price.total == price.subtotal
    assert price.tax <= price.total


def test_a_discount_is_spread_by_what_the_lines_cost_and_the_tax_follows_it() -> None:
    cart = [line(4300), line(1400), line(2300)]

    price = pricing.price(cart, "USD", discount=299, shipping=FREE, tax=TaxRate(rate=8_100, included=False))

    assert [each.discount for each in price.lines] == [161, 52, 86]
    assert [each.tax for each in price.lines] == [335, 109, 179]  # 8.1 % of 41.39, 13.48 and 22.14
    assert (price.tax, price.total) == (623, 8000 - 299 + 623)


def test_sending_is_taxed_like_the_goods() -> None:
    fee = policies.read_shipping("flat:4.99:USD")

    price = pricing.price([line(1000)], "USD", discount=0, shipping=fee, tax=TaxRate(rate=10_000, included=False))

    assert (price.shipping, price.shipping_tax, price.tax, price.total) == (499, 50, 150, 1000 + 499 + 150)


def test_tax_included_is_the_part_of_the_price_that_it_is() -> None:
    price = pricing.price([line(11900)], "EUR", discount=0, shipping=FREE, tax=TaxRate(rate=19_000, included=True))

    assert (price.tax, price.total) == (1900, 11900)


def test_all_of_it_can_be_taken_off() -> None:
    price = pricing.price([line(1), line(0)], "JPY", discount=1, shipping=FREE, tax=TaxRate(rate=10_000, included=True))

    assert (price.total, price.tax) == (0, 0)
    assert isinstance(price, Price)


@pytest.mark.parametrize(
    ("policy", "goods", "currency", "cost"),
    [
        ("free", 1, "XYZ", 0),
        ("flat:4.99:USD", 100_000, "USD", 499),
        ("flat:4.99:USD, flat:500:JPY", 1, "JPY", 500),
        ("free-over:50:4.99:USD", 4999, "USD", 499),
        ("free-over:50:4.99:USD", 5000, "USD", 0),
        ("flat:0:USD", 1, "USD", 0),
    ],
)
def test_a_shipping_policy_is_read_from_a_setting(policy: str, goods: int, currency: str, cost: int) -> None:
    assert policies.read_shipping(policy).cost(goods, currency) == cost


def test_what_is_paid_in_a_currency_without_a_fee_is_not_shipped() -> None:
    with pytest.raises(NotShipped):
        policies.read_shipping("flat:4.99:USD").cost(1000, "EUR")


@pytest.mark.parametrize(
    "text",
    ["", "gratis", "flat:4.99", "flat:-1:USD", "flat:4.99:usd", "flat:4.999:USD", "flat:1:XXX", "free,flat:1:USD",
     "free-over:50:USD", "free-over:0.5:1:JPY", "flat:1:USD,flat:2:USD", "flat:999999999:USD"],
)  # fmt: skip
def test_a_malformed_shipping_policy_is_named(text: str) -> None:
    with pytest.raises(Misconfigured, match="SHIPPING_POLICY"):
        policies.read_shipping(text)


@pytest.mark.parametrize(
    ("country", "rate", "included"),
    [("US", 0, False), ("DE", 19_000, True), ("CH", 8_100, False), ("FR", 20_000, True)],
)
def test_tax_rates_are_read_from_a_setting(country: str, rate: int, *, included: bool) -> None:
    rates = policies.read_taxes("US=0, DE=19i,CH=8.1x,*=20i")

    assert rates.of(country) == TaxRate(rate=rate, included=included)


def test_a_country_without_a_rate_pays_no_tax_where_there_is_no_other() -> None:
    assert policies.read_taxes("DE=19i").of("US") == UNTAXED


@pytest.mark.parametrize(
    "text",
    ["", "DE", "DE=19", "DE=-1i", "DE=101x", "de=19i", "DEU=19i", "DE=8.1234x", "DE=1i,DE=2i", "DE=19ix", "UK=20i"],
)
def test_malformed_tax_rates_are_named(text: str) -> None:
    with pytest.raises(Misconfigured, match="TAX_RATES"):
        policies.read_taxes(text)


@pytest.mark.parametrize("stage", CONFIG["stages"])
def test_every_stage_says_what_can_be_read(stage: str) -> None:
    said = {**CONFIG["environment_variables"], **CONFIG["stages"][stage]["environment_variables"]}

    assert policies.read_shipping(said["SHIPPING_POLICY"])
    assert policies.read_taxes(said["TAX_RATES"])
