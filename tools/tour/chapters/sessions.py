"""Bob logs in on several devices."""

from __future__ import annotations

from tools.tour.guide import Visitor
from tools.tour.party import NOBODY, Party


def come_and_go(party: Party) -> None:
    """Sessions opened, refreshed, listed and ended."""
    party.guide.tell("Bob registers and logs in, and a second time on a shared device.")
    bob, guest = party.join("bob"), party.guest
    shared = guest("POST", "/sessions", party.credentials("bob"), gives=201).body
    guest("POST", "/sessions", {"email": party.address("bob")}, gives=400, code="validation_failed")
    guest("POST", "/sessions", party.credentials("bob", "a wrong one"), gives=401, code="bad_credentials")

    party.guide.tell("A refresh token gives a new pair; what is none gives nothing.")
    guest("POST", "/auth/refresh", {"refreshToken": shared["refreshToken"]})
    guest("POST", "/auth/refresh", {"refreshToken": NOBODY}, gives=401, code="invalid_token")
    guest("POST", "/auth/refresh", {}, gives=400, code="validation_failed")

    party.guide.tell("He sees his sessions, page by page, and ends the one on the shared device.")
    page = bob("GET", "/sessions?limit=1").body
    bob("GET", f"/sessions?limit=1&cursor={page['nextCursor']}")
    bob("GET", "/sessions?cursor=made-up", gives=400, code="invalid_cursor")
    path = f"/sessions/{shared['sessionId']}"
    bob("GET", path)
    party.ada("GET", path, gives=404, code="session_not_found")
    bob("DELETE", path, gives=204)
    bob("GET", path, gives=404, code="session_not_found")
    bob("DELETE", path, gives=404, code="session_not_found")
    _log_out(party, bob)


def _log_out(party: Party, bob: Visitor) -> None:
    party.guide.tell("Logging out ends this session, or all of them.")
    bob("POST", "/auth/logout?all=perhaps", gives=400, code="validation_failed")
    bob("POST", "/auth/logout?all=true", gives=204)
    bob("GET", "/auth/me", gives=401)
    party.bob = party.log_in("bob")
