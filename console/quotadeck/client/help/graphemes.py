"""Where a text may be cut without breaking a character that a reader sees, as far as is cheap.

It follows those rules of Unicode's annex 29 (text segmentation) that need no large table:
surrogates, CR LF, combining marks and variation selectors, joined emoji, skin tones, flags, Hangul.
"""

import unicodedata
from typing import Final

_MARKS: Final = {"Mn", "Me", "Mc"}
_JOINER: Final = "\u200d"
_TAGS: Final = range(0xE0020, 0xE0080)
_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)
_JAMO: Final = range(0x1160, 0x1200)
_MOST_BACK: Final = 64
"""Code points; a longer character is no real one, and may be cut."""


def safe_cut(text: str, at: int) -> int:
    """The greatest place not after ``at`` where a cut parts no character from what belongs to it.

    Beyond `_MOST_BACK` code points back it is only a surrogate pair that is kept whole.
    """
    at = max(0, min(at, len(text)))
    least = max(0, at - _MOST_BACK)
    place = at
    while place > least and _together(text, place):
        place -= 1
    if place > least or place == 0:
        return place
    return at - 1 if _is_pair(text, at) else at


def _is_pair(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    return ord(text[at - 1]) in _HIGH and ord(text[at]) in _LOW


def _together(text: str, at: int) -> bool:
    """Whether the code points on both sides of the place are parts of one character."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    code = ord(after)
    if unicodedata.category(after) in _MARKS or code in _TONES or code in _TAGS or code in _JAMO:
        return True
    if _JOINER in {before, after} or _is_pair(text, at):
        return True
    return code in _FLAGS and _flags_before(text, at) % 2 == 1


def _flags_before(text: str, at: int) -> int:
    """How many letters of flags stand before the place: two are a flag."""
    start = at
    while start > 0 and at - start < _MOST_BACK and ord(text[start - 1]) in _FLAGS:
        start -= 1
    return at - start
