"""Mail to customers: what it says, and how it leaves."""

from __future__ import annotations

from html import escape
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import clients, settings
from chalicelib.errors import Unavailable
from chalicelib.orders.models import Order, OrderView


def order_confirmed(order: Order) -> None:
    """Tell the buyer that the order is paid and on its way."""
    view = order.view()
    opening = f"Thank you for your order {view.order_id}. We have received your payment."
    _send(order.email, f"Order {view.order_id} confirmed", [opening, *_lines(view)])


def order_cancelled(order: Order) -> None:
    """Tell the buyer that the order has ended without delivery."""
    opening = f"Your order {order.order_id} was {order.status}. Whatever was paid goes back to you."
    _send(order.email, f"Order {order.order_id} {order.status}", [opening, *_lines(order.view())])


def _lines(view: OrderView) -> list[str]:
    lines = [f"{item.quantity} x {item.product_name}: {item.subtotal} {view.currency}" for item in view.items]
    return [*lines, f"Total: {view.total_amount} {view.currency}"]


def _send(to: str, subject: str, paragraphs: list[str]) -> None:
    html = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    body: Any = {"Text": {"Data": "\n\n".join(paragraphs)}, "Html": {"Data": html}}
    try:
        clients.ses().send_email(
            FromEmailAddress=settings.current().mail_from,
            Destination={"ToAddresses": [to]},
            Content={"Simple": {"Subject": {"Data": subject}, "Body": body}},
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The mail service refused or did not answer.") from error
