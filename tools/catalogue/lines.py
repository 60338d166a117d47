"""A record of a file as a valid product, or everything that is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.core import ids, money, schema
from chalicelib.core.errors import FieldError, Invalid
from chalicelib.core.reading import unpadded
from chalicelib.products.models import Product, id_of
from chalicelib.products.schemas import NewProduct
from tools.catalogue.records import FIELDS, PRODUCT_ID, Record, RecordKind

WHOLE = "line"  # in place of a field, where a record as a whole is at fault

_CODES = ("sku", PRODUCT_ID, "price")  # what is read here before its schema reads it
_PRICE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """A valid record: the product that it would make, and the fields that the file does give.

    Its price is judged when its currency is known: here, or where the file leaves it out, by the product's own.
    """

    first: int
    last: int
    product_id: str
    new: NewProduct
    given: frozenset[str]

    @property
    def line_count(self) -> int:
        """How many lines of the file it takes."""
        return self.last - self.first + 1

    def product(self, *, currency: str) -> Product:
        """The product as it would be if it were new; `currency` is for one that the file gives none for.

        Raises `Invalid` when the price does not fit the currency.
        """
        made = Product.create(self.new, default_currency=currency)
        return msgspec.structs.replace(made, product_id=self.product_id)


@dataclass(frozen=True, slots=True)
class LineFault:
    """One thing that is wrong with a record."""

    number: int
    last: int
    field: str
    detail: str

    def __str__(self) -> str:
        place = f"lines {self.number} to {self.last}" if self.last > self.number else ""
        about = "" if place and self.field == WHOLE else self.field
        return ": ".join(each for each in (place, about, self.detail) if each)


@dataclass
class Checker:
    """Holds one file's records to the rules; remembers what it has seen and what it left out."""

    seen: dict[str, int] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    def check(self, record: Record) -> CatalogueLine | list[LineFault]:
        """The line, or its faults; a header and a blank line have none."""
        if record.kind is RecordKind.BROKEN:
            return [LineFault(record.first, record.last, WHOLE, record.problem)]
        self.ignored.update(record.fields.keys() - {*FIELDS, PRODUCT_ID})
        if record.kind is not RecordKind.PRODUCT:
            return []
        try:
            return self._first(_line(record))
        except Invalid as error:
            return faults_of(record, error)
        except RecursionError:
            return [LineFault(record.first, record.last, WHOLE, "is nested too deeply")]

    def _first(self, line: CatalogueLine) -> CatalogueLine | list[LineFault]:
        earlier = self.seen.setdefault(line.product_id, line.first)
        if earlier == line.first:
            return line
        name = PRODUCT_ID if line.new.sku is None else "sku"
        return [LineFault(line.first, line.last, name, f"Line {earlier} has the same product already.")]


def faults_of(record: Record | CatalogueLine, error: Invalid) -> list[LineFault]:
    """What is wrong with a record, by field where the error names any."""
    faults = error.errors or (FieldError(WHOLE, error.code, error.detail),)
    return [LineFault(record.first, record.last, fault.field, fault.detail) for fault in faults]


def _line(record: Record) -> CatalogueLine:
    """The line of these fields under its product's lasting id, or `Invalid` with every faulty field."""
    fields = {name: _bare(value) if name in _CODES else value for name, value in record.fields.items()}
    body = {name: value for name, value in fields.items() if name in FIELDS}
    if isinstance(body.get("price"), str) and _PRICE.fullmatch(body["price"]):
        body["price"] = Decimal(body["price"])
    faults = _identity_faults(fields)
    try:
        new = schema.decode(schema.encode(body), NewProduct)
        _require_price(new)
    except Invalid as error:
        raise Invalid(error.detail, errors=(*faults, *error.errors)) from None
    if faults:
        raise Invalid("The line does not say which product it is.", errors=faults)
    product_id = fields[PRODUCT_ID] if new.sku is None else id_of(new.sku)
    return CatalogueLine(record.first, record.last, product_id, new, frozenset(record.fields))


def _bare(value: Any) -> Any:
    return unpadded(value) if isinstance(value, str) else value


def _require_price(new: NewProduct) -> None:
    """Raise `Invalid` for a price that is none, as far as that can be said without the table."""
    money.require_in_range(new.price)
    if not isinstance(new.currency, msgspec.UnsetType):
        money.to_minor(new.price, new.currency)


def _identity_faults(fields: dict[str, Any]) -> tuple[FieldError, ...]:
    """A product is known by its SKU, or by its id where it has none; where both are given they must agree."""
    product_id, sku = fields.get(PRODUCT_ID), fields.get("sku")
    if product_id is not None and isinstance(sku, str) and product_id != id_of(sku):
        return (FieldError(PRODUCT_ID, "invalid_value", "Is not the id of this SKU; leave it out."),)
    if product_id is None and sku is None:
        return (FieldError("sku", "required", "This field is required."),)
    if product_id is not None and not (isinstance(product_id, str) and ids.is_valid("prd", product_id)):
        return (FieldError(PRODUCT_ID, "invalid_value", "Must be a product id such as prd_01JD…, or left out."),)
    return ()
