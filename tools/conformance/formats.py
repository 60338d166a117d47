"""Texts of the formats that the document names, or that its prose means, for which schemathesis has no maker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import schemathesis
from hypothesis import strategies
from hypothesis.strategies import SearchStrategy

from chalicelib.core import countries
from chalicelib.core.events import EVENT_TYPES

_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "KRW", "KWD", "BHD")
_LOCALES = ("en", "de", "de-AT", "en-GB", "es-419", "pt-BR", "zh-Hant", "fr-CA", "ja")
_PHONES = ("+44 20 7946 0958", "+1 201 555 0123", "+49 30 123456", "+81 3-1234-5678")
_INSTANTS = strategies.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=strategies.just(UTC))  # noqa: DTZ001 - hypothesis wants them bare
# What the document says of these in words alone, by the names of properties and parameters.
_MEANT = {
    "q": "search-words",
    "phone": "phone",
    "events": "event-filter",
    "url": "webhook-url",
    "imageUrl": "web-address",
    "since": "instant",
    "until": "instant",
    "validFrom": "instant",
    "validUntil": "instant",
}


def register() -> None:
    """Make them known to schemathesis, for this process."""
    for name, texts in _texts().items():
        schemathesis.openapi.format(name, texts)


def name_meant(value: Any, name: str = "") -> Any:
    """The document, or a part of it, in which formats are named that it only means; what it refuses stays refused."""
    if isinstance(value, list):
        return [name_meant(each, name) for each in value]
    if not isinstance(value, dict):
        return value
    of = str(value["name"]) if "in" in value and "name" in value else name
    inner = {key: name_meant(each, of if key in ("schema", "items") else key) for key, each in value.items()}
    is_text = "pattern" in value or "string" in str(value.get("type", ""))
    return {**inner, "format": _MEANT[of]} if is_text and of in _MEANT and "properties" not in value else inner


def _texts() -> dict[str, SearchStrategy[str]]:
    filters = ("*", *EVENT_TYPES, *(f"{each.rpartition('.')[0]}.*" for each in EVENT_TYPES))
    words = strategies.from_regex(r"[a-z][a-z0-9]{2,12}", fullmatch=True)
    return {
        "iso-4217": strategies.sampled_from(_CURRENCIES),
        "iso-3166-1": strategies.sampled_from(sorted(countries.CODES)),
        "bcp-47": strategies.sampled_from(_LOCALES),
        "phone": strategies.sampled_from(_PHONES),
        "search-words": strategies.lists(words, min_size=1, max_size=4).map(" ".join),
        "email": words.map(lambda word: f"{word}@example.com"),
        "event-filter": strategies.sampled_from(filters),
        "webhook-url": words.map(lambda word: f"https://hooks.example.com/{word}"),
        "web-address": words.map(lambda word: f"https://example.com/{word}.png"),
        "instant": _INSTANTS.map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    }
