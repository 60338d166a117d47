"""Text as people type it, whatever their keyboard: one case, no accents, plain letters, plain digits."""

from __future__ import annotations

import unicodedata
from functools import cache

_APOSTROPHES = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u2032\u00b4\u05f3\u055a\ua78c\uff07`"
_BREAKS = "\u2014\u2015\u2026\u00b6\u2022"  # long dashes and the like part words even without blanks
_OTHERS = {"\u200c": "-", "\u00d7": "x"}  # what joins nothing, and the sign between the numbers of a measure
_AS_TYPED = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_BREAKS, " "), **_OTHERS})
_LENGTHENER = "\u0640"  # of Arabic, for looks only


def folded(text: str) -> str:
    """The text in one case, without accents and invisible characters, in Latin letters of ASCII where it is Latin.

    What decomposes is decomposed (`é`, `ä`, `ﬁ`), other Latin letters are what anyascii makes of them (`ø`, `ß`, `þ`).
    Other scripts stay, without the marks that are often left out; marks that make another letter stay, too. Katakana
    becomes hiragana, since many words are written in either.
    """
    if text.isascii():
        return text.lower().translate(_AS_TYPED)
    apart = unicodedata.normalize("NFKD", text.translate(_AS_TYPED))
    apart = unicodedata.normalize("NFKD", apart.casefold())
    kept = unicodedata.normalize("NFC", "".join(each for each in apart if each.isascii() or _is_kept(each)))
    return "".join(each if each.isascii() else _plain(each) for each in kept)


def is_mark(letter: str) -> bool:
    """Is it written with the letter before it, such as a vowel sign?"""
    return unicodedata.category(letter)[0] == "M"


def _is_kept(letter: str) -> bool:
    """Is it more than an accent, a point that may be left out, a form, or something that is not seen?"""
    category = unicodedata.category(letter)
    if category == "Mn":
        # Of the marks of Unicode's classes, those of kana (8), viramas (9) and signs of scripts that have vowels below
        # or above (84 to 132) are part of the letter; 0 are vowel signs, but also what selects a form.
        order = unicodedata.combining(letter)
        is_form = "\ufe00" <= letter <= "\ufe0f" or letter in "\u034f\u17b4\u17b5" or letter >= "\U000e0000"
        return not is_form if order == 0 else order in (8, 9) or 84 <= order <= 132  # noqa: PLR2004 - see above
    return category not in ("Cf", "Me") and letter != _LENGTHENER


@cache
def _plain(letter: str) -> str:
    if "\u30a1" <= letter <= "\u30f6":  # katakana, each 96 after the same of hiragana
        return chr(ord(letter) - 96)
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if not unicodedata.name(letter, "").startswith("LATIN "):
        return letter
    from anyascii import anyascii  # noqa: PLC0415 - only a few letters need it

    plain = anyascii(letter).lower()
    return plain if plain.isalnum() else letter
