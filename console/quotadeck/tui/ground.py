"""Whether the terminal's ground is light: asked of it while the screen is loaded, never waited for.

The question is xterm's OSC 11, the colour of the ground; behind it one that every terminal answers
(DA1), so that its answer says that no other will come. What was typed meanwhile is kept. An answer
that comes too late is taken out of what is typed, in `quotadeck.tui.terminal`.
"""

import os
import re
import termios
import tty
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

QUESTION: Final = b"\x1b]11;?\x1b\\\x1b[c"
ANSWERS: Final = re.compile(r"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[\d;]*c")
"""The ground's colour, or the one after which no other answer comes."""
LAST: Final = re.compile(r"\x1b\[\?[\d;]*c")
_COLOUR: Final = re.compile(r"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_UNASKED: Final = ("linux", "dumb", "unknown", "vt100", "vt220")
"""Terminals that show the question instead of answering it, or have no light ground."""
_MOST: Final = 4_096


@dataclass(frozen=True, slots=True)
class Heard:
    """``light`` is None where nothing was said; ``typed`` are the keys that came beside it."""

    light: bool | None = None
    typed: str = ""
    over: bool = True
    """False: the answer is still to come."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is under way on a terminal, whose settings before it are kept."""

    fd: int
    before: list[Any]

    def heard(self) -> Heard:
        """What has come by now, without waiting; the terminal is as it was before."""
        got = b""
        os.set_blocking(self.fd, False)
        try:
            with suppress(BlockingIOError, OSError):
                while len(got) < _MOST and (more := os.read(self.fd, _MOST)):
                    got += more
        finally:
            os.set_blocking(self.fd, True)
            with suppress(termios.error):
                termios.tcsetattr(self.fd, termios.TCSANOW, self.before)
        said = got.decode("utf-8", "replace")
        return Heard(is_light(said), ANSWERS.sub("", said), LAST.search(said) is not None)


def ask(fd: int, out: int, environ: Mapping[str, str]) -> Asked | None:
    """Put the question on ``out``; None where the terminal is not one to be asked."""
    if environ.get("TERM", "") in ("", *_UNASKED):
        return None
    try:
        before = termios.tcgetattr(fd)
        tty.setcbreak(fd, termios.TCSANOW)
    except (OSError, termios.error):
        return None
    with suppress(OSError):
        os.write(out, QUESTION)
    return Asked(fd, before)


def is_light(said: str) -> bool | None:
    """Whether the colour that a terminal named is a light one; None where it named none."""
    found = _COLOUR.search(said)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / ((1 << 4 * len(part)) - 1) for part in found.groups())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5


def told_light(environ: Mapping[str, str]) -> bool | None:
    """What COLORFGBG says, which some terminals set: ink and ground by their numbers."""
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    number = ground.isascii() and ground.isdecimal() and len(ground) <= 3
    return int(ground) in (7, 15) if number else None
