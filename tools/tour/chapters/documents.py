"""What the shop tells of itself: the pages for people, and the documents for programs."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party


def read(party: Party) -> None:
    """Where one is, what a problem means, and the document of the API with the page to try it."""
    guest = party.guest
    party.guide.tell("The front page: links for programs, a page for a browser.")
    guest("GET", "/")
    guest("GET", "/", Accept="text/html")
    guest("GET", "/", gives=406, code="not_acceptable", Accept="image/png")

    party.guide.tell("What each problem means, and what to do about it.")
    guest("GET", "/problems")
    guest("GET", "/problems/insufficient_stock")
    guest("GET", "/problems/insufficient_stock", Accept="text/html")
    guest("GET", f"/problems/{NOBODY}", gives=404)

    party.guide.tell("The document that clients are made from, and a page that sends requests by it.")
    tag = guest("GET", "/openapi.json").headers["ETag"]
    guest("GET", "/openapi.json", gives=304, If_None_Match=tag)
    guest("GET", "/asyncapi.json")
    guest("GET", "/docs", Accept="text/html")
