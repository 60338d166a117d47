"""Amounts as Stripe counts them, exactly or not at all; see https://docs.stripe.com/currencies.

Stripe mostly counts ISO 4217 minor units, as this shop does. It differs for these:
- ISK and UGX have no decimals, but Stripe wants two, which must be 00.
- MGA has two decimals in ISO 4217, and none at Stripe.
- BHD, JOD, KWD, OMR and TND have three, the last of which must be 0; other currencies with three are not taken.
HUF and TWD are charged with two decimals; only Stripe's payouts round them.

A charge has a least amount, which Stripe publishes for the currencies that it pays out in; one that is paid out in
another currency has the least of that one, at the day's rate, which nobody knows beforehand: then Stripe's answer
tells. It has at most eight digits in Stripe's units, but for the currencies that Stripe gives more.
"""

from __future__ import annotations

from chalicelib.payments.limits import Limits

_TIMES_100 = {"ISK", "UGX"}
_HUNDREDTH = {"MGA"}
_MULTIPLES_OF_10 = {"BHD", "JOD", "KWD", "OMR", "TND"}
_NOT_TAKEN = {"IQD", "LYD"}
_LEAST = {
    **dict.fromkeys(("AUD", "BRL", "CAD", "CHF", "EUR", "INR", "NZD", "SGD", "USD"), 50),
    **dict.fromkeys(("AED", "MYR", "PLN", "RON"), 200),
    **dict.fromkeys(("NOK", "SEK"), 300),
    **dict.fromkeys(("MXN", "THB"), 1000),
    "CZK": 1500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17500, "JPY": 50,
}  # fmt: skip
_MAX_AMOUNT = 99_999_999
_MAX_AMOUNTS = {
    "COP": 9_999_999_999, "HUF": 9_999_999_999, "IDR": 999_999_999_999, "INR": 999_999_999, "LBP": 999_999_999_999,
}  # fmt: skip


def limits(currency: str) -> Limits:
    """What Stripe can charge of a currency, in our minor units."""
    if currency in _NOT_TAKEN:
        return Limits(currency=currency, most=0)
    step = 10 if currency in _MULTIPLES_OF_10 else 100 if currency in _HUNDREDTH else 1
    most = _MAX_AMOUNTS.get(currency, _MAX_AMOUNT)
    most = most // 100 if currency in _TIMES_100 else most * 100 if currency in _HUNDREDTH else most - most % step
    return Limits(currency=currency, least=_LEAST.get(currency, step), most=most, step=step)


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units as Stripe's. Raises `AmountNotPayable` rather than rounding."""
    limits(currency).require_refundable(minor)
    return minor * 100 if currency in _TIMES_100 else minor // 100 if currency in _HUNDREDTH else minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units as our minor units. Raises `ValueError` for an amount that Stripe says it cannot have."""
    if currency in _TIMES_100 and amount % 100:
        raise ValueError(f"{amount} is no amount of {currency}.")
    return amount // 100 if currency in _TIMES_100 else amount * 100 if currency in _HUNDREDTH else amount
