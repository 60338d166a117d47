"""Mail to customers: what it says, and how it leaves."""

from __future__ import annotations

from html import escape
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import clients, log, settings
from chalicelib.errors import Unavailable
from chalicelib.orders.models import Order
from chalicelib.orders.views import OrderView


def order_confirmed(order: Order) -> None:
    """Tell the buyer that the order is paid and on its way."""
    view = order.view()
    opening = f"Thank you for your order {view.order_id}. We have received your payment."
    _send(order.email, f"Order {view.order_id} confirmed", [opening, *_lines(view)])


def order_cancelled(order: Order) -> None:
    """Tell the buyer that the order has ended without delivery."""
    opening = f"Your order {order.order_id} was {order.status}. Whatever was paid goes back to you."
    _send(order.email, f"Order {order.order_id} {order.status}", [opening, *_lines(order.view())])


def confirm_address(to: str, token: str) -> None:
    """Ask whoever reads this address to confirm that it is theirs."""
    how = "To confirm that this address is yours, send this token to POST /auth/verify within seven days:"
    _send(to, "Please confirm your email address", ["Welcome.", how, token])


def address_about_to_change(to: str) -> None:
    """Tell the old address that a new one is waiting for its confirmation (W3)."""
    what = "Somebody who is logged in as you asked to move your account to another email address."
    _send(to, "Your email address is about to change", [what, "If it was not you, change your password now."])


def password_reset(to: str, token: str) -> None:
    """Give the holder of an address the means to set a new password."""
    how = "To set a new password, send this token and the password to POST /auth/password/reset within 30 minutes:"
    _send(to, "Reset your password", [how, token, "If you did not ask for it, ignore this mail."])


def invitation(to: str, token: str) -> None:
    """Invite somebody whose account an admin has opened to choose a password."""
    how = "To choose your password, send it with this token to POST /auth/password/reset within 30 minutes:"
    late = "Later, ask for a new token with POST /auth/password/forgot."
    _send(to, "An account was opened for you", [how, token, late])


def token_reused(to: str) -> None:
    """Warn that somebody else may have been in the account (A2)."""
    what = "A login of yours was used from two places at once, so we have ended it."
    _send(to, "We have ended one of your logins", [what, "If you do not know why, change your password now."])


def _lines(view: OrderView) -> list[str]:
    lines = [f"{item.quantity} x {item.product_name}: {item.subtotal} {view.currency}" for item in view.items]
    return [*lines, *_parts(view), f"Total: {view.total_amount} {view.currency}"]


def _parts(view: OrderView) -> list[str]:
    """What lies between the lines and the total, so that the mail adds up; what is nothing is not said."""
    tax = "Tax included" if view.tax_included else "Tax"
    parts = (("Discount", -view.discount), ("Shipping", view.shipping), (tax, view.tax))
    return [f"{name}: {amount} {view.currency}" for name, amount in parts if amount]


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
        if _is_final(error):
            log.error("MAIL_REFUSED", subject=subject.split(" ", maxsplit=1)[0])
            return
        raise Unavailable("The mail service refused or did not answer.") from error


def _is_final(error: Exception) -> bool:
    """Will no repetition help, because the request itself, such as the recipient, is malformed?"""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "BadRequestException"
