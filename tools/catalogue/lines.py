"""A record of a file as a valid product, or everything that is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.core import ids, schema
from chalicelib.core.errors import FieldError, Invalid
from chalicelib.products.models import Product, id_of
from chalicelib.products.schemas import NewProduct
from tools.catalogue.files import FIELDS, PRODUCT_ID, Record

_PRICE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """A valid line: the product as it would be if it were new, and the fields that the file does give."""

    number: int
    product: Product
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class LineFault:
    """One thing that is wrong with a line."""

    number: int
    field: str
    detail: str


@dataclass
class Checker:
    """Holds one file's records to the rules; remembers what it has seen and what it left out."""

    seen: dict[str, int] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    def check(self, record: Record) -> CatalogueLine | list[LineFault]:
        """The line, or its faults."""
        if record.problem:
            return [LineFault(record.line, "line", record.problem)]
        self.ignored.update(record.fields.keys() - {*FIELDS, PRODUCT_ID})
        try:
            line = CatalogueLine(record.line, _product(record.fields), frozenset(record.fields))
        except Invalid as error:
            return [LineFault(record.line, fault.field, fault.detail) for fault in error.errors]
        return self._first(line)

    def _first(self, line: CatalogueLine) -> CatalogueLine | list[LineFault]:
        earlier = self.seen.setdefault(line.product.product_id, line.number)
        if earlier == line.number:
            return line
        name = "sku" if line.product.sku else PRODUCT_ID
        return [LineFault(line.number, name, f"Line {earlier} has the same product already.")]


def _product(fields: dict[str, Any]) -> Product:
    """The product of these fields under its lasting id, or `Invalid` with every faulty field."""
    body = {name: value for name, value in fields.items() if name in FIELDS}
    if isinstance(body.get("price"), str) and _PRICE.fullmatch(body["price"].strip()):
        body["price"] = Decimal(body["price"].strip())
    faults = _identity_faults(fields)
    try:
        product = Product.create(schema.decode(schema.encode(body), NewProduct))
    except Invalid as error:
        raise Invalid(error.detail, errors=(*faults, *error.errors)) from None
    if faults:
        raise Invalid("The line does not say which product it is.", errors=faults)
    return product if product.sku else msgspec.structs.replace(product, product_id=fields[PRODUCT_ID])


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
