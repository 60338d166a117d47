"""Products as the API shows them."""

from __future__ import annotations

from decimal import Decimal

from chalicelib.core import money
from chalicelib.core.schema import View
from chalicelib.products.models import Listing, Movement, Product


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


class MovementView(View, frozen=True, kw_only=True):
    """A change of stock that no order made."""

    movement_id: str
    product_id: str
    delta: int
    reason: str
    actor: str
    created_at: str


class UploadForm(View, frozen=True, kw_only=True):
    """Where to post a file, and the fields to send before it."""

    url: str
    fields: dict[str, str]


class ImageView(View, frozen=True, kw_only=True):
    """Leave to upload one image."""

    image_id: str
    upload: UploadForm
    expires_at: str
    largest_bytes: int


class CategoryView(View, frozen=True, kw_only=True):
    """A category and how many products for sale it has."""

    category: str
    count: int


def product_view(product: Product, *, stock: int | None = None) -> ProductView:
    """A product in lists, which show its stock a moment late, unless the exact `stock` is given."""
    price = money.to_decimal(product.price, product.currency)
    return ProductView.of(product, price=price, stock=product.stock if stock is None else stock)


def listing_view(listing: Listing) -> ProductView:
    """A product with its exact stock."""
    return product_view(listing.product, stock=listing.offer.stock)


def movement_view(movement: Movement) -> MovementView:
    """A change of stock that no order made."""
    return MovementView.of(movement, actor=movement.updated_by)
