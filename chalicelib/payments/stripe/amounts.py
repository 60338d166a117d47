"""Amounts as Stripe counts them, exactly or not at all; see https://docs.stripe.com/currencies.

Stripe mostly counts ISO 4217 minor units, as this shop does. It differs for these:
- ISK and UGX have no decimals, but Stripe wants two, which must be 00.
- MGA has two decimals in ISO 4217, and none at Stripe.
- BHD, JOD, KWD, OMR and TND have three, the last of which must be 0; other currencies with three are not taken.
HUF and TWD are charged with two decimals; only Stripe's payouts round them.
"""

from __future__ import annotations

_TIMES_100 = {"ISK", "UGX"}
_HUNDREDTH = {"MGA"}
_MULTIPLES_OF_10 = {"BHD", "JOD", "KWD", "OMR", "TND"}
_NOT_TAKEN = {"IQD", "LYD"}


class NotChargeable(Exception):
    """Stripe has no way to say this amount, so nothing was sent."""


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units as Stripe's. Raises `NotChargeable` rather than rounding."""
    if currency in _NOT_TAKEN:
        raise NotChargeable(f"Stripe does not take {currency}.")
    if currency in _MULTIPLES_OF_10 and minor % 10:
        raise NotChargeable(f"Stripe takes {currency} with two decimals only.")
    if currency in _HUNDREDTH and minor % 100:
        raise NotChargeable(f"Stripe takes {currency} without decimals only.")
    return minor * 100 if currency in _TIMES_100 else minor // 100 if currency in _HUNDREDTH else minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units as our minor units. Raises `NotChargeable` for an amount that Stripe says it cannot have."""
    if currency in _TIMES_100 and amount % 100:
        raise NotChargeable(f"{amount} is no amount of {currency}.")
    return amount // 100 if currency in _TIMES_100 else amount * 100 if currency in _HUNDREDTH else amount
