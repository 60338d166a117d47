"""What the routes about carts take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.core.schema import Shape

MOST_OF_ONE = 99


Quantity = Annotated[int, Meta(ge=1, le=MOST_OF_ONE)]


class NewLine(Shape, frozen=True, kw_only=True):
    """The body of `POST /cart/items`."""

    product_id: Annotated[str, Meta(max_length=64)]
    quantity: Quantity


class NewQuantity(Shape, frozen=True, kw_only=True):
    """The body of `PUT /cart/items/{itemId}`; 0 removes (K3)."""

    quantity: Annotated[int, Meta(ge=0, le=MOST_OF_ONE)]
