"""A widget that is a list of lines, and sends only the spans that changed."""

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from quotadeck.domain.text import clean
from quotadeck.tui.kit.fit import cell_len
from quotadeck.tui.kit.glyphs import drawn
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.themes import BAR_ROLES, Theme

_GROUNDED = ("chosen", "past", *(f"bar {role}" for role in BAR_ROLES))
"""Roles whose blanks can be seen."""


def _strip(line: Line, width: int, theme: Theme) -> Strip:
    """The line's segments; blanks take their neighbour's style, so that fewer styles are sent."""
    runs: list[tuple[str, str]] = []
    for said, role in line:
        text = drawn(said, role)
        before = runs[-1][1] if runs else ""
        blank = role not in _GROUNDED and before and before not in _GROUNDED and text.isspace()
        if role == before or blank:
            runs[-1] = (runs[-1][0] + text, before)
        elif text:
            runs.append((text, role))
    styles = theme.styles
    # The last guard: whatever a source let through, a terminal is never given what it might obey.
    strip = Strip(
        [
            Segment(text if text.isprintable() else clean(text, 1_000), styles[role])
            for text, role in runs
        ]
    )
    return strip.adjust_cell_length(width, styles["normal"])


_APART: Final = 8
"""Cells that are the same, and yet sent: to move the cursor over them costs as much."""


def changed_cells(before: Line, line: Line) -> list[tuple[int, int]]:
    """Where two lines differ, from a cell up to one; empty where characters are not cells."""
    (old, old_roles), (new, new_roles) = _flat(before), _flat(line)
    if len(old) != len(new) or cell_len(old) != len(old) or cell_len(new) != len(new):
        return []
    found: list[tuple[int, int]] = []
    for at in range(len(new)):
        if old[at] == new[at] and old_roles[at] == new_roles[at]:
            continue
        if found and at - found[-1][1] <= _APART:
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found


def _flat(line: Line) -> tuple[str, list[str]]:
    roles = [role for text, role in line for _ in text]
    return "".join(span.text for span in line), roles


class Lines(Widget):
    """Draws lines of spans as they are: plain segments, never markup.

    `show` compares with what stands there and refreshes the changed cells alone.
    """

    def __init__(
        self,
        theme: Theme,
        *,
        id: str | None = None,  # noqa: A002 textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._palette = theme
        self._lines: list[Line] = []
        self._strips: list[Strip | None] = []
        self._drawn_width = 0
        self.height = 0
        """The lines it was given; 0 until `set_height`."""

    def set_height(self, height: int) -> None:
        """Take so many lines; only a change costs a new layout."""
        if height != self.height:
            self.height = height
            self.styles.height = height

    def show(self, lines: Sequence[Line]) -> None:
        """Put lines in place, from the top; the cells that changed are drawn at the next frame."""
        old = self._lines
        self._lines = list(lines)
        strips = self._strips
        self._strips = [None] * len(self._lines)
        for y, line in enumerate(self._lines):
            before = old[y] if y < len(old) else None
            if line == before:
                self._strips[y] = strips[y]
                continue
            self._refresh_changed(y, before, line)
        for y in range(len(self._lines), len(old)):
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_changed(self, y: int, before: Line | None, line: Line) -> None:
        if before is None:
            self.refresh(Region(0, y, self.size.width, 1))
            return
        if len(before) != len(line):
            for left, right in changed_cells(before, line) or [(0, self.size.width)]:
                self.refresh(Region(left, y, right - left, 1))
            return
        x = 0
        start: int | None = None
        for old, new in zip(before, line, strict=True):
            width = cell_len(new.text)
            if width != cell_len(old.text):
                self.refresh(Region(x if start is None else start, y, self.size.width, 1))
                return
            if old != new:
                start = x if start is None else start
            elif start is not None:
                self.refresh(Region(start, y, x - start, 1))
                start = None
            x += width
        if start is not None:
            self.refresh(Region(start, y, x - start, 1))

    def render_line(self, y: int) -> Strip:
        """Textual asks for line ``y`` of what is visible."""
        width = self.size.width
        if width != self._drawn_width:
            self._strips = [None] * len(self._lines)
            self._drawn_width = width
        if y >= len(self._lines):
            return Strip([Segment(" " * width, self._palette.styles["normal"])], width)
        strip = self._strips[y]
        if strip is None:
            strip = _strip(self._lines[y], width, self._palette)
            self._strips[y] = strip
        return strip

    def text(self) -> list[str]:
        """The lines as plain text, for tests and copies."""
        return ["".join(span.text for span in line) for line in self._lines]
