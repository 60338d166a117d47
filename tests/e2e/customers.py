"""Who meets the shop through its Python client, which is made for that when this is imported first."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tests.support import client_packages

sys.path.insert(0, str(client_packages.python_client()))

from ecommerce_client import Shop, ShopProblem
from ecommerce_client.models import (
    Address,
    NewImage,
    NewImageContentType,
    NewLine,
    NewProduct,
    OrderedItem,
    OrderRequest,
    PaymentMethod,
    PaymentMethodType,
    RefundRequest,
    Registration,
)

from tools.testing.shop import ADDRESS, PASSWORD

__all__ = [
    "NewImage", "NewImageContentType", "NewLine", "RefundRequest", "Shop", "Visitors", "code_of", "new_product",
    "wanted",
]  # fmt: skip


class Visitors:
    """Who comes to the shop at this address; each has a client of their own until they leave."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: list[Shop] = []

    def guest(self, **known: str) -> Shop:
        """Somebody who is not logged in, until somebody has to be, if the password is known."""
        self._clients.append(Shop(self._url, **known))
        return self._clients[-1]

    def customer(self, email: str) -> Shop:
        """Somebody who has just opened an account."""
        shop = self.guest(email=email, password=PASSWORD)
        shop.register(Registration(email=email, password=PASSWORD, first_name="Ada", last_name="Lovelace"))
        return shop

    def admin(self) -> Shop:
        """The demo shop's admin."""
        return self.guest(email="admin@example.com", password="demo-admin-password")

    def leave(self) -> None:
        """Close all connections."""
        for shop in self._clients:
            shop.close()


def new_product(shop: Shop, **changes: Any) -> str:
    """The id of a product that an admin has just put up for sale."""
    product = {"name": "Mug", "price": 12.5, "category": "sold", **changes}
    return str(shop.create_product(NewProduct(**product)).product_id)


def wanted(*items: tuple[str, int], token: str = "tok_success", **more: Any) -> OrderRequest:
    """An order of these products in these quantities, or of the cart without any."""
    card = PaymentMethod(type_=PaymentMethodType.CARD, token=token)
    if items:
        more["items"] = [OrderedItem(product_id=product_id, quantity=quantity) for product_id, quantity in items]
    return OrderRequest(shipping_address=Address.from_dict(ADDRESS), payment_method=card, **more)


def code_of(call: Callable[..., object], *arguments: Any, **more: Any) -> str:
    """The code that the shop refuses a call with, empty if it does what it was asked."""
    try:
        call(*arguments, **more)
    except ShopProblem as problem:
        return problem.code
    return ""
