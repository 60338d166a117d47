"""Email addresses: one spelling for each, under which it is stored, compared and written to.

A domain in letters of any script and its punycode are one domain (F14); the punycode is what is kept, since every
mail service takes it. A domain in plain ASCII stays as it is, but for the letter case.
"""

from __future__ import annotations

import re

from chalicelib.core import ids
from chalicelib.core.reading import unpadded

MAX_LENGTH = 254
HINT = "an email address such as ada@example.com, at most 254 characters"

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def fold(email: str) -> str:
    """The one spelling of an address; letter case does not matter. What is none is only in lower case."""
    return with_ascii_domain(unpadded(email)).lower()


def to_look_up(email: str) -> str:
    """The spelling under which whatever came is looked up: for what no address can be, one that nobody has.

    It is as short as an address and its own for each text, so that the work, the counts and the answers are the same
    (W1, W2) and the key is one that the table takes.
    """
    folded = fold(email)
    return folded if len(folded) <= MAX_LENGTH and folded.isascii() else ids.digest(folded)


def parse(email: str) -> str:
    """The one spelling of what is an address. Raises `ValueError` for what is none."""
    folded = fold(email)
    if len(folded) > MAX_LENGTH or not _ADDRESS.fullmatch(folded):
        message = f"This is not {HINT}."
        raise ValueError(message)
    return folded


def with_ascii_domain(email: str) -> str:
    """The address as mail services take it; as it is when its domain is none."""
    local, at, domain = email.rpartition("@")
    return email if email.isascii() else f"{local}{at}{_to_ascii(domain)}"


def _to_ascii(domain: str) -> str:
    """The punycode of a domain as browsers make it, by UTS 46."""
    import idna  # noqa: PLC0415 - hardly any address needs it

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return domain
