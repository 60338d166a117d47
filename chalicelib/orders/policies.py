"""What sending costs and what countries take, as a stage's settings say it; see docs/adr/0008.

`SHIPPING_POLICY` is `free`, or entries for one currency each: `flat:4.99:USD,free-over:50:4.99:EUR`.
`TAX_RATES` names a rate in percent for each country, `i` when prices include it, `x` when it is added:
`DE=19i,US=0,CH=8.1x`; `*` stands for every other country, which pays none without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

import msgspec

from chalicelib.core import countries, money, settings
from chalicelib.core.errors import Invalid, Misconfigured, Unprocessable
from chalicelib.orders.pricing import Shipping, TaxRate

_FEE = re.compile(r"flat:(?P<fee>\d{1,8}(\.\d{1,3})?):(?P<currency>[A-Z]{3})")
_FREE_OVER = re.compile(rf"free-over:(?P<limit>\d{{1,8}}(\.\d{{1,3}})?):{_FEE.pattern.removeprefix('flat:')}")
_RATE = re.compile(r"(?P<country>[A-Z]{2}|\*)=(?P<percent>\d{1,3}(\.\d{1,3})?)(?P<kind>[ix]?)")
_NONE = TaxRate(rate=0, included=False)
_HIGHEST = 100_000


class NotShipped(Unprocessable):
    """The stage has no price for sending goods that are paid in that currency."""

    code = "shipping_unavailable"


class Free(msgspec.Struct, frozen=True):
    """Nothing is charged, whatever the currency."""

    def cost(self, goods: int, currency: str) -> int:  # noqa: ARG002 - the same for all
        """Always 0."""
        return 0


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """One price of sending, and the worth of goods from which it is waived; minor units."""

    fee: int
    free_from: int | None = None


class ByCurrency(msgspec.Struct, frozen=True):
    """One fee a currency. An order in a currency without one is refused rather than sent at a price nobody set."""

    fees: Mapping[str, Fee]

    def cost(self, goods: int, currency: str) -> int:
        """The fee in the order's currency, or `NotShipped`."""
        fee = self.fees.get(currency)
        if fee is None:
            raise NotShipped(f"The shop does not ship what is paid in {currency}.")
        return 0 if fee.free_from is not None and goods >= fee.free_from else fee.fee


class ByCountry(msgspec.Struct, frozen=True):
    """One rate a country, and one for all others."""

    rates: Mapping[str, TaxRate]

    def of(self, country: str) -> TaxRate:
        """The rate for what is sent to a country."""
        return self.rates.get(country) or self.rates.get("*", _NONE)


def shipping() -> Shipping:
    """This stage's shipping policy. Raises `Misconfigured` when the setting cannot be read."""
    return read_shipping(settings.current().shipping_policy)


def taxes() -> ByCountry:
    """This stage's tax rates. Raises `Misconfigured` when the setting cannot be read."""
    return read_taxes(settings.current().tax_rates)


@lru_cache(maxsize=8)
def read_shipping(text: str) -> Shipping:
    """The shipping policy that the text describes."""
    if text == "free":
        return Free()
    fees: dict[str, Fee] = {}
    for entry in text.split(","):
        found = _FEE.fullmatch(entry.strip()) or _FREE_OVER.fullmatch(entry.strip())
        if found is None or found["currency"] in fees:
            raise _malformed("SHIPPING_POLICY", text, "entries such as flat:4.99:USD or free-over:50:4.99:USD")
        fees[found["currency"]] = _fee(found.groupdict(), text)
    return ByCurrency(fees)


@lru_cache(maxsize=8)
def read_taxes(text: str) -> ByCountry:
    """The tax rates that the text describes."""
    rates: dict[str, TaxRate] = {}
    for entry in text.split(","):
        found = _RATE.fullmatch(entry.strip())
        rate = int(Decimal(found["percent"]).scaleb(3)) if found else -1
        if found is None or found["country"] in rates or rate > _HIGHEST or (rate and not found["kind"]):
            raise _malformed("TAX_RATES", text, "entries such as DE=19i, CH=8.1x or *=0")
        if found["country"] != "*" and found["country"] not in countries.CODES:
            raise _malformed("TAX_RATES", text, "entries whose countries are in ISO 3166, such as GB=20i (UK is not)")
        rates[found["country"]] = TaxRate(rate=rate, included=found["kind"] == "i")
    return ByCountry(rates)


def _fee(words: Mapping[str, str], text: str) -> Fee:
    limit, currency = words.get("limit"), words["currency"]
    try:
        fee = money.to_minor(Decimal(words["fee"]), currency)
        return Fee(fee=fee, free_from=None if limit is None else money.to_minor(Decimal(limit), currency))
    except Invalid:
        raise _malformed(
            "SHIPPING_POLICY", text, f"currencies of ISO 4217 with their decimals, not {currency}"
        ) from None


def _malformed(variable: str, text: str, wanted: str) -> Misconfigured:
    return Misconfigured(f"The environment variable {variable} is {text!r}; it takes {wanted}, separated by commas.")
