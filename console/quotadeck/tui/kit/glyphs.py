"""The signs on the screen where a terminal lacks them, or lacks colours: chosen once, at the start.

Everything is worded and drawn in one set; what a terminal is given instead stands in a table here.
A sign is as wide as the one that it stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from quotadeck.tui.kit.fit import cell_len

RAMP: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """``table`` translates what is drawn, ``trouble`` before it what is drawn in that role.

    ``ascii`` sets leave no other character: what they do not know is a question mark.
    """

    table: Mapping[int, int] = field(default_factory=dict)
    trouble: Mapping[int, int] = field(default_factory=dict)
    ascii: bool = False


UNICODE: Final = Glyphs()
COLOURLESS: Final = Glyphs(trouble=str.maketrans(RAMP, "⡀⣀⣄⣤⣦⣶⣷⣿"))
"""Minutes in trouble have dots where they cannot have a colour."""
_STAND_FOR: Final = {
    "#": "▉▊█", "=": "▋▌‖▅", "-": "▍▎▏−–—─━▄", "_": "▁", ".": "░◌·▂", ":": "▃", "+": "▆┌┐└┘├┤┬┴┼╌",
    "*": "•▇", "o": "●○", "x": "✗×", "v": "✓▾↓", "/": "↗", "\\": "↘", ">": "▸▶→»›≥", "<": "←«‹≤",
    "^": "↑▴", "%": "✎", "|": "│┃", '"': "“”", "'": "‘’", "~": "≈…", "!": "⚑", "$": "⏎", "@": "↻",
}  # fmt: skip
"""What is drawn in their place, by what is drawn instead."""
ASCII: Final = Glyphs(
    {ord(sign): ord(plain) for plain, signs in _STAND_FOR.items() for sign in signs},
    trouble=str.maketrans(RAMP, "12345678"),
    ascii=True,
)

_now = UNICODE


def glyphs_for(environ: Mapping[str, str]) -> Glyphs:
    """What the terminal can show: the encoding is that of its locale, where one is named.

    The Linux console has 256 signs, and no eighths of a block.
    """
    locale = next((environ[name] for name in _LOCALES if environ.get(name)), "C.UTF-8")
    plain = "utf" not in locale.lower() or environ.get("TERM", "") == "linux"
    if plain:
        return ASCII
    return COLOURLESS if environ.get("NO_COLOR") else UNICODE


_LOCALES: Final = ("LC_ALL", "LC_CTYPE", "LANG")


def use(glyphs: Glyphs) -> Glyphs:
    """Draw with these from now on; those before are given back."""
    global _now
    before, _now = _now, glyphs
    return before


def drawn(text: str, role: str) -> str:
    """The text as the terminal gets it, no wider and no narrower."""
    if _now is UNICODE or text.isascii():
        return text
    if role == "trouble":
        text = text.translate(_now.trouble)
    text = text.translate(_now.table)
    if not _now.ascii or text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in text)
