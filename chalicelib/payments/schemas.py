"""What the routes about payments take."""

from __future__ import annotations

from typing import Annotated, Literal

from chalicelib.core.reading import pasted
from chalicelib.core.schema import Schema

_TOKENS = (
    "What the payment provider made of the card, once. Where the shop plays payments: tok_success, tok_declined, "
    "tok_insufficient_funds, tok_requires_action (202, the buyer has to act), tok_authorized, and tok_timeout or "
    "tok_timeout_before (202, the outcome is not known yet)."
)


class PaymentMethod(Schema, frozen=True, kw_only=True):
    """How an order is to be paid: a provider's one-time token, never card data."""

    type: Literal["card"]
    token: Annotated[str, pasted(r"[!-~]{1,200}", hint="a payment token", words=_TOKENS)]
