"""What the routes about carts take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.core.schema import Schema
from chalicelib.products.schemas import ProductId

MAX_QUANTITY = 99


Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]


class NewLine(Schema, frozen=True, kw_only=True):
    """The body of `POST /cart/items`."""

    product_id: ProductId
    quantity: Quantity


class NewQuantity(Schema, frozen=True, kw_only=True):
    """The body of `PUT /cart/items/{itemId}`; 0 removes (K3)."""

    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]
