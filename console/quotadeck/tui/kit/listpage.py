"""A page that is a list, or several: one has the cursor, and one filter narrows what is shown."""

from dataclasses import replace
from typing import Any

from quotadeck.tui.keys.act import Act
from quotadeck.tui.keys.table import Place
from quotadeck.tui.kit.context import Context
from quotadeck.tui.kit.filter import Filter, Narrowed
from quotadeck.tui.kit.grid import Grid
from quotadeck.tui.kit.page import Page
from quotadeck.tui.kit.spans import Line
from quotadeck.tui.kit.terms import Terms


class ListPage(Page):
    """Moves the cursor of the list that has it, and takes the filter's keys while it is typed."""

    def __init__(
        self, place: Place, context: Context, *grids: Grid[Any, Any], terms: Terms = ()
    ) -> None:
        super().__init__(place, context)
        self.filter = Filter(terms=terms)
        self.seen: Narrowed[Any] = Narrowed(())
        """What the filter left when it was last used."""
        self._grids = grids
        for grid in grids[1:]:
            grid.active = False

    @property
    def grid(self) -> Grid[Any, Any]:
        """The list that has the cursor."""
        return next(grid for grid in self._grids if grid.active)

    @property
    def place(self) -> Place:
        return "filter" if self.filter.typing else self._place

    @property
    def window(self) -> int:
        return self.grid.page

    def move(self, by: int) -> None:
        self.grid.move(by)
        self.draw()

    def draw_foot(self, line: Line | None = None) -> None:
        if line is None and (self.filter.typing or self.filter.text):
            width = self.size.width
            line = self.filter.foot(self.seen, self._place, self.keys, self.may, width)
        super().draw_foot(line)

    def do(self, act: Act) -> None:
        if act.scope in ("filter", "editor"):
            self.filter = self.filter.do(act)
            self.draw()
        else:
            super().do(act)

    def insert(self, typed: str) -> None:
        if self.filter.typing:
            self.filter = self.filter.insert(typed)
            self.draw()

    def do_filter(self) -> None:
        self.filter = replace(self.filter, typing=True)
        self.draw()

    def do_clear(self) -> None:
        self.filter = self.filter.cleared()
        self.draw()

    def do_copy(self) -> None:
        """Copy what the chosen row is called."""
        chosen = self.grid.chosen
        self.copy(chosen.id if chosen else "")

    def do_copy_row(self) -> None:
        """Copy the chosen row as it is drawn."""
        self.copy(self.grid.chosen_text())

    def do_tables(self) -> None:
        """Give the cursor to the next list."""
        active = self._grids.index(self.grid)
        for index, grid in enumerate(self._grids):
            grid.active = index == (active + 1) % len(self._grids)
        self.draw()
