"""Every door that is not for everybody, tried by who may not go through."""

from __future__ import annotations

import re

from chalicelib.api.permissions import ROUTES, Audience
from tools.tour.party import NOBODY, Party


def try_all(party: Party) -> None:
    """Nobody gets in without a token, and no customer where admins work; the matrix says which doors these are."""
    party.guide.tell("Without a token, what is a user's or an admin's is 401.")
    for (method, path), audience in ROUTES.items():
        if audience in (Audience.USER, Audience.SELF, Audience.ADMIN):
            party.guest(method, _named(path), gives=401, code="unauthorized")

    party.guide.tell("A cart needs no token, but one that is no good is refused there, too.")
    stranger = party.guide.visitor("eve", Authorization="Bearer made-up")
    for (method, path), audience in ROUTES.items():
        if audience is Audience.GUEST:
            stranger(method, _named(path), gives=401)

    party.guide.tell("With a customer's token, what is an admin's, or another user's, is 403.")
    for (method, path), audience in ROUTES.items():
        if audience in (Audience.SELF, Audience.ADMIN):
            party.bob(method, _named(path), _body(method), gives=403, code="forbidden")


def _named(path: str) -> str:
    return re.sub(r"\{\w+\}", NOBODY, path)


def _body(method: str) -> dict[str, str] | None:
    """What a change of another user needs to be looked at: who it is about is judged after the body."""
    return {"firstName": "Eve", "lastName": "Tour"} if method in ("PUT", "PATCH") else None
