"""Products as values. What a sale changes (stock) is kept apart from what describes (the product)."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import msgspec
from msgspec import UnsetType

from chalicelib.core import clock, ids, money
from chalicelib.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Unprocessable,
    invalid,
)
from chalicelib.core.versioned import Versioned
from chalicelib.products.schemas import NewMovement, NewProduct, ProductChange

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS = 80
_BIRTH = "01DXF6DT00"  # the ULID timestamp of 2020-01-01T00:00:00Z


class NoSuchProduct(NotFound):
    """No product has that id, or it is no longer for sale."""

    code = "product_not_found"


class SkuTaken(Conflict):
    """Another product has that SKU."""

    code = "sku_taken"


class SkuIsFinal(Unprocessable):
    """A product keeps the SKU that it was created with, because its id follows from it."""

    code = "sku_is_final"


class ProductChanged(PreconditionFailed):
    """The product is not what the caller's If-Match says."""

    code = "product_changed"


class ImageNotUploaded(Conflict):
    """No file has been uploaded under that image's id."""

    code = "image_not_uploaded"


class NotAnImage(Unprocessable):
    """The uploaded file is not what it was said to be."""

    code = "not_an_image"


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

    def fault(self) -> FieldError:
        """The line's entry among a problem's errors."""
        detail = f"Only {self.available} left." if self.available else "None left."
        return FieldError(self.field, InsufficientStock.code, detail, self._facts)

    def missing(self, detail: str) -> FieldError:
        """The entry of a line whose product cannot be had at all."""
        return FieldError(self.field, NoSuchProduct.code, detail, self._facts)

    @property
    def _facts(self) -> tuple[tuple[str, Any], ...]:
        return (("productId", self.product_id), ("requested", self.requested), ("available", self.available))


class Product(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A product as stored; `price` is in minor units, `version` counts the changes of what describes it.

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
    deleted_at: str | None = None
    version: int = 1

    @classmethod
    def create(cls, new: NewProduct, *, default_currency: str) -> Product:
        """A new product, or `Invalid` when the price does not fit its currency."""
        now = clock.timestamp()
        currency = default_currency if isinstance(new.currency, UnsetType) else new.currency
        return cls(
            product_id=id_of(new.sku) if new.sku else ids.new("prd"),
            name=new.name.strip(),
            description=new.description.strip(),
            price=money.to_minor(new.price, currency),
            currency=currency,
            category=new.category,
            stock=new.stock,
            image_url=new.image_url,
            is_active=new.is_active,
            sku=new.sku,
            created_at=now,
            updated_at=now,
        )

    def changed(self, change: ProductChange) -> Product:
        """The product after a change of anything but its stock, or `SkuIsFinal`, or `Invalid` for the price."""
        given = change.given()
        if given.pop("sku", self.sku) != self.sku:
            raise SkuIsFinal("A product keeps its SKU; create another product for another SKU.")
        given.pop("stock", None)
        given |= {name: given[name].strip() for name in ("name", "description") if name in given}
        currency = given.get("currency", self.currency)
        if currency != self.currency and "price" not in given:
            raise invalid("price", "required", "A new currency needs a new price.")
        price = given["price"] if "price" in given else money.to_decimal(self.price, self.currency)
        given["price"] = money.to_minor(price, currency)
        return msgspec.structs.replace(self, **given, updated_at=clock.timestamp(), version=self.version + 1)

    def deleted(self) -> Product:
        """The product after its end: for past orders only."""
        now = clock.timestamp()
        return msgspec.structs.replace(self, is_active=False, deleted_at=now, updated_at=now, version=self.version + 1)


class Offer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the stock item says: how many are left, at what price, and whether they may be sold.

    `stock_version` counts the changes of `stock`.
    """

    stock: int
    price: int
    currency: str
    is_active: bool
    stock_version: int


class Listing(msgspec.Struct, Versioned, frozen=True, kw_only=True):
    """A product together with its present offer: all that carts and checkout need to know."""

    noun: ClassVar[str] = "product"
    changed_error: ClassVar[type[PreconditionFailed]] = ProductChanged

    product: Product
    offer: Offer

    @classmethod
    def first(cls, product: Product) -> Listing:
        """A new product as it is first offered."""
        return cls(product=product, offer=_offer(product, product.stock, version=0))

    def again(self, product: Product) -> Listing:
        """A deleted product that is created anew under its old id."""
        anew = msgspec.structs.replace(product, version=self.product.version + 1)
        return Listing(product=anew, offer=_offer(anew, anew.stock, version=self.offer.stock_version + 1))

    def changed(self, change: ProductChange) -> Listing:
        """The product after a change; a stock in it is one that was counted."""
        product, stock, version = self.product.changed(change), self.offer.stock, self.offer.stock_version
        if not isinstance(change.stock, UnsetType):
            stock, version = change.stock, version + 1
        return Listing(product=product, offer=_offer(product, stock, version=version))

    def deleted(self) -> Listing:
        """The product after its end: for past orders only, no longer sold, its units still counted."""
        product = self.product.deleted()
        return Listing(product=product, offer=_offer(product, self.offer.stock, version=self.offer.stock_version))

    def is_same_as(self, other: Listing) -> bool:
        """Is it the same but for the count and time of changes?"""
        mine = msgspec.structs.replace(self.product, version=0, updated_at="")
        theirs = msgspec.structs.replace(other.product, version=0, updated_at="")
        return (mine, self.offer) == (theirs, other.offer)

    @property
    def is_for_sale(self) -> bool:
        """May it be bought, if any are left?"""
        return self.offer.is_active

    @property
    def etag(self) -> str:
        """The entity tag of what the API shows: the description's version and the stock's."""
        return f'"{self.product.version}-{self.offer.stock_version}"'

    def require_copy(self, if_match: str | None, *, with_stock: bool) -> None:
        """Raise `ProductChanged` unless the caller's copy is this one.

        A sale in between does not matter to whoever changes the description. Whoever sets the stock must name the
        copy they counted from, or gets `PreconditionRequired` (S4).
        """
        is_named = if_match is not None and if_match != "*"
        if with_stock and not is_named:
            raise PreconditionRequired(
                "To set the stock, send the product's ETag as If-Match; or change it by POST …/stock with a delta."
            )
        if is_named and not with_stock:
            if_match = f'{str(if_match).partition("-")[0]}-{self.offer.stock_version}"'
        self.require_match(if_match)


class Movement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change of stock that no order made (S4)."""

    movement_id: str
    product_id: str
    delta: int
    reason: str
    updated_by: str
    created_at: str

    @classmethod
    def of(cls, product_id: str, new: NewMovement, *, actor: str) -> Movement:
        """A movement that is about to be made."""
        return cls(
            movement_id=ids.new("mov"),
            product_id=product_id,
            delta=new.delta,
            reason=new.reason.strip(),
            updated_by=actor,
            created_at=clock.timestamp(),
        )


def id_of(sku: str) -> str:
    """The id of the product with that SKU: the same always, so that no two products can have one SKU.

    The random part of the ULID is the first 80 bits of the SKU's SHA-256: among a million products two share an id
    with a chance of 4 in 10¹³. The timestamp part is fixed and lies before the shop's first day; lists are ordered
    by `createdAt`, so it shows nowhere.
    """
    number = int.from_bytes(hashlib.sha256(sku.encode()).digest()[: _BITS // 8], "big")
    digits = (_ALPHABET[number >> shift & 31] for shift in range(_BITS - 5, -1, -5))
    return f"prd_{_BIRTH}{''.join(digits)}"


def _offer(product: Product, stock: int, *, version: int) -> Offer:
    return Offer(
        stock=stock, price=product.price, currency=product.currency, is_active=product.is_active, stock_version=version
    )
