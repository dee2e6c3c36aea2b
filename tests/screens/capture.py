"""The screen as text: its characters, and under them the style of each cell by a letter."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual.app import App

from quotadeck.tui.themes import Theme

_LETTERS: Final = {
    "normal": " ", "strong": "s", "dim": "d", "attention": "a", "trouble": "t", "chosen": "c",
    "key": "k", "bar normal": "N", "bar dim": "D", "bar attention": "A", "bar trouble": "T",
}  # fmt: skip
"""A role's letter; where a theme gives two roles one style, the first is meant."""

Cells = list[list[tuple[str, Style]]]


def cells_of(app: App[int]) -> Cells:
    """Each line's segments, dialogs over pages, as they would be sent whole."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    return [
        [(part.text, part.style or Style.null()) for strip in line for part in strip]
        for line in getattr(update, "strips", ())
    ]


def layout(cells: Cells) -> list[str]:
    """The characters alone, without the blanks at the ends."""
    return ["".join(text for text, _ in line).rstrip() for line in cells]


def colours(cells: Cells, theme: Theme) -> list[str]:
    """The characters with the letters of their styles, after a key to the letters that occur."""
    letters = _letters(cells, theme)
    lines = [f"{letter or '·'} {what}" for letter, what in _key(letters, theme)]
    for line in cells:
        lines.append("".join(text for text, _ in line).rstrip())
        runs = (letters[style] * cell_len(text) for text, style in line)
        lines.append("".join(runs).rstrip())
    return lines


def _letters(cells: Cells, theme: Theme) -> dict[Style, str]:
    known: dict[Style, str] = {}
    for role, letter in _LETTERS.items():
        known.setdefault(theme.styles[role], letter)
    foreign = {style for line in cells for text, style in line if text} - set(known)
    strangers = sorted(foreign, key=str)
    return known | {style: str(number % 10) for number, style in enumerate(strangers)}


def _key(letters: dict[Style, str], theme: Theme) -> Sequence[tuple[str, str]]:
    roles = {theme.styles[role]: role for role in reversed(_LETTERS)}
    return [
        (letter.strip(), f"{roles.get(style, 'no role')}: {style}")
        for style, letter in letters.items()
    ]
