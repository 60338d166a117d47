"""Mail to customers and to the operator: which text goes to whom, and how it leaves.

The mail service knows no key by which a mail would leave only once. So a mail is marked after it was taken over
(`store`): a crash between the two sends it a second time, where a mark made before would lose it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.cart.models import CartLine
from chalicelib.core import log, money, settings
from chalicelib.core.errors import Unavailable
from chalicelib.notifications import texts
from chalicelib.orders.models import Order
from chalicelib.orders.views import OrderView, order_view
from chalicelib.payments.models import Refund
from chalicelib.users import addresses
from chalicelib.users.emails import with_ascii_domain

_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_-]")


class MailRefused(ValueError):
    """No repetition helps: the recipient, or the mail itself, is malformed. Somebody has to look at it."""


def send_order_mail(name: str, order: Order) -> None:
    """Tell the buyer what has become of an order: `order_confirmed` and the other texts of that beginning."""
    text = texts.render(
        _of_the_money(order) if name == "order_cancelled" else name,
        order.locale,
        order_id=order.order_id,
        lines=_lines(order_view(order), order.locale),
        addresses=_addresses(order),
        due=money.to_decimal(order.reserved, order.currency),
        currency=order.currency,
    )
    _send(order.email, text)


def send_refund_mail(refund: Refund, order: Order) -> None:
    """Tell the buyer that money is on its way back."""
    amount = money.to_decimal(refund.amount, refund.currency)
    text = texts.render("refunded", order.locale, order_id=order.order_id, amount=amount, currency=refund.currency)
    _send(order.email, text)


def send_cart_reminder(to: str, locale: str, lines: Iterable[CartLine]) -> None:
    """Remind somebody of what they meant to buy."""
    named = "\n".join(f"{line.quantity} x {line.product_name}" for line in lines)
    _send(to, texts.render("cart_abandoned", locale, lines=named))


def send_account_mail(name: str, to: str, locale: str, **values: str) -> None:
    """Send a text about somebody's account, such as `password_reset`."""
    _send(to, texts.render(name, locale, **values))


def send_sales_summary(to: str, *, day: str, figures: str, place: str) -> None:
    """Tell the operator how much was sold on a day."""
    _send(to, texts.render("sales_summary", texts.FALLBACK, day=day, figures=figures, place=place))


def _of_the_money(order: Order) -> str:
    """Which text about a cancelled order is true: whether what was paid is still to go back is all that is known yet.

    The provider is asked for it next, and may refuse or not answer.
    """
    if order.reserved:
        return "order_cancelled_refund_due"
    return "order_cancelled_refunded" if order.refunded else "order_cancelled"


def _lines(view: OrderView, locale: str) -> str:
    """What was bought and what it comes to, so that the mail adds up; what is nothing is not said."""
    tax = "tax_included" if view.tax_included else "tax"
    parts = (("discount", -view.discount), ("shipping", view.shipping), (tax, view.tax))
    lines = [f"{item.quantity} x {item.product_name}: {item.subtotal} {view.currency}" for item in view.items]
    lines += [f"{texts.phrase(name, locale)}: {amount} {view.currency}" for name, amount in parts if amount]
    return "\n".join([*lines, f"{texts.phrase('total', locale)}: {view.total_amount} {view.currency}"])


def _addresses(order: Order) -> str:
    """Where the goods and, if that is elsewhere, the bill go, each as its country writes it."""
    places = (("ship_to", order.shipping_address), ("bill_to", order.billing_address))
    blocks = [[f"{texts.phrase(name, order.locale)}:", *addresses.lines(place)] for name, place in places if place]
    return "\n\n".join("\n".join(block) for block in blocks)


def _send(to: str, text: texts.Text) -> None:
    body: Any = {"Text": _content(text.body), "Html": _content(text.html)}
    correlation_id = _NOT_IN_TAGS.sub("_", log.correlation_id() or "none")
    try:
        sent = clients.ses().send_email(
            FromEmailAddress=settings.current().mail_from,
            Destination={"ToAddresses": [with_ascii_domain(to)]},
            Content={"Simple": {"Subject": _content(text.subject), "Body": body}},
            ConfigurationSetName=settings.mail_configuration_set(),
            EmailTags=[{"Name": "correlationId", "Value": correlation_id}],
        )
    except (BotoCoreError, ClientError) as error:
        if _is_final(error):
            raise MailRefused("The mail service refuses this mail.") from error
        raise Unavailable("The mail service refused or did not answer.") from error
    log.info("MAIL_SENT", messageId=sent["MessageId"])


def _content(text: str) -> Any:
    """A part of a mail in any letters; without its character set SES takes ASCII only."""
    return {"Data": text, "Charset": "UTF-8"}


def _is_final(error: Exception) -> bool:
    """Will no repetition help, because the request itself, such as the recipient, is malformed?"""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "BadRequestException"
