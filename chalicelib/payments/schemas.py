"""What the routes about payments take."""

from __future__ import annotations

from typing import Annotated, Literal

from chalicelib.core.reading import pasted
from chalicelib.core.schema import Schema


class PaymentMethod(Schema, frozen=True, kw_only=True):
    """How an order is to be paid: a provider's one-time token, never card data."""

    type: Literal["card"]
    token: Annotated[str, pasted(r"[!-~]{1,200}", hint="a payment token")]
