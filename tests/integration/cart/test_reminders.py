"""From the schedule by way of the table to the mail: reminders of carts, and the operator's summary of a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalicelib.aws import db, keys
from chalicelib.core import clock
from tests.support.schedule import run_at
from tests.support.stream import deliver, mails, told
from tools.testing.shop import Shop


def about(subject: str) -> list[Any]:
    return [mail for mail in mails() if mail.subject.startswith(subject)]


def left(ada: Shop, mug: str, **preferences: Any) -> None:
    """Ada confirms her address, says what she prefers, fills her cart, and goes."""
    user = keys.user(ada("GET", "/auth/me").body["userId"])
    db.commit(db.update(user, "SET emailVerified = :yes", {":yes": True}))
    assert ada("PUT", "/users/profile", preferences or {"firstName": "Ada"}).status == 200
    assert ada("POST", "/cart/items", {"productId": mug, "quantity": 2}).status == 201
    deliver(ada)


def test_who_leaves_a_cart_behind_is_reminded_once_a_day_later_however_often_the_schedule_runs(
    ada: Shop, mug: str
) -> None:
    left(ada, mug)

    for hours in (1, 23, 26, 26, 31, 50):
        run_at("remind_of_carts", clock.now() + timedelta(hours=hours))
        deliver(ada)

    (mail,) = about("You left something")
    assert (mail.to, "2 x Mug" in mail.text) == ("ada@example.com", True)
    (event,) = [event for event in told() if event["type"] == "cart.abandoned.v1"]
    assert event["data"]["itemCount"] == 2


def test_a_reminder_comes_in_the_users_language_and_only_to_who_wants_it(shop: Shop, mug: str) -> None:
    left(shop.customer("anna@example.com"), mug, locale="de")
    left(shop.customer("bob@example.com"), mug, cartReminders=False)

    run_at("remind_of_carts", clock.now() + timedelta(hours=26))
    deliver(shop)

    (mail,) = [*about("You left"), *about("Du hast noch etwas")]
    assert (mail.to, mail.subject) == ("anna@example.com", "Du hast noch etwas im Warenkorb")


def test_who_asked_meanwhile_not_to_be_reminded_gets_no_mail(ada: Shop, mug: str) -> None:
    left(ada, mug)
    run_at("remind_of_carts", clock.now() + timedelta(hours=26))
    ada("PUT", "/users/profile", {"cartReminders": False})

    deliver(ada)

    assert about("You left") == []


def test_the_operator_is_told_once_what_was_sold_on_a_day(ada: Shop, mug: str) -> None:
    today = clock.now()
    with clock.fixed(today):
        ada.order((mug, 2))
        ada("PUT", f"/orders/{ada.order((mug, 1)).body['orderId']}/cancel")
    tomorrow = today + timedelta(days=1)

    for _ in range(3):
        run_at("summarise_sales", tomorrow)
        deliver(ada)

    (mail,) = about("Sales of")
    assert mail.to == "operator@example.com"
    assert mail.subject == f"Sales of {clock.timestamp(today)[:10]}"
    assert "USD: 2 placed, 2 paid, 1 cancelled, 0 expired; 3 units; 37.50 paid, 12.50 refunded." in mail.text
    assert f"reports/sales/{clock.timestamp()[:10]}.json" in mail.text
