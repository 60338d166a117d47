"""What the mail about a cancelled order says of the money: what is true when it is written, and stays true."""

from __future__ import annotations

from unittest import mock

import pytest

from chalicelib.payments import port
from chalicelib.payments.simulator import in_table
from tests.support.schedule import swept_after
from tests.support.stream import Mail, deliver, mails
from tools.testing.shop import Shop

NOTHING = {
    "en": "We have received no money for it; should any still arrive, it goes back to you.",
    "de": "Wir haben dafür kein Geld erhalten; sollte noch welches eingehen, bekommst du es zurück.",
}
DUE = {
    "en": "You get back {} USD. As soon as it is on its way, a mail tells you so. "
    "If you have not been told of all of it within five days, please answer this mail.",
    "de": "Du bekommst {} USD zurück. Sobald es unterwegs ist, sagt dir das eine E-Mail. "
    "Hast du nicht innerhalb von fünf Tagen vom ganzen Betrag gehört, antworte bitte auf diese Nachricht.",
}
BACK = {
    "en": "What you paid, we have given back to you already.",
    "de": "Was du bezahlt hast, haben wir dir schon zurückgezahlt.",
}
EACH = {"en": "cancelled", "de": "storniert"}


@pytest.fixture(params=["en", "de"])
def language(request: pytest.FixtureRequest, ada: Shop) -> str:
    """The buyer's language."""
    assert ada("PUT", "/users/profile", {"locale": request.param}).status == 200
    return str(request.param)


def cancel(ada: Shop, order: str) -> None:
    assert ada("PUT", f"/orders/{order}/cancel").status == 200


def cancellation(ada: Shop, order: str, language: str) -> str:
    """The text of the one mail that tells of an order's end."""
    deliver(ada)
    (mail,) = [each for each in mails() if order in each.subject and EACH[language] in each.subject]
    return unbroken(mail)


def unbroken(mail: Mail) -> str:
    return " ".join(mail.text.split())


def says_only(text: str, wanted: dict[str, str], language: str, *amount: str) -> bool:
    """Does the text say that of the money, and nothing else?"""
    others = [each[language].split("{}")[0] for each in (NOTHING, DUE, BACK) if each is not wanted]
    return wanted[language].format(*amount) in text and not any(other in text for other in others)


def test_a_declined_order_was_not_charged(ada: Shop, mug: str, language: str) -> None:
    order = ada.order((mug, 2), token="tok_declined").body["orderId"]

    assert says_only(cancellation(ada, order, language), NOTHING, language)


def test_an_order_whose_charge_never_reached_the_provider_was_not_charged(ada: Shop, mug: str, language: str) -> None:
    order = ada.order((mug, 2), token="tok_timeout_before").body["orderId"]
    swept_after(2, 5, 12, 40)

    assert says_only(cancellation(ada, order, language), NOTHING, language)


def test_an_order_that_was_cancelled_before_it_was_paid_was_not_charged(ada: Shop, mug: str, language: str) -> None:
    order = ada.order((mug, 2), token="tok_requires_action").body["orderId"]
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), NOTHING, language)


def test_a_cancelled_order_that_cost_nothing_was_not_charged(ada: Shop, mug: str, language: str) -> None:
    ada.login("root@example.com").coupon("FREE", percent=100)
    order = ada.order((mug, 1), couponCode="FREE").body["orderId"]
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), NOTHING, language)


def test_of_a_paid_order_the_mail_says_how_much_comes_back_and_that_another_mail_follows(
    ada: Shop, mug: str, language: str
) -> None:
    order = ada.order((mug, 2)).body["orderId"]
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), DUE, language, "25.00")


@pytest.mark.parametrize("fails", [True, False])
def test_the_mail_promises_no_date_that_a_refused_or_unanswered_refund_would_break(
    ada: Shop, mug: str, language: str, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    order = ada.order((mug, 2), token="tok_refund_fails" if fails else "tok_success").body["orderId"]
    if not fails:
        monkeypatch.setattr(in_table.Simulator, "refund", mock.Mock(side_effect=port.NoAnswer))
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), DUE, language, "25.00")


def test_of_an_order_that_was_given_back_in_part_the_mail_names_the_rest(ada: Shop, mug: str, language: str) -> None:
    order = ada.order((mug, 2)).body["orderId"]
    assert ada.login("root@example.com")("POST", f"/orders/{order}/refunds", {"amount": 5}).status == 201
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), DUE, language, "20.00")


def test_of_an_order_that_was_given_back_whole_no_further_mail_is_promised(ada: Shop, mug: str, language: str) -> None:
    order = ada.order((mug, 2)).body["orderId"]
    assert ada.login("root@example.com")("POST", f"/orders/{order}/refunds", {}).status == 201
    cancel(ada, order)

    assert says_only(cancellation(ada, order, language), BACK, language)
