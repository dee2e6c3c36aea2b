"""Two parts of a page side by side, where the screen is wide: a list, and what is chosen in it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.widget import Widget

from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.lines import Lines
from quotadeck.tui.kit.spans import Span
from quotadeck.tui.link import Picture

if TYPE_CHECKING:
    from quotadeck.tui.panes.project_figures import ProjectFigures

WIDE_FROM: Final = 160
"""From so many cells on the project stands beside the list."""
_LEAST: Final = 79
LIST_GAP: Final = 1
"""Blanks between the columns of the lists and the border."""
RESTED_S: Final = 0.25
"""So long the cursor stays on a row before its figures are asked for."""


def pane_cells(width: int) -> int:
    """The pane's share of a line, its border in it; 0 where there is none."""
    return max(_LEAST, width * 2 // 5 - LIST_GAP) if width >= WIDE_FROM else 0


class Stack(Widget):
    """Its parts one below the other, as wide as it is told."""

    DEFAULT_CSS = "Stack { layout: vertical; height: 1fr; }"


class Row(Widget):
    """Its parts side by side."""

    DEFAULT_CSS = "Row { layout: horizontal; height: 1fr; }"


class ProjectBeside(Lines):
    """The page of the project that the cursor rests on."""

    DEFAULT_CSS = "ProjectBeside { height: 1fr; }"

    def __init__(self, context: Context, drawn: Callable[[], None]) -> None:
        super().__init__(context.theme)
        self._shared = context
        self._drawn = drawn
        self._wanted: str | None = None
        self._figures: ProjectFigures | None = None

    def choose(self, project: str | None) -> None:
        """The cursor is on that project; what it rests on is shown."""
        if project == self._wanted:
            return
        self._wanted = project
        self.set_timer(RESTED_S if self._figures else 0.01, self._show)

    def _show(self) -> None:
        """Show what the cursor is on by now."""
        from quotadeck.tui.panes.project_calls import MOST  # not before a first picture
        from quotadeck.tui.panes.project_figures import ProjectFigures

        if self._wanted != (self._figures.project if self._figures else None):
            named = self._wanted
            self._figures = ProjectFigures(self._shared, named, MOST) if named else None
            self.read()
            self._drawn()

    def read(self) -> None:
        """Ask for its figures, if it is time to."""
        if self._figures is not None and self._figures.due():
            self.run_worker(self._read(self._figures))

    async def _read(self, figures: "ProjectFigures") -> None:
        await figures.read()
        self._drawn()

    @property
    def still(self) -> bool:
        """Whether its figures were read, or could not be."""
        shown = self._figures
        return self._wanted is None or (
            shown is not None and shown.project == self._wanted and shown.read_once
        )

    def draw(self, picture: Picture, width: int, height: int) -> None:
        from quotadeck.tui.panes.project import lines
        from quotadeck.tui.panes.project_calls import newest_lines

        pane = self._figures.pane(picture, width - 1) if self._figures else None
        told = list(lines(pane)[:height]) if pane else []
        if pane and self._figures:
            told += newest_lines(self._figures.calls, pane.at, width - 1, height - len(told))
        border = Span("│", "dim")
        self.show([(border, *line) for line in (*told, *[()] * (height - len(told)))])
