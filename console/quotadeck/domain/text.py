"""Text from outside, made safe to draw.

Terminals obey what they are sent: OSC 52 writes the clipboard, CSI 2J clears the screen, and the
widgets that draw our text pass such bytes through. So every string that comes from a request, a
config file, an upstream or another's store goes through `clean` once, where it enters.
"""

import unicodedata
from typing import Final

MAX_CHARS: Final = 256
_REPLACEMENT: Final = "\ufffd"


class _Table(dict[int, str | int | None]):
    """Translation filled on demand: what is harmless maps to itself."""

    def __missing__(self, code: int) -> str | int | None:
        hostile = unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        self[code] = _REPLACEMENT if hostile else code
        return self[code]


_TABLE: Final = _Table({ord("\n"): "⏎", ord("\t"): " ", ord("\r"): None})


def clean(text: str, limit: int = MAX_CHARS) -> str:
    """Replace control, format, bidi and unassigned characters; cut to ``limit`` characters.

    Line breaks become ``⏎``, tabs a blank; everything else that a terminal might obey, or that
    hides or reorders text, becomes U+FFFD, so that it can be seen that something was there.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    cut = text if len(text) <= limit * 2 else text[: limit * 2]
    safe = cut.translate(_TABLE)
    if len(cut) == len(text) and len(safe) <= limit:
        return safe
    return safe[: limit - 1] + "…"


def clean_lines(text: str, limit: int = MAX_CHARS) -> str:
    """`clean` for a reader who is no line of a terminal: line breaks stay what they are."""
    return clean(text, limit).replace("⏎", "\n")


def counted(number: int, thing: str, things: str = "") -> str:
    """``1 project``, ``2 projects``, ``0 projects``; ``things`` where an s does not do."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
