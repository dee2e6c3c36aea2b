"""Sentences on a terminal: broken between their words, by the cells that they take."""

import re
import unicodedata


def cells(text: str) -> int:
    """How many columns of a terminal the (cleaned) text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 1 + (unicodedata.east_asian_width(char) in "WF")


def folded(text: str, room: int | None) -> str:
    """Each line on as many as it takes, those behind the first indented; None is room for all."""
    if room is None:
        return text
    return "\n".join(_fold(line, room) for line in text.split("\n"))


def _fold(line: str, room: int) -> str:
    if cells(line) <= room:
        return line
    lines, indent = [""], " " * (len(line) - len(line.lstrip()) + 2)
    for word in re.findall(r"\s*\S+", line):
        if cells(lines[-1] + word) > room and lines[-1].strip():
            lines.append(indent + word.lstrip())
        else:
            lines[-1] += word
    return "\n".join(lines)
