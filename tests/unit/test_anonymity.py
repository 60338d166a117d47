"""What stays of an order whose buyer is erased (F6)."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib.core import clock
from chalicelib.core.principal import Principal, Role
from chalicelib.orders.anonymity import FOR_THE_BOOKS, anonymised
from chalicelib.orders.models import Order
from chalicelib.orders.pricing import OrderLine, Price
from chalicelib.orders.states import OrderStatus
from chalicelib.users.schemas import Address
from tests.support.times import STANDARD

pytestmark = pytest.mark.fault("F6")

BUYER = Principal(user_id="usr_1", email="ada@example.com", roles=(Role.CUSTOMER,), session_id="ses_1")
WHERE = Address(street="1 Main Street", city="Springfield", postal_code="12345", country="DE")
PRICE = Price(
    lines=[OrderLine(product_id="prd_1", product_name="Mug", quantity=1, price=1000, tax=160)],
    subtotal=1000, discount=0, shipping=0, tax=160, shipping_tax=0, tax_included=True,
)  # fmt: skip
GOES = {"asked_as", "billing_address", "email", "locale", "note", "shipping_address", "timeline", "version"}


def placed() -> Order:
    with clock.fixed(STANDARD):
        return Order.place(
            BUYER, PRICE, "EUR", WHERE,
            coupon=None, from_cart=False, locale="de", billing=WHERE, note="for Ada",
        )  # fmt: skip


def test_each_part_of_an_order_stays_or_goes_and_what_it_comes_to_have_goes() -> None:
    assert {*FOR_THE_BOOKS} & GOES == set()
    assert {*FOR_THE_BOOKS} | GOES == {*Order.__struct_fields__}

    class LaterOrder(Order, frozen=True, kw_only=True):
        gift_for: str | None = None

    order = LaterOrder(**msgspec.structs.asdict(placed()), gift_for="Ada")
    assert "Ada" not in str(anonymised(order))
    assert WHERE.street not in str(anonymised(order))


def test_an_address_keeps_its_country_whatever_else_one_has() -> None:
    there = msgspec.structs.replace(
        WHERE, name="Ada", company="Acme", street2="flat 2", district="East", state="IL", phone="+15551234567"
    )

    left = anonymised(msgspec.structs.replace(placed(), shipping_address=there)).shipping_address

    assert msgspec.to_builtins(left) == {"street": "erased", "country": "DE"}


def test_words_that_people_wrote_go_and_an_order_reads_back_as_it_was_left() -> None:
    with clock.fixed(STANDARD):
        ended = placed().move(OrderStatus.CANCELLED, by="admin", actor="usr_2", reason="Ada rang")

    left = anonymised(ended)

    assert [(entry.status, entry.actor, entry.reason) for entry in left.timeline] == [
        ("pending", "usr_1", None),
        ("cancelled", "usr_2", None),
    ]
    assert (left.tax, left.total, left.tax_included) == (160, ended.total, True)
    assert left.version == ended.version + 1
    assert msgspec.convert(msgspec.to_builtins(left), Order) == left
