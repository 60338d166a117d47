"""The shapes in which products travel: bodies and queries, and what each field may hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from chalicelib.core import money
from chalicelib.core.errors import invalid
from chalicelib.core.money import Amount, Currency
from chalicelib.core.reading import UNPADDED, pasted, read_by, unpadded
from chalicelib.core.schema import PageQuery, Prose, Schema, Text

MAX_STOCK = 1_000_000_000
MAX_CATEGORY_LENGTH = 60
_ANY_PRICE = 10**12  # minor units, above every price there can be

Category = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]+(?:[ &_-]{1,3}[a-z0-9]+)*$(?!\n)",
        max_length=MAX_CATEGORY_LENGTH,
        description="lower-case words such as home-decor, at most 60 characters",
    ),
]
Url = Annotated[
    str,
    pasted(rf'https?://(?:(?![<>"\\]){UNPADDED}){{1,1992}}', hint="an http or https address, at most 2,000 characters"),
]
Sku = Annotated[str, pasted(r"[!-~]{1,64}", hint="1 to 64 printable ASCII characters without blanks")]
ProductId = Annotated[str, read_by(unpadded, most=200, words="The id of a product.")]
ImageType = Literal["image/png", "image/jpeg", "image/webp"]
Units = Annotated[int, Meta(ge=0, le=MAX_STOCK)]


class NewProduct(Schema, frozen=True, kw_only=True):
    """The body of `POST /products`; a price without a currency is in the stage's."""

    name: Text
    description: Prose = ""
    price: Amount
    currency: Currency | UnsetType = UNSET
    category: Category
    stock: Units = 0
    image_url: Url | None = None
    is_active: bool = True
    sku: Sku | None = None


class ProductChange(Schema, frozen=True, kw_only=True):
    """The body of `PATCH /products/{productId}`; what it leaves out stays."""

    name: Text | UnsetType = UNSET
    description: Prose | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    stock: Units | UnsetType = UNSET
    image_url: Url | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    sku: Sku | UnsetType | None = UNSET


class ProductReplacement(ProductChange, frozen=True, kw_only=True):
    """The body of `PUT /products/{productId}`; only currency, stock and SKU stay when it leaves them out."""

    name: Text
    description: Prose = ""
    price: Amount
    category: Category
    image_url: Url | None = None
    is_active: bool = True


class NewMovement(Schema, frozen=True, kw_only=True):
    """The body of `POST /products/{productId}/stock`: so many units more, or fewer, and why (S4)."""

    delta: Annotated[int, Meta(ge=-MAX_STOCK, le=MAX_STOCK)]
    reason: Text


class NewImage(Schema, frozen=True, kw_only=True):
    """The body of `POST /products/{productId}/images`."""

    content_type: ImageType


_SEARCH = (
    "Words, or beginnings of words of at least two letters, that must all be in SKU, name, category or description; "
    "what comes nearest is first."
)


class CategoryQuery(PageQuery, frozen=True, kw_only=True):
    """The query of a category's list; prices are in `currency`, the stage's when they come without one."""

    q: Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema={"x-words": _SEARCH})] | None = None
    sku: Sku | None = None
    min_price: Amount | None = None
    max_price: Amount | None = None
    currency: Currency | None = None
    in_stock: bool | None = None

    def prices(self, *, default_currency: str) -> tuple[int, int, str] | None:
        """The wanted range in minor units and its currency, None when any price will do.

        Raises `Invalid` for amounts that the currency does not have, or a range that holds none.
        """
        if self.min_price is None and self.max_price is None and self.currency is None:
            return None
        currency = self.currency or default_currency
        low = money.to_minor(self.min_price or Decimal(0), currency, field="minPrice")
        high = _ANY_PRICE if self.max_price is None else money.to_minor(self.max_price, currency, field="maxPrice")
        if low > high:
            raise invalid("maxPrice", "out_of_range", "Must not be below minPrice.")
        return low, high, currency


class ProductQuery(CategoryQuery, frozen=True, kw_only=True):
    """The query of the list of everything for sale."""

    category: Annotated[str, Meta(max_length=MAX_CATEGORY_LENGTH)] | None = None


class ManagedProductQuery(ProductQuery, frozen=True, kw_only=True):
    """The query of an admin's list, which also has what is not for sale."""

    active: bool | None = None
