"""What a visitor sees before anything else."""

from __future__ import annotations

from tools.tour.party import Party


def look_around(party: Party) -> None:
    """A greeting, whether the shop works, and what it says to what it does not know."""
    guest = party.guest
    party.guide.tell("The shop greets, and says whether it can sell; HEAD asks for the headers alone.")
    guest("GET", "/hello")
    guest("HEAD", "/hello")
    guest("GET", "/health")

    party.guide.tell("What is not there is 404, a method that an address does not take 405 with what it does take.")
    guest("GET", "/nowhere", gives=404, code="not_found")
    guest("PATCH", "/products", {}, gives=405, code="method_not_allowed")
    guest("OPTIONS", "/products", Origin="https://example.com", Access_Control_Request_Method="GET")
