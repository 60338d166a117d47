"""How often a caller may do something, by the name of the limit: what it is without a word of the stage, and its text.

The text is that of the environment: `login=60/300,search=120/60`, how many in how many seconds; what it does not name
stays as it is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_HOUR = 3600
MAX_SECONDS = 24 * _HOUR
MAX_USES = 1_000_000
_PART = re.compile(r"([a-z_]+)=([0-9]{1,7})/([0-9]{1,5})")


class Quota(NamedTuple):
    """At most so many in each window of so many seconds."""

    most: int
    seconds: int


# An address may be that of an office, a school or a mobile network, and so of many people at once.
DEFAULTS: Mapping[str, Quota] = MappingProxyType(
    {
        "login": Quota(60, 300),  # one every five seconds; a list of stolen passwords wants thousands
        "register": Quota(60, _HOUR),  # each costs a bcrypt, five items and a mail to whoever has the address
        "email_taken": Quota(10, _HOUR),  # who has an account is told so often; a person needs it once
        "forgot": Quota(20, _HOUR),  # each may send a mail to somebody; beside it three for one account (W1)
        "reset": Quota(30, _HOUR),  # tokens cannot be guessed: this bounds what trying costs
        "verify": Quota(60, _HOUR),  # the same, and a mail program may open a link by itself
        "coupon": Quota(60, 600),  # a cart that is changed asks again each time
        "wrong_coupon": Quota(30, _HOUR),  # codes are short; typing errors are few
        "search": Quota(120, 60),  # two a second, as somebody types
        "guest_cart": Quota(300, 300),  # each may leave an item for thirty days
        "order": Quota(20, _HOUR),  # more are no shopper's, but stolen cards being tried
        "password": Quota(10, _HOUR),  # who has a session must not guess the password with it
        "email_change": Quota(5, _HOUR),  # each sends two mails
    }
)


def parse(text: str) -> dict[str, Quota]:
    """All quotas, with those that the text names. Raises `ValueError` with what cannot be meant."""
    quotas = dict(DEFAULTS)
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = _PART.fullmatch(part)
        if match is None:
            message = f"{part!r} is not of the form login=60/300"
            raise ValueError(message)
        name, quota = match[1], Quota(int(match[2]), int(match[3]))
        if fault := fault_of(name, quota):
            raise ValueError(fault)
        quotas[name] = quota
    return quotas


def fault_of(name: str, quota: Quota) -> str:
    """Why that cannot be meant, in words that go on behind the name of the setting; "" if it can."""
    if name not in DEFAULTS:
        return f"{name} is no limit; there are {', '.join(DEFAULTS)}"
    if not 1 <= quota.most <= MAX_USES:
        return f"{name} allows from 1 to {MAX_USES}"
    if not 1 <= quota.seconds <= MAX_SECONDS:
        return f"{name} is counted in 1 to {MAX_SECONDS} seconds"
    return ""


def spell(quotas: Mapping[str, Quota]) -> str:
    """The text that `parse` reads."""
    return ",".join(f"{name}={quota.most}/{quota.seconds}" for name, quota in quotas.items())
