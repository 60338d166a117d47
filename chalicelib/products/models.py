"""Products as values. What a sale changes (stock) is kept apart from what describes (the product)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib import clock, ids, money
from chalicelib.errors import Conflict, FieldError, NotFound
from chalicelib.money import Amount, Currency
from chalicelib.wire import Prose, Shape, Text, View

LARGEST_STOCK = 1_000_000_000
LONGEST_CATEGORY = 60

Category = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]+(?:[ &_-]{1,3}[a-z0-9]+)*$(?!\n)",
        max_length=LONGEST_CATEGORY,
        extra={"hint": "lower-case words such as home-decor, at most 60 characters"},
    ),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s<>\"\\]+$(?!\n)",
        max_length=2000,
        extra={"hint": "an http or https address, at most 2,000 characters"},
    ),
]
Sku = Annotated[
    str, Meta(pattern=r"^[!-~]{1,64}$(?!\n)", extra={"hint": "1 to 64 printable ASCII characters without blanks"})
]
Units = Annotated[int, Meta(ge=0, le=LARGEST_STOCK)]


class NoSuchProduct(NotFound):
    """No product has that id, or it is no longer for sale."""

    code = "product_not_found"


class InsufficientStock(Conflict):
    """Fewer units are left than asked for."""

    code = "insufficient_stock"

    @classmethod
    def of(cls, *shortages: Shortage) -> InsufficientStock:
        """One error that names every short line."""
        return cls("There is not enough in stock.", errors=tuple(shortage.fault() for shortage in shortages))


class Shortage(msgspec.Struct, frozen=True):
    """One line that asks for more than there is."""

    field: str
    product_id: str
    requested: int
    available: int

    def fault(self, code: str = "insufficient_stock") -> FieldError:
        """The line's entry among a problem's errors."""
        detail = f"Only {self.available} left." if self.available else "None left."
        facts = (("productId", self.product_id), ("requested", self.requested), ("available", self.available))
        return FieldError(self.field, code, detail, facts)


class NewProduct(Shape, frozen=True, kw_only=True):
    """The body of `POST /products`."""

    name: Text
    description: Prose = ""
    price: Amount
    currency: Currency = "USD"
    category: Category
    stock: Units = 0
    image_url: Url | None = None
    is_active: bool = True
    sku: Sku | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A product as stored; `price` is in minor units.

    `stock` is the number that lists show, a moment behind the stock item, which alone decides a sale.
    """

    product_id: str
    name: str
    description: str
    price: int
    currency: str
    category: str
    stock: int
    image_url: str | None = None
    is_active: bool
    sku: str | None = None
    created_at: str
    updated_at: str

    @classmethod
    def create(cls, new: NewProduct) -> Product:
        """A new product, or `Invalid` when the price does not fit its currency."""
        now = clock.timestamp()
        return cls(
            product_id=ids.new("prd"),
            name=new.name.strip(),
            description=new.description.strip(),
            price=money.to_minor(new.price, new.currency),
            currency=new.currency,
            category=new.category,
            stock=new.stock,
            image_url=new.image_url,
            is_active=new.is_active,
            sku=new.sku,
            created_at=now,
            updated_at=now,
        )

    def view(self, stock: int | None = None) -> ProductView:
        """What the API shows, with the exact stock where it is known."""
        price = money.to_decimal(self.price, self.currency)
        return ProductView.of(self, price=price, stock=self.stock if stock is None else stock)


class ProductView(View, frozen=True, kw_only=True):
    """A product as the API shows it."""

    product_id: str
    name: str
    description: str
    price: Decimal
    currency: str
    category: str
    stock: int
    image_url: str | None
    is_active: bool
    sku: str | None
    created_at: str
    updated_at: str


class Offer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the stock item says: how many are left, at what price, and whether they may be sold."""

    stock: int
    price: int
    currency: str
    is_active: bool


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A product together with its present offer: all that carts and checkout need to know."""

    product: Product
    offer: Offer

    @property
    def is_for_sale(self) -> bool:
        """May it be bought, if any are left?"""
        return self.offer.is_active
