"""Mails in several languages: complete, filled in, and never markup from outside."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from chalicelib.notifications import texts

LANGUAGES = Path(texts.__file__).parent / "languages"
ENGLISH = tomllib.loads((LANGUAGES / "en.toml").read_text())
FOR_THE_OPERATOR = {"sales_summary"}  # in English only


def names(text: dict[str, str]) -> set[str]:
    return set(re.findall(r"\$(\w+)", " ".join(text.values())))


@pytest.mark.parametrize("path", sorted(LANGUAGES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_language_has_every_text_with_the_same_names_in_it(path: Path) -> None:
    language = tomllib.loads(path.read_text())

    assert set(ENGLISH) - set(language) <= FOR_THE_OPERATOR
    assert language["words"].keys() == ENGLISH["words"].keys()
    for name in set(language) - {"words"}:
        assert names(language[name]) == names(ENGLISH[name]), name


@pytest.mark.parametrize(("locale", "language"), [("de", "de"), ("de-AT", "de"), ("fr", "en"), ("en-GB", "en")])
def test_a_mail_is_in_the_nearest_language_there_is(locale: str, language: str) -> None:
    assert texts.render("token_reused", locale).locale == language


@pytest.mark.parametrize("locale", ["../../secrets", "", "xx/../en", "%s", "."])
def test_a_language_is_never_a_path(locale: str) -> None:
    assert texts.render("token_reused", locale).locale == "en"


def test_what_comes_from_outside_is_text_and_no_markup() -> None:
    text = texts.render("cart_abandoned", "en", lines="1 x <script>alert(1)</script>\n2 x Mug & Co $total")

    assert "<script>" not in text.html
    assert "1 x &lt;script&gt;alert(1)&lt;/script&gt;<br>2 x Mug &amp; Co $total" in text.html
    assert "2 x Mug & Co $total" in text.body


def test_a_subject_is_one_line_whatever_is_filled_in() -> None:
    text = texts.render("order_confirmed", "en", order_id="1\r\nBcc: everybody@example.com", lines="")

    assert "\n" not in text.subject
    assert "\r" not in text.subject


def test_a_text_that_lacks_a_value_is_a_mistake_and_never_sent_half() -> None:
    with pytest.raises(KeyError):
        texts.render("password_reset", "en")
    with pytest.raises(KeyError):
        texts.render("no_such_text", "en")
