"""A day's sales as values: what is counted, how the parts add up (M3), and the files that say so.

Placed, cancelled and expired count orders. Everything else is about those that were paid, or that cost nothing and went
ahead: their parts are gross - discounts + shipping + tax = total, in minor units of one currency.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.core import money, schema
from chalicelib.orders.models import Order
from chalicelib.orders.pricing import OrderLine
from chalicelib.orders.states import OrderStatus

_BEST = 10
_COUNTS = ("placed", "paid", "cancelled", "expired", "units")
_AMOUNTS = ("gross", "discounts", "shipping", "tax", "tax_included", "total", "refunded", "average")
_HEADER = (
    "day", "currency", "list", "place", "productId", "productName", "placed", "paid", "cancelled", "expired", "units",
    "gross", "discounts", "shipping", "tax", "taxIncluded", "total", "refunded", "average",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would reckon instead of show


class Sold(msgspec.Struct, kw_only=True, rename="camel"):
    """What was sold of one product, and what was paid for it: without shipping, after discounts."""

    product_id: str
    product_name: str
    units: int = 0
    revenue: int = 0

    def add(self, line: OrderLine, *, tax_included: bool) -> None:
        """Count one line."""
        self.units += line.quantity
        self.revenue += line.paid(tax_included=tax_included)


class Figures(msgspec.Struct, kw_only=True, rename="camel"):
    """The sales in one currency. `tax` was added to the prices, `tax_included` was in them.

    `refunded` is what has gone back of the total, `average` the total by paid order.
    """

    currency: str
    placed: int = 0
    paid: int = 0
    cancelled: int = 0
    expired: int = 0
    units: int = 0
    gross: int = 0
    discounts: int = 0
    shipping: int = 0
    tax: int = 0
    tax_included: int = 0
    total: int = 0
    refunded: int = 0
    average: int = 0
    by_units: list[Sold] = []
    by_revenue: list[Sold] = []

    def count(self, order: Order) -> None:
        """Count one order, its lines excepted."""
        self.placed += 1
        self.cancelled += order.status is OrderStatus.CANCELLED
        self.expired += order.status is OrderStatus.EXPIRED
        if not is_sale(order):
            return
        self.paid += 1
        self.units += sum(line.quantity for line in order.lines)
        self.gross += order.subtotal
        self.discounts += order.discount
        self.shipping += order.shipping
        self.tax += 0 if order.tax_included else order.tax
        self.tax_included += order.tax if order.tax_included else 0
        self.total += order.total
        self.refunded += order.refunded


class Summary(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """The sales of one UTC day, by currency in the order of their names."""

    day: str
    currencies: list[Figures]


class DayCounter:
    """A day's sales while its orders come one by one."""

    def __init__(self, day: str) -> None:
        self._day = day
        self._figures: dict[str, Figures] = {}
        self._sold: defaultdict[str, dict[str, Sold]] = defaultdict(dict)

    def add(self, order: Order) -> None:
        """Count an order, which must come once."""
        figures = self._figures.setdefault(order.currency, Figures(currency=order.currency))
        figures.count(order)
        for line in order.lines if is_sale(order) else ():
            new = Sold(product_id=line.product_id, product_name=line.product_name)
            sold = self._sold[order.currency].setdefault(line.product_id, new)
            sold.add(line, tax_included=order.tax_included)

    def summary(self) -> Summary:
        """What has come so far."""
        return Summary(day=self._day, currencies=[self._finished(currency) for currency in sorted(self._figures)])

    def _finished(self, currency: str) -> Figures:
        figures, sold = self._figures[currency], self._sold[currency].values()
        return msgspec.structs.replace(
            figures,
            average=money.share(figures.total, 1, figures.paid) if figures.paid else 0,
            by_units=sorted(sold, key=lambda each: (-each.units, -each.revenue, each.product_id))[:_BEST],
            by_revenue=sorted(sold, key=lambda each: (-each.revenue, -each.units, each.product_id))[:_BEST],
        )


def is_sale(order: Order) -> bool:
    """Was it paid, whatever went back since? What costs nothing is a sale unless it was given up."""
    gone = (OrderStatus.PENDING, OrderStatus.CANCELLED, OrderStatus.EXPIRED)
    return order.is_paid or (not order.total and order.status not in gone)


def as_json(summary: Summary) -> bytes:
    """The summary with decimal amounts; the same figures give the same bytes."""
    currencies = [{**_shown(each), "byUnits": _listed(each.by_units, each.currency),
                   "byRevenue": _listed(each.by_revenue, each.currency)} for each in summary.currencies]  # fmt: skip
    return (schema.encode({"day": summary.day, "currencies": currencies}) + "\n").encode()


def as_csv(summary: Summary) -> bytes:
    """The summary as one table: a row a currency, `list` being `all`, and one for each of its best products.

    What a product is named cannot be taken for a formula.
    """
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, _HEADER, restval="", lineterminator="\n")
    rows.writeheader()
    rows.writerows({"day": summary.day, **row} for each in summary.currencies for row in _rows(each))
    return text.getvalue().encode()


def sentences(summary: Summary) -> list[str]:
    """The summary for a mail, a line a currency."""
    return [_in_words(each) for each in summary.currencies]


def _in_words(figures: Figures) -> str:
    shown = _shown(figures)
    counts = ", ".join(f"{shown[name]} {name}" for name in ("placed", "paid", "cancelled", "expired"))
    return f"{figures.currency}: {counts}; {figures.units} units; {shown['total']} paid, {shown['refunded']} refunded."


def _rows(figures: Figures) -> Iterator[dict[str, Any]]:
    yield {"list": "all", **_shown(figures)}
    for name, best in (("byUnits", figures.by_units), ("byRevenue", figures.by_revenue)):
        for place, product in enumerate(_listed(best, figures.currency), start=1):
            total = product.pop("revenue")
            named = {**product, "productName": _unreckoned(product["productName"]), "total": total}
            yield {"currency": figures.currency, "list": name, "place": place, **named}


def _shown(figures: Figures) -> dict[str, Any]:
    counts = {name: getattr(figures, name) for name in _COUNTS}
    amounts = {name: money.to_decimal(getattr(figures, name), figures.currency) for name in _AMOUNTS}
    return {"currency": figures.currency, **counts, **_camel(amounts)}


def _camel(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {"taxIncluded" if name == "tax_included" else name: amount for name, amount in amounts.items()}


def _listed(best: list[Sold], currency: str) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(each), "revenue": money.to_decimal(each.revenue, currency)} for each in best]


def _unreckoned(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
