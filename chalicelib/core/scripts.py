"""Scripts whose text is not parted into words by blanks, or, as in Korean, into longer ones than people look for."""

from __future__ import annotations

from bisect import bisect_right

# First and last code point of each, in order: Thai and Lao, Burmese, Hangul letters, Khmer, Han and kana, Hangul.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3031, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
    (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip


def is_unspaced(letter: str) -> bool:
    """Does a letter belong to such a script? Each letter of these may begin what somebody looks for."""
    if letter < "\u0e00":
        return False
    point = ord(letter)
    return _UNSPACED[bisect_right(_UNSPACED, (point, 0x10FFFF)) - 1][1] >= point
