"""Money as whole minor units inside and as exact decimals at the edge; a binary float is never involved.

Exponents are those of ISO 4217. Rule numbers (M1…) refer to docs/rules.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from chalicelib.core.errors import invalid
from chalicelib.core.reading import pasted

MAX_AMOUNT = Decimal("99999999.99")
WHOLE = 10_000  # basis points

_ALL = 100  # percent
_PERCENT_DECIMALS = 2
_MAX_DIGITS = 20

_TWO_DECIMALS = """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"""
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}


class Amount(Decimal):
    """A JSON number that is money: refused as text, kept to the last digit (M1)."""


Currency = Annotated[
    str, pasted("[A-Z]{3}", hint="a three-letter ISO 4217 code in capitals such as USD", format="iso-4217")
]


def parse(value: object) -> Amount:
    """An amount from what the JSON parser read. Raises `TypeError` for anything but a number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError("not a number")
    return Amount(value)


def plain(text: str) -> int | Decimal:
    """One value for all spellings of a number that has a point or an exponent: 10, 10.0 and 1e1 are the same.

    One of more digits than any amount has stays as it is spelled.
    """
    number = Decimal(text)
    if not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        return number
    return int(number) if number == number.to_integral_value() else number.normalize()


def is_currency(code: str) -> bool:
    """Is it the code of an ISO 4217 currency in use?"""
    return code in _EXPONENTS


def to_minor(amount: Decimal, currency: str, *, field: str = "price") -> int:
    """Whole minor units: 19.99 USD → 1999, 500 JPY → 500, 1.250 KWD → 1250.

    Raises `Invalid` for an unknown currency, a negative amount, more than `MAX_AMOUNT`, or too many decimals.
    """
    exponent = _exponent(currency)
    require_in_range(amount, field=field)
    if _decimals(amount) > exponent:
        raise invalid(field, "too_many_decimals", f"{currency} has {exponent} decimals.")
    return int(amount.scaleb(exponent))


def require_in_range(amount: Decimal, *, field: str = "price") -> None:
    """Raise `Invalid` for what is no amount in any currency: a negative one, or more than `MAX_AMOUNT`."""
    if not 0 <= amount <= MAX_AMOUNT:
        raise invalid(field, "out_of_range", f"Must be between 0 and {MAX_AMOUNT}.")


def to_decimal(minor: int, currency: str) -> Decimal:
    """The amount as it is shown, with all the decimals of its currency: 1990 USD → 19.90."""
    return Decimal(minor).scaleb(-_exponent(currency))


def share(amount: int, numerator: int, denominator: int) -> int:
    """`amount · numerator / denominator` in whole minor units, half away from zero: the one rounding rule (M2)."""
    exact = amount * numerator
    rounded = (2 * abs(exact) + denominator) // (2 * denominator)
    return rounded if exact >= 0 else -rounded


def prorate(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` in parts by weight that add up to it, the units left over to the largest remainders (M2).

    Of equal remainders the earlier gets the unit; what weighs nothing gets nothing. Amount and weights are at least
    0. Raises `ValueError` when there is something to divide and nothing to divide it by.
    """
    total = sum(weights)
    if not amount:
        return [0] * len(weights)
    if not total:
        raise ValueError("an amount cannot be divided among parts that weigh nothing")
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % total))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def to_basis_points(percent: Decimal, *, field: str = "percent") -> int:
    """A percentage in hundredths of a percent: 12.5 → 1250.

    Raises `Invalid` for 0 and less, for more than 100, or for more than two decimals.
    """
    if not 0 < percent <= _ALL:
        raise invalid(field, "out_of_range", f"Must be more than 0 and at most {_ALL}.")
    if _decimals(percent) > _PERCENT_DECIMALS:
        raise invalid(field, "too_many_decimals", f"A percentage has at most {_PERCENT_DECIMALS} decimals.")
    return int(percent.scaleb(_PERCENT_DECIMALS))


def from_basis_points(points: int) -> Decimal:
    """The percentage as it is shown: 1250 → 12.50."""
    return Decimal(points).scaleb(-_PERCENT_DECIMALS)


def _decimals(amount: Decimal) -> int:
    """How many decimals are not zero, told from the digits themselves so that nothing is rounded."""
    _, digits, exponent = amount.as_tuple()
    text = "".join(map(str, digits))
    zeros = len(text) - len(text.rstrip("0"))
    return max(0, -int(exponent) - zeros) if amount else 0


def _exponent(currency: str) -> int:
    if not is_currency(currency):
        raise invalid("currency", "unknown_currency", f"{currency!r} is not an ISO 4217 currency in use.")
    return _EXPONENTS[currency]
