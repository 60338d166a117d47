"""Which media type an Accept header asks for, of those that a route offers."""

from __future__ import annotations

import pytest

from chalicelib.api import negotiation
from chalicelib.core.errors import NotAcceptable

HTML_FIRST = ("text/html", "application/json")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "application/json"),
        ("APPLICATION/*", "application/json"),
        ("text/html;q=0.2, application/json;q=0.9", "application/json"),
        ("text/*;q=0.5, */*;q=0.4", "text/html"),
        ("text/html;level=1;q=0, */*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("nonsense", "text/html"),
        ("image/png, ;;;, application/json ; q=0.1", "application/json"),
    ],
)
def test_the_best_liked_offer_is_chosen(accept: str | None, chosen: str) -> None:
    assert negotiation.choose(accept, HTML_FIRST) == chosen


@pytest.mark.parametrize(
    "accept", ["image/png", "text/html;q=0", "*/*;q=0", "application/json;q=0.000", "text/plain, image/*"]
)
def test_a_header_that_takes_no_offer_is_refused(accept: str) -> None:
    offers = ("application/json",) if "json" in accept else ("text/html",)

    with pytest.raises(NotAcceptable):
        negotiation.choose(accept, offers)


def test_of_a_long_header_only_the_beginning_is_read() -> None:
    accept = ", ".join(["image/png"] * 50 + ["text/html"])

    with pytest.raises(NotAcceptable):
        negotiation.choose(accept, HTML_FIRST)
