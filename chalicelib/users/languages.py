"""Languages as BCP 47 tags, in the one spelling that the standard recommends (F12)."""

from __future__ import annotations

from chalicelib.core.reading import unpadded

DEFAULT_LOCALE = "en"
HINT = "a language tag such as en, de-AT, es-419 or zh-Hant"

_MAX_LENGTH = 35  # what RFC 5646 asks everybody to have room for
_NAMES_NO_LANGUAGE = {"mis", "mul", "und", "x", "zxx"}


def parse(text: str) -> str:
    """The tag in its one spelling, of whatever letter case and with hyphens for underscores.

    Raises `ValueError` for what names no registered language.
    """
    tag = unpadded(text)
    if tag == DEFAULT_LOCALE:
        return tag  # what most leave it at pays for no import
    import langcodes  # noqa: PLC0415 - a quarter of a second

    if not tag.isascii():
        raise _no_language()
    standard = langcodes.standardize_tag(tag)
    names_none = standard.partition("-")[0] in _NAMES_NO_LANGUAGE or not langcodes.Language.get(standard).is_valid()
    if names_none or len(standard) > _MAX_LENGTH:
        raise _no_language()
    return standard


def _no_language() -> ValueError:
    message = f"This is not {HINT}."
    return ValueError(message)
