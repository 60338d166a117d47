"""Mails in several languages: complete, filled in, and never markup from outside."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.notifications import texts

LANGUAGES = Path(texts.__file__).parent / "languages"
ENGLISH = tomllib.loads((LANGUAGES / "en.toml").read_text())
FOR_THE_OPERATOR = {"sales_summary"}  # in English only


MORE = {
    "es": "Hemos cerrado una sesi\u00f3n.",
    "zh": "\u6211\u4eec\u5df2\u7ed3\u675f",
    "zh-Hant": "\u6211\u5011\u5df2\u7d50\u675f",
    "ar": "\u0644\u0642\u062f \u0623\u0646\u0647\u064a\u0646\u0627 $token \u0627\u0644\u062c\u0644\u0633\u0629. POST",
    "he": "\u05e1\u05d9\u05d9\u05de\u05e0\u05d5 \u05d0\u05ea \u05d4\u05d4\u05ea\u05d7\u05d1\u05e8\u05d5\u05ea",
}


@pytest.fixture
def more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Languages that the shop may be given, beside its own."""
    shutil.copytree(LANGUAGES, tmp_path, dirs_exist_ok=True)
    for language, body in MORE.items():
        total = f'[words]\ntotal = "total in {language}"\n'
        (tmp_path / f"{language}.toml").write_text(f'{total}[token_reused]\nsubject = "-"\nbody = "{body}"\n', "utf-8")
    monkeypatch.setattr(texts, "_FOLDER", tmp_path)
    texts._texts.cache_clear()
    yield
    texts._texts.cache_clear()


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


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("es-419", "es"),
        ("es-419-x-own", "es"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh-TW", "zh"),
        ("sr-Latn-RS", "en"),
        ("de-CH-1996", "de"),
        ("ar-EG", "ar"),
        ("a", "en"),
        ("-", "en"),
    ],
)
def test_a_mail_falls_back_along_the_tag_and_so_do_its_words(more: None, locale: str, language: str) -> None:
    assert texts.render("token_reused", locale, token="-").locale == language
    assert texts.phrase("total", locale) == {"en": "Total", "de": "Summe"}.get(language, f"total in {language}")
    assert texts.phrase("tax", locale) == {"de": "Steuer"}.get(language, "Tax"), "as far as a language has it"


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    ("locale", "begin"),
    [
        ("ar-EG", '<!doctype html><html lang="ar" dir="rtl"><meta'),
        ("he", '<!doctype html><html lang="he" dir="rtl"><meta'),
        ("es-419", '<!doctype html><html lang="es"><meta'),
        ("en", '<!doctype html><html lang="en"><meta'),
    ],
)
def test_a_text_from_right_to_left_says_so_in_html(more: None, locale: str, begin: str) -> None:
    assert texts.render("token_reused", locale, token="tok_" * 99).html.startswith(begin)


@pytest.mark.parametrize("locale", ["../../secrets", "", "xx/../en", "%s", "."])
def test_a_language_is_never_a_path(locale: str) -> None:
    assert texts.render("token_reused", locale).locale == "en"


def test_what_comes_from_outside_is_text_and_no_markup() -> None:
    text = texts.render("cart_abandoned", "en", lines="1 x <script>alert(1)</script>\n2 x Mug & Co $total")

    assert "<script>" not in text.html
    assert "1 x &lt;script&gt;alert(1)&lt;/script&gt;<br>2 x Mug &amp; Co $total" in text.html
    assert "2 x Mug & Co $total" in text.body


def test_a_subject_is_one_line_whatever_is_filled_in() -> None:
    text = texts.render("order_confirmed", "en", order_id="1\r\nBcc: everybody@example.com", lines="", addresses="")

    assert "\n" not in text.subject
    assert "\r" not in text.subject


def test_a_text_that_lacks_a_value_is_a_mistake_and_never_sent_half() -> None:
    with pytest.raises(KeyError):
        texts.render("password_reset", "en")
    with pytest.raises(KeyError):
        texts.render("no_such_text", "en")
