"""A day's sales as values: what is counted, how the parts add up (M3), and the files that say so.

Placed, cancelled and expired count the orders of the day. What was sold is that whose money came on the day, or that
cost nothing and went ahead: its parts are gross - discounts + shipping + tax + difference = total, in minor units of
one currency. Refunded is what went back on the day, whenever it was sold, so that the days add up to the books.
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
_COUNTS = ("placed", "paid", "cancelled", "expired", "units", "refunds")
_AMOUNTS = (
    "gross", "discounts", "shipping", "tax", "tax_included", "difference", "total", "refunded", "net", "average",
)  # fmt: skip
_HEADER = (
    "day", "currency", "list", "place", "productId", "productName", "placed", "paid", "cancelled", "expired", "units",
    "gross", "discounts", "shipping", "tax", "taxIncluded", "total", "refunded", "average",
    "refunds", "difference", "net", "timeZone",
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

    `difference` is what was taken beyond what was asked for, `net` the total less what was refunded, `average` the
    total by paid order.
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
    refunds: int = 0
    refunded: int = 0
    difference: int = 0
    net: int = 0
    average: int = 0
    by_units: list[Sold] = []
    by_revenue: list[Sold] = []

    def count_placed(self, order: Order) -> None:
        """Count an order of the day."""
        self.placed += 1
        self.cancelled += order.status is OrderStatus.CANCELLED
        self.expired += order.status is OrderStatus.EXPIRED

    def count_sold(self, order: Order) -> None:
        """Count a sale, its lines excepted."""
        self.paid += 1
        self.units += sum(line.quantity for line in order.lines)
        self.gross += order.subtotal
        self.discounts += order.discount
        self.shipping += order.shipping
        self.tax += 0 if order.tax_included else order.tax
        self.tax_included += order.tax if order.tax_included else 0
        self.difference += order.taken - order.total
        self.total += order.taken


class Summary(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """The sales of one day of a time zone, by currency in the order of their names."""

    day: str
    time_zone: str = "UTC"
    currencies: list[Figures]


class DayCounter:
    """A day's figures while its orders and refunds come one by one, each once."""

    def __init__(self, day: str, time_zone: str = "UTC") -> None:
        self._day, self._time_zone = day, time_zone
        self._figures: dict[str, Figures] = {}
        self._sold: defaultdict[str, dict[str, Sold]] = defaultdict(dict)

    def add_placed(self, order: Order) -> None:
        """Count an order that was placed on the day."""
        self._of(order.currency).count_placed(order)

    def add_sold(self, order: Order) -> None:
        """Count an order whose money came on the day."""
        self._of(order.currency).count_sold(order)
        for line in order.lines:
            new = Sold(product_id=line.product_id, product_name=line.product_name)
            sold = self._sold[order.currency].setdefault(line.product_id, new)
            sold.add(line, tax_included=order.tax_included)

    def add_refund(self, amount: int, currency: str) -> None:
        """Count money that went back on the day, or was lost to a dispute."""
        figures = self._of(currency)
        figures.refunds += 1
        figures.refunded += amount

    def summary(self) -> Summary:
        """What has come so far."""
        currencies = [self._finished(currency) for currency in sorted(self._figures)]
        return Summary(day=self._day, time_zone=self._time_zone, currencies=currencies)

    def _of(self, currency: str) -> Figures:
        return self._figures.setdefault(currency, Figures(currency=currency))

    def _finished(self, currency: str) -> Figures:
        figures, sold = self._figures[currency], self._sold[currency].values()
        return msgspec.structs.replace(
            figures,
            net=figures.total - figures.refunded,
            average=money.share(figures.total, 1, figures.paid) if figures.paid else 0,
            by_units=sorted(sold, key=lambda each: (-each.units, -each.revenue, each.product_id))[:_BEST],
            by_revenue=sorted(sold, key=lambda each: (-each.revenue, -each.units, each.product_id))[:_BEST],
        )


def as_json(summary: Summary) -> bytes:
    """The summary with decimal amounts; the same figures give the same bytes."""
    currencies = [{**_shown(each), "byUnits": _listed(each.by_units, each.currency),
                   "byRevenue": _listed(each.by_revenue, each.currency)} for each in summary.currencies]  # fmt: skip
    shown = {"day": summary.day, "timeZone": summary.time_zone, "currencies": currencies}
    return (schema.encode(shown) + "\n").encode()


def as_csv(summary: Summary) -> bytes:
    """The summary as one table: a row a currency, `list` being `all`, and one for each of its best products.

    What a product is named cannot be taken for a formula.
    """
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, _HEADER, restval="", lineterminator="\n")
    rows.writeheader()
    of_all = {"day": summary.day, "timeZone": summary.time_zone}
    rows.writerows({**of_all, **row} for each in summary.currencies for row in _rows(each))
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
