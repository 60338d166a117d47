"""Telephone numbers as people write them, and what E.164 makes of them; the library is loaded where one is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.core.errors import FieldError

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_FEWEST_DIGITS = 4  # some islands have no longer ones
_ANY_COUNTRY = "US"  # read as one of it, nearly everything that can be a number anywhere is one
_ADVICE = "Must be a telephone number such as (201) 555-0123, +44 20 7946 0958 or +49 30 123456 ext. 5."


def faults(field: str, text: str | None, country: str | None = None) -> tuple[FieldError, ...]:
    """What is wrong with a field that may hold a telephone number: nothing, or that it can be none."""
    return (FieldError(field, "invalid_value", _ADVICE),) if text and _parsed(text, country) is None else ()


def e164(text: str, country: str | None = None) -> str | None:
    """The number in E.164, without its extension, where it begins with + or its country is known.

    None for everything else, and for what is not of full length, such as a number without its area code.
    """
    from phonenumbers import (  # noqa: PLC0415
        SUPPORTED_REGIONS,
        CountryCodeSource,
        PhoneNumberFormat,
        ValidationResult,
        format_number,
        is_possible_number_with_reason,
    )

    number = _parsed(text, country)
    if number is None:
        return None
    is_placed = country in SUPPORTED_REGIONS or (
        number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN
    )
    is_whole = is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return format_number(number, PhoneNumberFormat.E164) if is_placed and is_whole else None


def _parsed(text: str, country: str | None) -> PhoneNumber | None:
    """The number that a text is; letters only announce an extension."""
    from phonenumbers import SUPPORTED_REGIONS, NumberParseException, parse  # noqa: PLC0415

    if sum(each.isdecimal() for each in text) < _FEWEST_DIGITS:
        return None
    region = country if country in SUPPORTED_REGIONS else _ANY_COUNTRY
    try:
        number = parse(text, region, keep_raw_input=True)
    except NumberParseException:
        return None
    return None if number.extension is None and any(each.isalpha() for each in text) else number
